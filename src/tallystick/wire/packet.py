"""The packet layer that USB and Bluetooth share: tags, sequence numbers, reassembly (wire-protocol A.3 and A.4).

A packet without its channel is ``tag u8, sequence u16, [first: length u16], data``. What a packet does to an APDU in the
making is the table `TRANSITIONS`; everything the table does not name leaves the state alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum, unique

from tallystick.errors import LocalProtocolError
from tallystick.wire.apdu import ResponseApdu

__all__ = [
    "MAX_MESSAGE_BYTES",
    "TRANSITIONS",
    "Action",
    "ApduReceived",
    "Assembler",
    "Assembly",
    "ControlReceived",
    "Event",
    "Ignored",
    "PacketKind",
    "Reason",
    "ReplyFrames",
    "ResponseReceived",
    "Tag",
    "control_answer",
    "cut",
]

#: what the 16-bit length field can say
MAX_MESSAGE_BYTES = 0xFFFF


@unique
class Tag(IntEnum):
    """The kind of a packet."""

    VERSION = 0x00
    ALLOCATE_CHANNEL = 0x01
    PING = 0x02
    ABORT = 0x03
    APDU = 0x05
    MTU = 0x08


@unique
class Reason(Enum):
    """Why a packet had no effect but, at most, to throw away the APDU in the making."""

    TOO_SHORT = "the packet is too short for its header"
    TOO_LONG = "the packet is longer than the link's packets"
    UNKNOWN_TAG = "the tag is not supported"
    STRAY = "a later part came while nothing was in the making"
    WRONG_SEQUENCE = "the sequence number is not the expected one"
    LENGTH = "the announced length is above the limit"
    WRONG_CHANNEL = "the packet belongs to another channel"
    LINK_NOT_READY = "the link is not encrypted, bonded and subscribed yet"


@dataclass(frozen=True, slots=True)
class ApduReceived:
    """Device: an APDU is complete; answer it on `channel` (16 bits, 0 where the link has no channels)."""

    channel: int
    apdu: bytes


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """Host: the answer is complete."""

    response: ResponseApdu


@dataclass(frozen=True, slots=True)
class ReplyFrames:
    """Device: the framing answers by itself; write these packets."""

    frames: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ControlReceived:
    """Host: the answer to a packet with a tag other than APDU; `payload` is what follows the tag."""

    tag: Tag
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ignored:
    """The packet was dropped without an answer, as a real device does."""

    reason: Reason


Event = ApduReceived | ResponseReceived | ReplyFrames | ControlReceived | Ignored


@unique
class Assembly(Enum):
    """What an assembler is doing."""

    WAITING = "waiting"
    ASSEMBLING = "assembling"


@unique
class PacketKind(Enum):
    """How a packet's sequence number relates to the assembler."""

    FIRST = "sequence 0"
    EXPECTED = "the next sequence number"
    UNEXPECTED = "any other sequence number"


@unique
class Action(Enum):
    """What the assembler does with a packet; START and APPEND end in WAITING when the APDU is complete."""

    START = "start"
    APPEND = "append"
    DROP = "drop"
    RESET = "reset"


#: a sequence 0 in the middle does not re-synchronise: it throws the APDU away, and the next sequence 0 starts afresh
TRANSITIONS: dict[tuple[Assembly, PacketKind], Action] = {
    (Assembly.WAITING, PacketKind.FIRST): Action.START,
    (Assembly.WAITING, PacketKind.UNEXPECTED): Action.DROP,
    (Assembly.ASSEMBLING, PacketKind.EXPECTED): Action.APPEND,
    (Assembly.ASSEMBLING, PacketKind.FIRST): Action.RESET,
    (Assembly.ASSEMBLING, PacketKind.UNEXPECTED): Action.RESET,
}


class Assembler:
    """Put one message of at most `max_bytes` together from packet bodies (what follows the tag)."""

    __slots__ = ("_buffer", "_length", "_max_bytes", "_sequence", "_state")

    def __init__(self, *, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._state = Assembly.WAITING
        self._buffer = bytearray()
        self._length = 0
        self._sequence = 0

    @property
    def state(self) -> Assembly:
        """Whether a message is in the making."""
        return self._state

    def reset(self) -> None:
        """Throw away what is in the making."""
        self._state = Assembly.WAITING
        self._buffer = bytearray()

    def receive(self, body: bytes) -> bytes | Reason | None:
        """Return the message that `body` completes, None when more must come, or why the packet was dropped."""
        if len(body) < 2:
            return Reason.TOO_SHORT
        sequence = int.from_bytes(body[:2], "big")
        match TRANSITIONS[self._state, self._kind(sequence)]:
            case Action.START:
                return self._start(body)
            case Action.APPEND:
                return self._append(body[2:])
            case Action.DROP:
                return Reason.STRAY
            case Action.RESET:
                self.reset()
                return Reason.WRONG_SEQUENCE

    def _kind(self, sequence: int) -> PacketKind:
        if sequence == 0:
            return PacketKind.FIRST
        if self._state is Assembly.ASSEMBLING and sequence == self._sequence:
            return PacketKind.EXPECTED
        return PacketKind.UNEXPECTED

    def _start(self, body: bytes) -> bytes | Reason | None:
        if len(body) < 4:
            return Reason.TOO_SHORT
        length = int.from_bytes(body[2:4], "big")
        if length > self._max_bytes:
            return Reason.LENGTH
        if len(body) >= 4 + length:
            return bytes(body[4 : 4 + length])
        self._state = Assembly.ASSEMBLING
        self._length = length
        self._sequence = 0
        return self._append(body[4:])

    def _append(self, data: bytes) -> bytes | None:
        # what lies behind the announced length is padding
        self._buffer += data[: self._length - len(self._buffer)]
        self._sequence += 1
        if len(self._buffer) < self._length:
            return None
        message = bytes(self._buffer)
        self.reset()
        return message


def cut(message: bytes, *, room: int) -> Iterator[bytes]:
    """Yield the packets of `message` from the tag on, each at most `room` bytes (6 or more) long.

    Raises LocalProtocolError when the message exceeds 65,535 bytes or the sequence numbers run out.
    """
    first, later = room - 5, room - 3
    if len(message) > MAX_MESSAGE_BYTES or first < 1:
        raise LocalProtocolError(f"{len(message)} bytes cannot be cut into packets of {room}")
    yield b"\x05\x00\x00" + len(message).to_bytes(2, "big") + message[:first]
    for sequence, offset in enumerate(range(first, len(message), later), start=1):
        yield b"\x05" + sequence.to_bytes(2, "big") + message[offset : offset + later]


def control_answer(packet: bytes, *, room: int) -> bytes | Reason:
    """Return a device's answer, from the tag on, to a packet that carries no APDU, or why there is none.

    `room` is the packet size without a channel: what the device tells as its MTU.
    """
    match packet[0]:
        case Tag.VERSION:
            return bytes((Tag.VERSION, 0, 0, 0, 0))
        case Tag.ALLOCATE_CHANNEL:
            # no channel is really allocated
            return bytes((Tag.ALLOCATE_CHANNEL,))
        case Tag.PING:
            return bytes(packet)
        case Tag.MTU:
            # clients read byte 5 alone; the size stands there twice on current devices
            return bytes((Tag.MTU, 0)) + room.to_bytes(2, "big") + bytes((1, min(room, 0xFF)))
        case _:
            return Reason.UNKNOWN_TAG
