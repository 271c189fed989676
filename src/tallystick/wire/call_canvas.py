"""System calls of native apps that draw and are touched: `Paint` changes the app's picture, `Wait` brings what comes next.

Who painted waits next, as a rule, so that the last painting goes with the `Wait`: one message where there were two. What a hand
has done meanwhile comes at once, as far as one gesture goes.

The OS shows the picture while the app is in front, and nothing else of the screen is the app's; buttons and finger come to the
app only then. Python apps have no such calls: they ask for scenes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.call import ApduEvent, AppEvent, MenuEvent, ReportEvent, Request, ResetEvent, Response
from tallystick.wire.raster import BITS, packed_size
from tallystick.wire.world import REPORT_BYTES

__all__ = [
    "MAX_INPUTS",
    "MAX_LABEL",
    "MAX_LABELS",
    "MAX_PAINTED",
    "ButtonsInput",
    "CanvasEvent",
    "FingerInput",
    "HandInput",
    "Inputs",
    "Label",
    "LabelKind",
    "NativeEvent",
    "Paint",
    "TickInput",
    "Wait",
]

#: bytes of pixels, texts, and characters of a text in one call
MAX_PAINTED: Final = 1 << 16
MAX_LABELS: Final = 64
MAX_LABEL: Final = 256
#: inputs of one message
MAX_INPUTS: Final = 8
_NOT_TOLD: Final = 0xFF
#: x, y, width and height, and how it is there
_PLACED: Final = struct.Struct(">4HB")


@dataclass(frozen=True, slots=True)
class ButtonsInput:
    """The buttons changed: `down` is the mask of those that are held now (1 left, 2 right)."""

    down: int

    @property
    def is_held(self) -> bool:
        """Whether any is down."""
        return bool(self.down)


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerInput:
    """The finger came to, moved to or left a point, in pixels."""

    x: int
    y: int
    pressed: bool

    @property
    def is_held(self) -> bool:
        """Whether the finger is there."""
        return self.pressed


@dataclass(frozen=True, slots=True)
class TickInput:
    """Time went by: 100 ms or more since the last one."""


HandInput = ButtonsInput | FingerInput
CanvasEvent = HandInput | TickInput
#: all that native apps hear of
NativeEvent = AppEvent | CanvasEvent | ReportEvent


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a hand did meanwhile, in order: 2 to `MAX_INPUTS` of them, in the last one at most nothing is held any more."""

    events: tuple[HandInput, ...]


@unique
class LabelKind(IntEnum):
    """Where a line of text is: in the pixels already, or to be drawn by the OS in its box, in letters of the OS."""

    IN_PICTURE = 0
    LEFT = 1
    CENTRED = 2
    BOLD_LEFT = 3
    BOLD_CENTRED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A line of text that the picture has in a box of w x h pixels at (x, y); `fresh` if this painting drew it."""

    x: int
    y: int
    w: int
    h: int
    text: str
    fresh: bool = True
    kind: LabelKind = LabelKind.IN_PICTURE


@dataclass(frozen=True, slots=True)
class Wait(Request):
    """Show `painting`, if any, answer the APDU in hand with `response`, if any, then wait. Value: an event.

    Without a response the APDU stays in hand. With `ticks` an event comes after 100 ms if nothing else does.
    """

    NUMBER = 0x12
    response: Response | None = None
    ticks: bool = False
    painting: Paint | None = None

    def body(self) -> bytes:
        """Return flags u8 (bits 0 ticks, 1 an answer, 2 a painting), the answer's status u16, length u32 and data, the painting's body."""
        response, painting = self.response, self.painting
        parts = [bytes((self.ticks | (response is not None) << 1 | (painting is not None) << 2,))]
        if response is not None:
            parts.append(Writer().u16(response.status).u32(len(response.data)).take(response.data).to_bytes())
        if painting is not None:
            parts.append(painting.body())
        return b"".join(parts)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        flags = reader.u8()
        if flags & ~7:
            raise RemoteProtocolError("a wait of no kind there is")
        response = None
        if flags & 2:
            status = reader.u16()
            response = Response(reader.take(reader.u32()), status)
        return cls(response, bool(flags & 1), Paint.read(reader) if flags & 4 else None)

    def pack(self, value: NativeEvent | Inputs) -> bytes:
        """Kind u8, then the APDU, the report, the index, the mask, or the point; or a count u8 and that many masks and points, each with its kind."""
        match value:
            case ApduEvent(raw):
                return b"\x01" + raw
            case MenuEvent(index):
                return Writer().u8(2).u16(index).to_bytes()
            case ResetEvent():
                return b"\x03"
            case ButtonsInput() | FingerInput():
                return _pack_input(value)
            case TickInput():
                return b"\x06"
            case ReportEvent(raw):
                return b"\x08" + raw
            case Inputs(events):
                return bytes((7, len(events))) + b"".join([_pack_input(event) for event in events])

    def unpack(self, data: bytes) -> NativeEvent | Inputs:
        """Read the event."""
        reader = Reader(data)
        event: NativeEvent | Inputs
        match reader.u8():
            case 1:
                return ApduEvent(reader.rest())
            case 2:
                event = MenuEvent(reader.u16())
            case 3:
                event = ResetEvent()
            case 4 | 5 as kind:
                event = _read_input(kind, reader)
            case 6:
                event = TickInput()
            case 7:
                count = reader.u8()
                if not 1 < count <= MAX_INPUTS:
                    raise RemoteProtocolError(f"{count} inputs at once")
                event = Inputs(tuple(_read_input(reader.u8(), reader) for _ in range(count)))
            case 8:
                event = ReportEvent(reader.take(REPORT_BYTES))
            case _:
                raise RemoteProtocolError("not an event")
        reader.finish()
        return event


def _pack_input(event: HandInput) -> bytes:
    if isinstance(event, ButtonsInput):
        return bytes((4, event.down))
    return Writer().u8(5).u16(event.x).u16(event.y).u8(event.pressed).to_bytes()


def _read_input(kind: int, reader: Reader) -> HandInput:
    if kind == 4:
        return ButtonsInput(reader.u8())
    if kind == 5:
        return FingerInput(x=reader.u16(), y=reader.u16(), pressed=bool(reader.u8()))
    raise RemoteProtocolError("not an input")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint(Request):
    """Put w x h pixels of `bits` each at (x, y) into the app's picture; rows are padded to whole bytes.

    The picture is shown with the painting that tells its texts; one without (`labels` is None) has others that follow.
    """

    NUMBER = 0x13
    x: int
    y: int
    w: int
    h: int
    bits: int
    data: bytes = field(repr=False)
    labels: tuple[Label, ...] | None = None

    def body(self) -> bytes:
        """Place u16 each, bits u8, pixels, count u8 (FF: no texts told) and each text: place, kind and fresh u8, length u16 and UTF-8."""
        parts = [_placed(self, self.bits), self.data]
        if self.labels is None:
            parts.append(bytes((_NOT_TOLD,)))
        else:
            parts.append(Writer().u8(len(self.labels)).to_bytes())
            for label in self.labels:
                text = label.text.encode("utf-8", "replace")
                parts += (_placed(label, label.kind << 1 | label.fresh), len(text).to_bytes(2, "big"), text)
        return b"".join(parts)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body; raise RemoteProtocolError for pixels or texts beyond the limits."""
        x, y, w, h, bits = _PLACED.unpack(reader.take(_PLACED.size))
        if bits not in BITS or packed_size(w, h, bits) > MAX_PAINTED:
            raise RemoteProtocolError("a painting of too many pixels, or of no kind there is")
        data = reader.take(packed_size(w, h, bits))
        return cls(x=x, y=y, w=w, h=h, bits=bits, data=data, labels=_read_labels(reader))


def _placed(box: Paint | Label, how: int) -> bytes:
    try:
        return _PLACED.pack(box.x, box.y, box.w, box.h, how)
    except struct.error:
        raise LocalProtocolError("a painting or a text of it lies where nothing can") from None


def _read_labels(reader: Reader) -> tuple[Label, ...] | None:
    count = reader.u8()
    if count == _NOT_TOLD:
        return None
    if count > MAX_LABELS:
        raise RemoteProtocolError(f"a painting of {count} texts, {MAX_LABELS} are allowed")
    return tuple(_read_label(reader) for _ in range(count))


def _read_label(reader: Reader) -> Label:
    x, y, w, h, flags = _PLACED.unpack(reader.take(_PLACED.size))
    try:
        kind, text = LabelKind(flags >> 1), reader.take(reader.u16()).decode("utf-8")
    except ValueError:
        raise RemoteProtocolError("a text of the painting is of no kind, or not UTF-8") from None
    if len(text) > MAX_LABEL or not text.isprintable():
        raise RemoteProtocolError("a text of the painting is too long, or cannot be printed")
    return Label(x=x, y=y, w=w, h=h, text=text, fresh=bool(flags & 1), kind=kind)
