"""HID and WebUSB framing of APDUs, both ends (wire-protocol A.3).

Packets of a fixed size, zero padded: ``channel u16`` and then what `tallystick.wire.packet` describes. The hidapi report id in
front of a written packet is the edge's business. A device is silent about everything it does not understand, answers on the
channel it was asked on, and answers tags 00, 01, 02 and 08 by itself. A host ignores other channels, which belong to other
programs, and takes a wrong tag or sequence on its own channel for an error.
"""

from __future__ import annotations

from typing import Final

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.packet import (
    MAX_MESSAGE_BYTES,
    ApduReceived,
    Assembler,
    Assembly,
    ControlReceived,
    Event,
    Ignored,
    Reason,
    ReplyFrames,
    ResponseReceived,
    Tag,
    control_answer,
    cut,
)
from tallystick.wire.role import Role

__all__ = [
    "DEFAULT_CHANNEL",
    "PACKET_BYTES",
    "ApduReceived",
    "ControlReceived",
    "Event",
    "HidFraming",
    "Ignored",
    "Reason",
    "ReplyFrames",
    "ResponseReceived",
    "Role",
    "Tag",
]

#: the channel most clients use; browsers' clients draw a random one for each session
DEFAULT_CHANNEL: Final = 0x0101
PACKET_BYTES: Final = 64

_CHANNEL_BYTES = 2
_SMALLEST_PACKET = 8
_TAG_AT = 2


class HidFraming:
    """One end of one HID link.

    `channel` (16 bits) is the host's; a device takes the channel from each packet. `packet_bytes` is at least 8;
    `max_apdu_bytes` (at most 65,535) limits the declared length of what is received.
    """

    __slots__ = ("_asked", "_assembler", "_channel", "_packet_bytes", "_role")

    def __init__(
        self,
        role: Role,
        *,
        channel: int = DEFAULT_CHANNEL,
        packet_bytes: int = PACKET_BYTES,
        max_apdu_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        if packet_bytes < _SMALLEST_PACKET or not 0 <= channel <= 0xFFFF:
            raise LocalProtocolError(f"packets have at least {_SMALLEST_PACKET} bytes, channels 16 bits")
        self._role = role
        self._channel = channel
        self._packet_bytes = packet_bytes
        self._assembler = Assembler(max_bytes=max_apdu_bytes)
        self._asked: Tag | None = None

    @property
    def channel(self) -> int:
        """The host's channel, or the channel of the packet a device saw last."""
        return self._channel

    @property
    def state(self) -> Assembly:
        """Whether a message is in the making."""
        return self._assembler.state

    def receive(self, packet: bytes) -> list[Event]:
        """Take one packet and return what it brought about: nothing while more packets must follow.

        A device never raises. A host raises RemoteProtocolError for a wrong tag or sequence on its own channel, for a length
        above the limit, and for an answer without a status word.
        """
        if len(packet) <= _TAG_AT:
            return [Ignored(Reason.TOO_SHORT)]
        if len(packet) > self._packet_bytes:
            return [Ignored(Reason.TOO_LONG)]
        channel = int.from_bytes(packet[:_CHANNEL_BYTES], "big")
        if self._role is Role.HOST:
            return self._receive_as_host(packet, channel)
        self._channel = channel
        return self._receive_as_device(packet)

    def send(self, message: bytes | ResponseApdu, *, channel: int | None = None) -> list[bytes]:
        """Return the packets of a message: an APDU (host), or an answer with its status word (device).

        A device names the `channel` of the request it answers; without it, the channel of the last packet is used.
        """
        raw = message if isinstance(message, bytes) else message.to_bytes()
        if self._role is Role.HOST:
            self._assembler.reset()
            channel = self._channel
        prefix = (self._channel if channel is None else channel).to_bytes(_CHANNEL_BYTES, "big")
        return [self._packet(prefix, body) for body in cut(raw, room=self._packet_bytes - _CHANNEL_BYTES)]

    def ask(self, tag: Tag, payload: bytes = b"") -> bytes:
        """Host: return the packet of a question to the framing itself; its answer comes as ControlReceived."""
        if self._role is not Role.HOST or tag is Tag.APDU:
            raise LocalProtocolError("only a host asks, and APDUs go by send")
        if len(payload) > self._packet_bytes - _TAG_AT - 1:
            raise LocalProtocolError(f"{len(payload)} bytes do not fit one packet")
        self._asked = tag
        return self._packet(self._channel.to_bytes(_CHANNEL_BYTES, "big"), bytes((tag,)) + payload)

    def reset(self) -> None:
        """Throw away what is in the making: the cable was pulled, or the session ended."""
        self._assembler.reset()
        self._asked = None

    def _receive_as_device(self, packet: bytes) -> list[Event]:
        body = packet[_CHANNEL_BYTES:]
        if body[0] != Tag.APDU:
            answer = control_answer(body, room=self._packet_bytes - _CHANNEL_BYTES)
            if isinstance(answer, Reason):
                return [Ignored(answer)]
            return [ReplyFrames((self._packet(packet[:_CHANNEL_BYTES], answer),))]
        result = self._assembler.receive(body[1:])
        if isinstance(result, Reason):
            return [Ignored(result)]
        return [] if result is None else [ApduReceived(self._channel, result)]

    def _receive_as_host(self, packet: bytes, channel: int) -> list[Event]:
        if channel != self._channel:
            return [Ignored(Reason.WRONG_CHANNEL)]
        tag = packet[_TAG_AT]
        if tag == self._asked:
            self._asked = None
            return [ControlReceived(Tag(tag), packet[_TAG_AT + 1 :])]
        if tag != Tag.APDU:
            self._assembler.reset()
            raise RemoteProtocolError(f"the device answered with tag {tag:02x}, not 05")
        result = self._assembler.receive(packet[_TAG_AT + 1 :])
        if isinstance(result, Reason):
            self._assembler.reset()
            raise RemoteProtocolError(f"the device's answer cannot be put together: {result.value}")
        return [] if result is None else [ResponseReceived(ResponseApdu.from_bytes(result))]

    def _packet(self, prefix: bytes, body: bytes) -> bytes:
        return (prefix + body).ljust(self._packet_bytes, b"\x00")
