"""Packets between an app and what used to be its MCU: tag u8, length u16 big endian, then that many bytes.

What the app hears: a button (the mask of those that are down, from bit 1 on), the finger (1 touches, 2 has left, x u16, y u16), a
tick, that something was displayed, an APDU as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, unique
from typing import Final

from tallystick.wire.call_canvas import ButtonsInput, FingerInput, TickInput
from tallystick.wire.syscall import ApduEvent, NativeEvent

__all__ = ["PacketStream", "Tag", "packet", "packet_of"]

_TOUCHES, _HAS_LEFT = 1, 2
_HEAD_BYTES: Final = 3


@unique
class Tag(IntEnum):
    """Packets that mean something here."""

    BUTTON_EVENT = 0x05
    FINGER_EVENT = 0x0C
    DISPLAYED_EVENT = 0x0D
    TICK_EVENT = 0x0E
    USB_EVENT = 0x0F
    USB_ENDPOINT_EVENT = 0x10
    APDU_EVENT = 0x16
    BLUETOOTH_EVENT = 0x18
    BLUETOOTH_COMMAND = 0x38
    USB_CONFIGURE = 0x4F
    USB_PREPARE = 0x50
    APDU_ANSWER = 0x53
    TEXT = 0x5A
    DISPLAY_DEBUG = 0x5E
    GENERAL_STATUS = 0x60
    DISPLAY = 0x65
    DISPLAY_RAW = 0x69


def packet(tag: Tag, data: bytes = b"") -> bytes:
    """Return one packet."""
    return bytes((tag, *len(data).to_bytes(2, "big"))) + data


def packet_of(event: NativeEvent) -> bytes:
    """Return what an app hears of an event; empty where it hears nothing."""
    match event:
        case ButtonsInput(down):
            return packet(Tag.BUTTON_EVENT, bytes((down << 1 & 0xFF,)))
        case FingerInput():
            state = _TOUCHES if event.pressed else _HAS_LEFT
            return packet(Tag.FINGER_EVENT, bytes((state,)) + event.x.to_bytes(2, "big") + event.y.to_bytes(2, "big"))
        case TickInput():
            return packet(Tag.TICK_EVENT)
        case ApduEvent(raw):
            return packet(Tag.APDU_EVENT, raw)
        case _:
            return b""


class PacketStream:
    """Puts packets together that come in pieces; never holds more than one packet can have (64 KiB)."""

    def __init__(self) -> None:
        self._kept = b""

    @property
    def is_between(self) -> bool:
        """Whether the next piece begins a packet."""
        return not self._kept

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take a piece; return the packets that are whole now, as tag and body."""
        self._kept += data
        while len(self._kept) >= _HEAD_BYTES:
            end = _HEAD_BYTES + int.from_bytes(self._kept[1:_HEAD_BYTES], "big")
            if len(self._kept) < end:
                return
            tag, body, self._kept = self._kept[0], self._kept[_HEAD_BYTES:end], self._kept[end:]
            yield tag, body
