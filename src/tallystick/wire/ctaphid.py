"""Messages of FIDO over HID, cut into reports of 64 bytes and put together again (FIDO CTAP 2.1, 11.2).

::

    first report   channel u32, command u8 with its highest bit, length u16, 57 bytes of data
    those behind   channel u32, sequence u8 (0 to 127), 59 bytes of data

The last report is padded; what the padding is does not matter.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, unique
from typing import Final

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.world import REPORT_BYTES

__all__ = [
    "BROADCAST",
    "MAX_CTAPHID",
    "REPORT_BYTES",
    "Assembler",
    "BadReport",
    "Capability",
    "Command",
    "CtapHidError",
    "KeepAlive",
    "Message",
    "channel_of",
    "reports_of",
]

#: the channel on which channels are asked for; channel 0 is nobody's
BROADCAST: Final = 0xFFFF_FFFF
_FIRST: Final = struct.Struct(">IBH")
_NEXT: Final = struct.Struct(">IB")
_IS_FIRST: Final = 0x80
_SEQUENCES: Final = 0x80
_FIRST_BYTES: Final = REPORT_BYTES - _FIRST.size
_NEXT_BYTES: Final = REPORT_BYTES - _NEXT.size
#: bytes of the longest message
MAX_CTAPHID: Final = _FIRST_BYTES + _SEQUENCES * _NEXT_BYTES


@unique
class Command(IntEnum):
    """What a message is; numbers that are not here may come and are kept as they are."""

    PING = 0x01
    MSG = 0x03
    LOCK = 0x04
    INIT = 0x06
    WINK = 0x08
    CBOR = 0x10
    CANCEL = 0x11
    KEEPALIVE = 0x3B
    ERROR = 0x3F


@unique
class CtapHidError(IntEnum):
    """The byte of an ERROR message."""

    INVALID_COMMAND = 0x01
    INVALID_PARAMETER = 0x02
    INVALID_LENGTH = 0x03
    INVALID_SEQUENCE = 0x04
    TIMEOUT = 0x05
    CHANNEL_BUSY = 0x06
    LOCK_REQUIRED = 0x0A
    INVALID_CHANNEL = 0x0B
    OTHER = 0x7F


class BadReport(RemoteProtocolError):
    """A report that fits no message; `error` is what a device answers."""

    def __init__(self, message: str, error: CtapHidError) -> None:
        super().__init__(message, status=0)
        self.error = error


@unique
class KeepAlive(IntEnum):
    """The byte of a KEEPALIVE message."""

    PROCESSING = 1
    USER_PRESENCE_NEEDED = 2


class Capability(IntFlag):
    """What a device says it can, in its answer to INIT."""

    NONE = 0
    WINK = 0x01
    CBOR = 0x04
    NO_MSG = 0x08


@dataclass(frozen=True, slots=True)
class Message:
    """One message: the channel (32 bits), the command (7 bits) and its data."""

    channel: int
    command: int
    data: bytes = field(default=b"", repr=False)


def reports_of(message: Message) -> list[bytes]:
    """Return the reports of a message, 64 bytes each; raise LocalProtocolError for one that is too long."""
    data = message.data
    if len(data) > MAX_CTAPHID:
        raise LocalProtocolError(f"a message of {len(data)} bytes, {MAX_CTAPHID} can be told")
    first = _FIRST.pack(message.channel, message.command | _IS_FIRST, len(data)) + data[:_FIRST_BYTES]
    parts = [
        _NEXT.pack(message.channel, number) + data[at : at + _NEXT_BYTES]
        for number, at in enumerate(range(_FIRST_BYTES, len(data), _NEXT_BYTES))
    ]
    return [part.ljust(REPORT_BYTES, b"\0") for part in (first, *parts)]


def channel_of(report: bytes) -> int:
    """Return the channel of a report; raise RemoteProtocolError for one that is not of 64 bytes."""
    if len(report) != REPORT_BYTES:
        raise RemoteProtocolError(f"a report of {len(report)} bytes")
    return int.from_bytes(report[:4], "big")


class Assembler:
    """Puts one message at a time together; never holds more than the longest one can have."""

    def __init__(self) -> None:
        self._head: Message | None = None
        self._size = 0
        self._sequence = 0
        self._parts: list[bytes] = []

    @property
    def channel(self) -> int | None:
        """The channel of the message that is not whole yet, or None."""
        return None if self._head is None else self._head.channel

    def reset(self) -> None:
        """Forget what has come."""
        self._head = None
        self._parts = []

    def receive(self, report: bytes) -> Message | None:
        """Take a report; return the message that is whole with it, or None.

        A first report begins anew, whatever was there. Raises BadReport for a wrong sequence and for a length that no message has, with
        what has come forgotten, and for a report behind none or of another channel.
        """
        channel = channel_of(report)
        if report[4] & _IS_FIRST:
            _, command, self._size = _FIRST.unpack_from(report)
            self._head, self._sequence, data = Message(channel, command & ~_IS_FIRST), 0, report[_FIRST.size :]
            self._parts = []
            if self._size > MAX_CTAPHID:
                self._refuse("a message of too many bytes", CtapHidError.INVALID_LENGTH)
        elif self._head is None or self._head.channel != channel:
            raise BadReport("a report behind none", CtapHidError.OTHER)
        else:
            if report[4] != self._sequence:
                self._refuse("a report out of sequence", CtapHidError.INVALID_SEQUENCE)
            self._sequence += 1
            data = report[_NEXT.size :]
        self._parts.append(data)
        return self._whole()

    def _whole(self) -> Message | None:
        head, there = self._head, _FIRST_BYTES + _NEXT_BYTES * (len(self._parts) - 1)
        if head is None or there < self._size:
            return None
        whole = Message(head.channel, head.command, b"".join(self._parts)[: self._size])
        self.reset()
        return whole

    def _refuse(self, what: str, error: CtapHidError) -> None:
        self.reset()
        raise BadReport(what, error)
