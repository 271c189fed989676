"""What a device and the program that is its Bluetooth radio say to each other, over a stream socket.

A message is ``length u16, kind u8, body``; `length` counts kind and body. The radio knows advertising, pairing and links; the
device knows frames and what is in them. One link at a time: what the device sends goes to whoever is linked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, unique

from tallystick.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "MAX_FRAME_BYTES",
    "Disconnected",
    "Frame",
    "Linked",
    "Mtu",
    "Present",
    "RadioMessage",
    "RadioReader",
    "to_bytes",
]

#: the longest value of an attribute
MAX_FRAME_BYTES = 512
_MAX_NAME_BYTES = 29
_SERVICE = re.compile(r"[0-9a-f]{4}")
_MTUS = range(23, 518)
_HEADER_BYTES = 2


@unique
class _Kind(IntEnum):
    PRESENT = 0x01
    LINKED = 0x02
    MTU = 0x03
    FRAME = 0x04
    DISCONNECTED = 0x05


@dataclass(frozen=True, slots=True)
class Present:
    """Device: be this, to whoever listens. `service` is the third group of the service UUID; `name` is 29 bytes of UTF-8 at most.

    Both are empty while the device has no Bluetooth, as in its bootloader.
    """

    service: str
    name: str


@dataclass(frozen=True, slots=True)
class Linked:
    """Radio: somebody is linked, paired, and has subscribed to the answers; the link's ATT MTU is 23 to 517."""

    att_mtu: int


@dataclass(frozen=True, slots=True)
class Mtu:
    """Radio: the link has agreed on another ATT MTU."""

    att_mtu: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Either: one write of the host, or one notification of the device, of 512 bytes at most."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Radio: the link is gone."""


RadioMessage = Present | Linked | Mtu | Frame | Disconnected


def to_bytes(message: RadioMessage) -> bytes:
    """Return the bytes of `message`; raise LocalProtocolError for one that is too long."""
    match message:
        case Present(service, name):
            kind, body = _Kind.PRESENT, service.encode("ascii") + name.encode()
            limit = len(service) + _MAX_NAME_BYTES
        case Linked(att_mtu):
            kind, body, limit = _Kind.LINKED, att_mtu.to_bytes(2, "big"), 2
        case Mtu(att_mtu):
            kind, body, limit = _Kind.MTU, att_mtu.to_bytes(2, "big"), 2
        case Frame(data):
            kind, body, limit = _Kind.FRAME, data, MAX_FRAME_BYTES
        case Disconnected():
            kind, body, limit = _Kind.DISCONNECTED, b"", 0
    if len(body) > limit:
        raise LocalProtocolError(f"a message of {len(body)} bytes is too long for the radio")
    return (len(body) + 1).to_bytes(2, "big") + bytes((kind,)) + body


class RadioReader:
    """Put messages together from the bytes of a stream."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[RadioMessage]:
        """Take bytes, return the messages that they complete; raise RemoteProtocolError when they mean nothing."""
        self._buffer += data
        found: list[RadioMessage] = []
        while len(self._buffer) >= _HEADER_BYTES:
            size = int.from_bytes(self._buffer[:_HEADER_BYTES], "big")
            if not 1 <= size <= MAX_FRAME_BYTES + 1:
                raise RemoteProtocolError(f"a message of {size} bytes is none of a radio's")
            if len(self._buffer) < _HEADER_BYTES + size:
                break
            found.append(_message(bytes(self._buffer[_HEADER_BYTES : _HEADER_BYTES + size])))
            del self._buffer[: _HEADER_BYTES + size]
        return found


def _message(raw: bytes) -> RadioMessage:
    kind, body = raw[0], raw[1:]
    match kind, len(body):
        case _Kind.PRESENT, 0:
            return Present("", "")
        case _Kind.PRESENT, size if 4 < size <= 4 + _MAX_NAME_BYTES:
            return _present(body)
        case _Kind.LINKED, 2:
            return Linked(_att_mtu(body))
        case _Kind.MTU, 2:
            return Mtu(_att_mtu(body))
        case _Kind.FRAME, _:
            return Frame(body)
        case _Kind.DISCONNECTED, 0:
            return Disconnected()
    raise RemoteProtocolError(f"a message of kind {kind:02x} with {len(body)} bytes is none of a radio's")


def _present(body: bytes) -> Present:
    try:
        service, name = body[:4].decode("ascii"), body[4:].decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("a device's name is not text") from error
    if _SERVICE.fullmatch(service) is None or not name.isprintable():
        raise RemoteProtocolError("a device's service or name is not one")
    return Present(service, name)


def _att_mtu(body: bytes) -> int:
    att_mtu = int.from_bytes(body, "big")
    if att_mtu not in _MTUS:
        raise RemoteProtocolError(f"an ATT MTU of {att_mtu} is none")
    return att_mtu
