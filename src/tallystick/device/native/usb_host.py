"""The USB host at the other end of an app that has a USB stack of its own: its APDUs come as HID reports (wire-protocol A.3).

An app of these levels takes an APDU as a packet of its own only if that fits its buffer; a longer one it knows from a cable
alone. So the cable is played: reset, configuration descriptor, address, configuration, then one report for each that the app is
ready for, and its reports back. Nothing of it happens before the first APDU that is too long.

Packets of the app: ``4F`` action (connect 1, disconnect 2, ...); ``50`` endpoint, what (IN 20, OUT 30, STALL 40), length, data.
Packets to it: ``0F`` 01 for a reset; ``10`` endpoint, what (SETUP 1, IN 2, OUT 4), length, data.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from enum import IntEnum, unique
from typing import Final

from tallystick.device.native.seph import Tag, packet
from tallystick.errors import RemoteProtocolError
from tallystick.wire.hid import PACKET_BYTES, HidFraming, ResponseReceived, Role
from tallystick.wire.status import StatusWord

__all__ = ["MAX_APDU", "ROOM", "UsbHost"]

#: the longest APDU that an app's own buffer takes
MAX_APDU: Final = 260
#: bytes of an app's buffer for packets that one report needs
ROOM: Final = 6 + PACKET_BYTES
_CONNECT, _DISCONNECT = 1, 2
_IN_FLAG: Final = 0x80
_HEAD_BYTES: Final = 3
_SETUP: Final = struct.Struct("<BBHHH")
_ASKED_BYTES: Final = 255
_INTERFACE, _ENDPOINT, _HID_CLASS = 4, 5, 3
_CLASS_AT, _ADDRESS_AT = 5, 2
#: the shortest descriptor that tells what is looked for
_SHORTEST: Final = 3

#: get the configuration descriptor, set address 1, set configuration 1: request type, request, value, index, length
_REQUESTS: Final = (
    _SETUP.pack(0x80, 6, 0x0200, 0, _ASKED_BYTES),
    _SETUP.pack(0x00, 5, 1, 0, 0),
    _SETUP.pack(0x00, 9, 1, 0, 0),
)


@unique
class _Heard(IntEnum):
    """What happened on an endpoint, as an app is told."""

    SETUP = 1
    IN = 2
    OUT = 4


@unique
class _Wanted(IntEnum):
    """What an app wants of an endpoint."""

    IN = 0x20
    OUT = 0x30
    STALL = 0x40


class UsbHost:
    """One cable; what the app is to hear goes behind `events`."""

    def __init__(self, events: deque[bytes]) -> None:
        self._events = events
        self._framing = HidFraming(Role.HOST)
        self._reports: deque[bytes] = deque()
        self._requests: deque[bytes] = deque()
        self._descriptor = b""
        self._is_ready = False
        self._is_new = False
        self._endpoints = (0, 0)
        self._apdu = b""
        #: whether the app has plugged in its cable
        self.is_plugged = False

    def send(self, apdu: bytes) -> None:
        """Begin to bring the app an APDU."""
        self._apdu = apdu
        self._is_new = not self._requests and not self._endpoints[1]
        if self._is_new:
            self._plug()
        self._reports = deque(self._framing.send(apdu))
        if not self._is_new and self._is_ready:
            self._next_report()

    def gives_up(self) -> bool:
        """Tell whether the APDU in hand never arrives; to be asked when the app has heard everything and waits.

        An app that was plugged in before and now takes no report is tried with a new cable once.
        """
        if not self._reports:
            return False
        apdu, was_new = self._apdu, self._is_new
        self.unplug()
        if not was_new:
            self.send(apdu)
        return was_new

    def unplug(self) -> None:
        """Forget all: the next APDU begins with a reset."""
        self._reports.clear()
        self._requests.clear()
        self._framing.reset()
        self._descriptor, self._apdu, self._endpoints, self._is_ready = b"", b"", (0, 0), False

    def configured(self, body: bytes) -> None:
        """Take a packet 4F: an app that pulls or plugs its cable begins anew."""
        if body[:1] and body[0] in {_CONNECT, _DISCONNECT}:
            self.unplug()
            self.is_plugged = body[0] == _CONNECT

    def prepared(self, body: bytes) -> bytes | None:
        """Take a packet 50; return the APDU's answer (with its status word) once it is whole, 6F00 for one that is none."""
        if len(body) < _HEAD_BYTES:
            return None
        number, wanted, length = body[0] & ~_IN_FLAG, body[1], body[2]
        if not number:
            self._control(wanted, body[_HEAD_BYTES : _HEAD_BYTES + length])
        elif wanted == _Wanted.OUT and number == self._endpoints[1]:
            self._is_ready = True
            self._next_report()
        elif wanted == _Wanted.IN and number | _IN_FLAG == self._endpoints[0]:
            self._happened(self._endpoints[0], _Heard.IN)
            return self._report(body[_HEAD_BYTES : _HEAD_BYTES + length])
        return None

    def _plug(self) -> None:
        self._events.append(packet(Tag.USB_EVENT, b"\x01"))
        self._requests = deque(_REQUESTS)
        self._happened(0, _Heard.SETUP, self._requests[0])

    def _control(self, wanted: int, data: bytes) -> None:
        """Go on with the request in hand: data or status comes in, and the app is told that it has arrived."""
        if not self._requests:
            return
        if wanted == _Wanted.STALL:
            self._requests.clear()
        elif wanted == _Wanted.IN:
            self._happened(_IN_FLAG, _Heard.IN)
            if len(self._requests) < len(_REQUESTS):
                self._request_done()
            else:
                self._descriptor = (self._descriptor + data)[:_ASKED_BYTES]
        elif wanted == _Wanted.OUT and len(self._requests) == len(_REQUESTS) and self._descriptor:
            self._happened(0, _Heard.OUT)
            self._endpoints = _endpoints_of(self._descriptor)
            self._request_done()

    def _request_done(self) -> None:
        self._requests.popleft()
        if self._requests:
            self._happened(0, _Heard.SETUP, self._requests[0])

    def _next_report(self) -> None:
        if self._reports and self._is_ready:
            self._is_ready = False
            self._happened(self._endpoints[1], _Heard.OUT, self._reports.popleft())

    def _report(self, report: bytes) -> bytes | None:
        try:
            for event in self._framing.receive(report):
                if isinstance(event, ResponseReceived):
                    return event.response.to_bytes()
        except RemoteProtocolError:
            return StatusWord.TECHNICAL_PROBLEM.to_bytes(2, "big")
        return None

    def _happened(self, endpoint: int, what: _Heard, data: bytes = b"") -> None:
        self._events.append(packet(Tag.USB_ENDPOINT_EVENT, bytes((endpoint, what, len(data))) + data))


def _endpoints_of(descriptor: bytes) -> tuple[int, int]:
    """Return the endpoints, in and out, of the first HID interface of a configuration; zeros where there are none."""
    way_in = way_out = 0
    is_hid = False
    for one in _descriptors(descriptor):
        if one[1] == _INTERFACE:
            if way_in and way_out:
                break
            is_hid, way_in, way_out = len(one) > _CLASS_AT and one[_CLASS_AT] == _HID_CLASS, 0, 0
        elif one[1] == _ENDPOINT and is_hid:
            address = one[_ADDRESS_AT]
            way_in, way_out = (address, way_out) if address & _IN_FLAG else (way_in, address)
    return (way_in, way_out) if way_in and way_out else (0, 0)


def _descriptors(raw: bytes) -> Iterator[bytes]:
    """Yield the descriptors of a configuration, each with its own length first; what is no descriptor ends it."""
    while len(raw) >= _SHORTEST and raw[0] >= _SHORTEST:
        yield raw[: raw[0]]
        raw = raw[raw[0] :]
