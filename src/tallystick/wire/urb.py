"""URBs over USB/IP: the transfers of a lent device, both ends (protocol version 1.1.1; Linux, Documentation/usb/usbip_protocol).

The host submits transfers by sequence numbers, or takes them back (unlink); the device answers each message once, in any
order. Every message begins with 48 bytes, big-endian; the eight bytes of a set-up packet are as on the bus.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final

from tallystick.errors import RemoteProtocolError

__all__ = [
    "MAX_TRANSFER",
    "Command",
    "Direction",
    "Errno",
    "ReturnReader",
    "Submit",
    "Submitted",
    "Unlink",
    "Unlinked",
    "UrbReader",
]

#: bytes a host may send in one transfer
MAX_TRANSFER: Final = 1 << 16

_URB = struct.Struct(">IIIIIIiiii8s")
_RETURN = struct.Struct(">IIIIIiiiii8s")
_HEADER_BYTES = 48
_PAD = bytes(24)


@unique
class Direction(IntEnum):
    """Which way a transfer goes, as the host sees it."""

    OUT = 0
    IN = 1


@unique
class Command(IntEnum):
    """The kind of a message once a device is lent."""

    SUBMIT = 1
    UNLINK = 2
    RET_SUBMIT = 3
    RET_UNLINK = 4


@unique
class Errno(IntEnum):
    """How a transfer ended; Linux' numbers, negated, whatever the system."""

    OK = 0
    STALL = -32
    OVERFLOW = -75
    UNLINKED = -104


@dataclass(frozen=True, slots=True)
class Submit:
    """Host: carry out a transfer of `length` bytes; `data` is what goes out, `setup` begins a control transfer."""

    sequence: int
    direction: Direction
    endpoint: int
    length: int
    data: bytes = b""
    setup: bytes = bytes(8)
    device_id: int = 0

    def to_bytes(self) -> bytes:
        """Return header and data."""
        head = (Command.SUBMIT, self.sequence, self.device_id, self.direction, self.endpoint)
        return _URB.pack(*head, 0, self.length, 0, 0, 0, self.setup) + self.data


@dataclass(frozen=True, slots=True)
class Unlink:
    """Host: take back the transfer `victim`, unless it has been answered."""

    sequence: int
    victim: int
    device_id: int = 0

    def to_bytes(self) -> bytes:
        """Return the message."""
        return struct.pack(">IIIIII", Command.UNLINK, self.sequence, self.device_id, 0, 0, self.victim) + _PAD


@dataclass(frozen=True, slots=True)
class Submitted:
    """Device: the transfer ended with `status`, `actual` bytes long; `data` is what came in."""

    sequence: int
    status: int = Errno.OK
    actual: int = 0
    data: bytes = b""

    def to_bytes(self) -> bytes:
        """Return header and data."""
        return (
            _RETURN.pack(Command.RET_SUBMIT, self.sequence, 0, 0, 0, self.status, self.actual, 0, 0, 0, b"") + self.data
        )


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Device: the transfer was taken back (UNLINKED), or had been answered before (OK)."""

    sequence: int
    status: int

    def to_bytes(self) -> bytes:
        """Return the message."""
        return struct.pack(">IIIIIi", Command.RET_UNLINK, self.sequence, 0, 0, 0, self.status) + _PAD


class UrbReader:
    """Device: cut the host's bytes into messages; holds at most one of them, header and 64 KiB."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Submit | Unlink]:
        """Take bytes and return the messages that are complete.

        Raises:
            RemoteProtocolError: an unknown command, a length that cannot be, or an isochronous transfer, which no device of
                ours has an endpoint for. There is no way to find the next message after it.

        """
        self._buffer += data
        found: list[Submit | Unlink] = []
        offset = 0
        while len(self._buffer) - offset >= _HEADER_BYTES:
            message, used = self._message(offset)
            if message is None:
                break
            found.append(message)
            offset += used
        del self._buffer[:offset]
        return found

    def _message(self, offset: int) -> tuple[Submit | Unlink | None, int]:
        fields = _URB.unpack_from(self._buffer, offset)
        command, sequence, device_id, direction, endpoint, victim, length, _start, packets, _interval, setup = fields
        if command == Command.UNLINK:
            return Unlink(sequence, victim, device_id), _HEADER_BYTES
        if command != Command.SUBMIT:
            raise RemoteProtocolError(f"there is no USB/IP command {command}")
        if direction not in (Direction.OUT, Direction.IN) or endpoint > 15 or length < 0 or packets > 0:
            raise RemoteProtocolError("a transfer has a direction, endpoint or length that cannot be")
        size = length if direction == Direction.OUT else 0
        if size > MAX_TRANSFER:
            raise RemoteProtocolError(f"a transfer of {size} bytes is above the limit")
        end = offset + _HEADER_BYTES + size
        if len(self._buffer) < end:
            return None, 0
        data = bytes(self._buffer[offset + _HEADER_BYTES : end])
        return Submit(sequence, Direction(direction), endpoint, length, data, setup, device_id), _HEADER_BYTES + size


class ReturnReader:
    """Host: cut the device's bytes into answers. It knows by the sequence number which of them bring data: `expect` tells it."""

    __slots__ = ("_buffer", "_incoming")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._incoming: set[int] = set()

    def expect(self, sequence: int) -> None:
        """Note that the transfer `sequence` is one from the device."""
        self._incoming.add(sequence)

    def receive(self, data: bytes) -> list[Submitted | Unlinked]:
        """Take bytes and return the answers that are complete; raise RemoteProtocolError for anything else."""
        self._buffer += data
        found: list[Submitted | Unlinked] = []
        while len(self._buffer) >= _HEADER_BYTES:
            command, sequence, *_, status, actual, _start, _packets, _errors, _setup = _RETURN.unpack_from(self._buffer)
            if command == Command.RET_UNLINK:
                del self._buffer[:_HEADER_BYTES]
                found.append(Unlinked(sequence, status))
                continue
            if command != Command.RET_SUBMIT or not 0 <= actual <= MAX_TRANSFER:
                raise RemoteProtocolError("the device answered what is no answer")
            size = actual if sequence in self._incoming else 0
            if len(self._buffer) < _HEADER_BYTES + size:
                break
            self._incoming.discard(sequence)
            payload = bytes(self._buffer[_HEADER_BYTES : _HEADER_BYTES + size])
            del self._buffer[: _HEADER_BYTES + size]
            found.append(Submitted(sequence, status, actual, payload))
        return found
