"""The USB host at the other end of an app that has a USB stack of its own: its APDUs come as HID reports (wire-protocol A.3).

An app of these levels takes an APDU as a packet of its own only if that fits its buffer; a longer one it knows from a cable
alone. So the cable is played: reset, configuration descriptor, address, configuration, then one report for each that the app is
ready for, and its reports back. Nothing of it happens before the first APDU that is too long, or the first report for FIDO.

Reports for FIDO go to the interface of HID whose report descriptor says so, and its reports come back, as they are: what they mean is
between the app and its client.

Packets of the app: ``4F`` action (connect 1, disconnect 2, ...); ``50`` endpoint, what (IN 20, OUT 30, STALL 40), length, data.
Packets to it: ``0F`` 01 for a reset; ``10`` endpoint, what (SETUP 1, IN 2, OUT 4), length, data.
"""

from __future__ import annotations

import struct
from collections import deque
from enum import IntEnum, unique
from typing import Final

from tallystick.device.native.seph import Tag, packet
from tallystick.device.native.usb_descriptor import HidInterface, hid_interfaces, is_fido
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
_CONFIGURATION, _REPORT = 2, 0x22
#: reports for FIDO that wait for the app; beyond them one more is lost
_MAX_REPORTS: Final = 256

#: get the configuration descriptor, set address 1, set configuration 1: request type, request, value, index, length
_REQUESTS: Final = (
    _SETUP.pack(0x80, 6, _CONFIGURATION << 8, 0, _ASKED_BYTES),
    _SETUP.pack(0x00, 5, 1, 0, 0),
    _SETUP.pack(0x00, 9, 1, 0, 0),
)
_TYPE_AT, _INTERFACE_AT = 3, 4


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
    """One cable; what the app is to hear goes behind `events`, what it sends for FIDO behind `sent`, 64 bytes each."""

    def __init__(self, events: deque[bytes], sent: deque[bytes] | None = None) -> None:
        self._events = events
        self._sent: deque[bytes] = deque() if sent is None else sent
        self._framing = HidFraming(Role.HOST)
        self._reports: deque[bytes] = deque()
        self._requests: deque[bytes] = deque()
        #: what came of the descriptor that is asked for
        self._descriptor = b""
        #: endpoints on which the app waits for a report
        self._ready: set[int] = set()
        self._is_new = False
        self._is_configured = False
        self._interfaces: list[HidInterface] = []
        self._endpoints = (0, 0)
        self._for_fido: deque[bytes] = deque()
        self._fido: HidInterface | None = None
        #: whether it was asked which interface is FIDO's
        self._has_looked = False
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
        if not self._is_new:
            self._next_report()

    def report(self, report: bytes) -> None:
        """Bring the app a report for FIDO, 64 bytes: as soon as it has plugged in its cable, and takes one."""
        if len(self._for_fido) < _MAX_REPORTS:
            self._for_fido.append(report)
        self._go_on()

    @property
    def is_held_up(self) -> bool:
        """Whether reports for FIDO wait for an app that has not plugged in."""
        return bool(self._for_fido) and not self.is_plugged

    def loses(self) -> bool:
        """Tell whether reports for FIDO went nowhere; to be asked when the app has heard everything and waits.

        It has no interface for them then, or none that it tells of.
        """
        if not self._for_fido or not self.is_plugged or self._fido is not None:
            return False
        self._for_fido.clear()
        return True

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
        """Forget all but the reports for FIDO: what is sent next begins with a reset."""
        self._reports.clear()
        self._requests.clear()
        self._framing.reset()
        self._ready.clear()
        self._interfaces.clear()
        self._descriptor, self._apdu, self._endpoints, self._fido = b"", b"", (0, 0), None
        self._is_configured = self._has_looked = False

    def configured(self, body: bytes) -> None:
        """Take a packet 4F: an app that pulls or plugs its cable begins anew."""
        if body[:1] and body[0] in {_CONNECT, _DISCONNECT}:
            self.unplug()
            self.is_plugged = body[0] == _CONNECT
            self._go_on()

    def prepared(self, body: bytes) -> bytes | None:
        """Take a packet 50; return the APDU's answer (with its status word) once it is whole, 6F00 for one that is none."""
        if len(body) < _HEAD_BYTES:
            return None
        number, wanted, length = body[0] & ~_IN_FLAG, body[1], body[2]
        if not number:
            self._control(wanted, body[_HEAD_BYTES : _HEAD_BYTES + length])
        elif wanted == _Wanted.OUT and any(number == one.way_out for one in self._interfaces):
            self._ready.add(number)
            self._next_report()
            self._go_on()
        elif wanted == _Wanted.IN and self._fido is not None and number | _IN_FLAG == self._fido.way_in:
            self._happened(self._fido.way_in, _Heard.IN)
            self._sent.append(body[_HEAD_BYTES : _HEAD_BYTES + length][:PACKET_BYTES].ljust(PACKET_BYTES, b"\0"))
        elif wanted == _Wanted.IN and number | _IN_FLAG == self._endpoints[0]:
            self._happened(self._endpoints[0], _Heard.IN)
            return self._report(body[_HEAD_BYTES : _HEAD_BYTES + length])
        return None

    def _plug(self) -> None:
        self._events.append(packet(Tag.USB_EVENT, b"\x01"))
        self._requests = deque(_REQUESTS)
        self._happened(0, _Heard.SETUP, self._requests[0])

    def _go_on(self) -> None:
        """Bring reports for FIDO on their way: plug in, find out which interface is theirs, or give the app the next one."""
        if not self._for_fido or not self.is_plugged or self._requests:
            return
        if self._fido is not None:
            if self._fido.way_out in self._ready:
                self._give(self._fido.way_out, self._for_fido.popleft())
        elif not self._is_configured:
            self._plug()
        elif not self._has_looked:
            self._has_looked = True
            self._requests.extend(
                _SETUP.pack(0x81, 6, _REPORT << 8, one.number, _ASKED_BYTES) for one in self._interfaces
            )
            self._ask()

    def _control(self, wanted: int, data: bytes) -> None:
        """Go on with the request in hand: data or status comes in, and the app is told that it has arrived."""
        if not self._requests:
            return
        request = self._requests[0]
        if wanted == _Wanted.STALL:
            if self._is_configured:
                self._request_done()
            else:
                self._requests.clear()
        elif wanted == _Wanted.IN:
            self._happened(_IN_FLAG, _Heard.IN)
            if request[0] & _IN_FLAG:
                self._descriptor = (self._descriptor + data)[:_ASKED_BYTES]
            else:
                self._request_done()
        elif wanted == _Wanted.OUT and request[0] & _IN_FLAG and self._descriptor:
            self._happened(0, _Heard.OUT)
            self._described(request)
            self._request_done()

    def _described(self, request: bytes) -> None:
        """Take the descriptor that was asked for."""
        if request[_TYPE_AT] == _CONFIGURATION:
            self._interfaces = hid_interfaces(self._descriptor)
            first = self._interfaces[:1]
            self._endpoints = (first[0].way_in, first[0].way_out) if first else (0, 0)
        elif is_fido(self._descriptor):
            self._fido = next(one for one in self._interfaces if one.number == request[_INTERFACE_AT])

    def _request_done(self) -> None:
        if self._requests.popleft() == _REQUESTS[-1]:
            self._is_configured = True
        self._descriptor = b""
        self._ask()
        self._go_on()

    def _ask(self) -> None:
        if self._requests:
            self._happened(0, _Heard.SETUP, self._requests[0])

    def _next_report(self) -> None:
        if self._reports and self._endpoints[1] in self._ready:
            self._give(self._endpoints[1], self._reports.popleft())

    def _give(self, endpoint: int, report: bytes) -> None:
        self._ready.discard(endpoint)
        self._happened(endpoint, _Heard.OUT, report)

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
