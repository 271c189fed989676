"""Bluetooth LE framing of APDUs, both ends (wire-protocol A.4).

The packets of `tallystick.wire.packet` with no channel and no padding. Both ends start with frames of 20 bytes. The edge of
a device tells it the ATT MTU of the connection; a host asks with `negotiate` and takes byte 5 of the answer. One older client
opens with the two bytes ``00 01``: tag 00 with a byte behind it, which is answered like any tag 00.
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
    "ATT_MTU",
    "DEFAULT_FRAME_BYTES",
    "BleFraming",
    "Role",
    "notify_uuid",
    "service_uuid",
    "write_uuid",
    "write_without_response_uuid",
]

#: the ATT MTU a device asks for; its frames are 3 bytes shorter
ATT_MTU: Final = 156
#: the frame size every link starts with (the smallest ATT MTU, 23, less 3)
DEFAULT_FRAME_BYTES: Final = 20

_ATT_HEADER_BYTES = 3
_MTU_AT = 5


def _uuid(service: str, characteristic: int) -> str:
    return f"13d63400-2c97-{service}-{characteristic:04x}-4c6564676572"


def service_uuid(service: str) -> str:
    """Return the primary service of a model whose service id is `service` (four hexadecimal digits)."""
    return _uuid(service, 0)


def notify_uuid(service: str) -> str:
    """Return the characteristic by which the device answers."""
    return _uuid(service, 1)


def write_uuid(service: str) -> str:
    """Return the characteristic the host writes to, with response."""
    return _uuid(service, 2)


def write_without_response_uuid(service: str) -> str:
    """Return the characteristic the host writes to, without response."""
    return _uuid(service, 3)


class BleFraming:
    """One end of one Bluetooth link.

    A device ignores writes while `link_ready` is False: before the link is encrypted and bonded and notifications are on.
    `max_apdu_bytes` (at most 65,535) limits the declared length of what is received.
    """

    __slots__ = ("_asked", "_assembler", "_frame_bytes", "_role", "link_ready")

    def __init__(self, role: Role, *, link_ready: bool = True, max_apdu_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._role = role
        self._frame_bytes = DEFAULT_FRAME_BYTES
        self._assembler = Assembler(max_bytes=max_apdu_bytes)
        self._asked: Tag | None = None
        self.link_ready = link_ready

    @property
    def frame_bytes(self) -> int:
        """The largest frame this end sends."""
        return self._frame_bytes

    @property
    def state(self) -> Assembly:
        """Whether a message is in the making."""
        return self._assembler.state

    def set_att_mtu(self, att_mtu: int) -> None:
        """Device: the connection agreed on this ATT MTU (23 to 517)."""
        if self._role is not Role.DEVICE or not DEFAULT_FRAME_BYTES + _ATT_HEADER_BYTES <= att_mtu <= 517:
            raise LocalProtocolError(f"an ATT MTU of {att_mtu} is told to a device, and is 23 to 517")
        self._frame_bytes = att_mtu - _ATT_HEADER_BYTES

    def negotiate(self) -> bytes:
        """Host: return the frame that asks for the frame size; the answer changes `frame_bytes`."""
        return self._ask(Tag.MTU, bytes(4))

    def hello(self) -> bytes:
        """Host: return the older opening ``00 01``; its answer comes as ControlReceived and says nothing."""
        return self._ask(Tag.VERSION, b"\x01")

    def receive(self, frame: bytes) -> list[Event]:
        """Take one write (device) or notification (host) and return what it brought about.

        A device never raises. A host raises RemoteProtocolError as in `HidFraming.receive`, and for an MTU answer cut short.
        """
        if not frame:
            return [Ignored(Reason.TOO_SHORT)]
        if self._role is Role.HOST:
            return self._receive_as_host(frame)
        if not self.link_ready:
            return [Ignored(Reason.LINK_NOT_READY)]
        if len(frame) > self._frame_bytes:
            return [Ignored(Reason.TOO_LONG)]
        if frame[0] != Tag.APDU:
            answer = control_answer(frame, room=self._frame_bytes)
            return [Ignored(answer) if isinstance(answer, Reason) else ReplyFrames((answer,))]
        result = self._assembler.receive(frame[1:])
        if isinstance(result, Reason):
            return [Ignored(result)]
        return [] if result is None else [ApduReceived(0, result)]

    def send(self, message: bytes | ResponseApdu) -> list[bytes]:
        """Return the frames of a message: an APDU (host), or an answer with its status word (device)."""
        raw = message if isinstance(message, bytes) else message.to_bytes()
        if self._role is Role.HOST:
            self._assembler.reset()
        return list(cut(raw, room=self._frame_bytes))

    def reset(self) -> None:
        """Forget everything about the link: it was lost."""
        self._assembler.reset()
        self._asked = None
        self._frame_bytes = DEFAULT_FRAME_BYTES

    def _ask(self, tag: Tag, payload: bytes) -> bytes:
        if self._role is not Role.HOST:
            raise LocalProtocolError("only a host asks")
        self._asked = tag
        return bytes((tag,)) + payload

    def _receive_as_host(self, frame: bytes) -> list[Event]:
        tag = frame[0]
        if tag == self._asked:
            self._asked = None
            if tag == Tag.MTU:
                self._take_frame_size(frame)
            return [ControlReceived(Tag(tag), frame[1:])]
        if tag != Tag.APDU:
            self._assembler.reset()
            raise RemoteProtocolError(f"the device answered with tag {tag:02x}, not 05")
        result = self._assembler.receive(frame[1:])
        if isinstance(result, Reason):
            self._assembler.reset()
            raise RemoteProtocolError(f"the device's answer cannot be put together: {result.value}")
        return [] if result is None else [ResponseReceived(ResponseApdu.from_bytes(result))]

    def _take_frame_size(self, frame: bytes) -> None:
        if len(frame) <= _MTU_AT:
            raise RemoteProtocolError("the device's answer holds no frame size")
        # older answers fill bytes 2 and 3 with zeros: byte 5 is the one that always says it
        self._frame_bytes = max(frame[_MTU_AT], DEFAULT_FRAME_BYTES)
