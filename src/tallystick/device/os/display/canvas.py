"""A native app's own picture: what it painted, as one view; what the person does to it goes to the app as it is.

Pixels are kept as digits (`tallystick.wire.raster`). A picture that changes faster than `PIXELS_PER_SECOND` is shown a little
later, with all that came until then: what is lost is only what nobody could have seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tallystick.device.os.display.layout import layout_for
from tallystick.errors import RemoteProtocolError
from tallystick.wire.call_canvas import ButtonsInput, CanvasEvent, FingerInput, Label, LabelKind, Paint
from tallystick.wire.events import Button, ButtonEvent, Gesture
from tallystick.wire.model import Model
from tallystick.wire.panel import Align, Bitmap, Caption, Drawing, Element, Style, Text
from tallystick.wire.raster import fewest_bits, pack, unpack
from tallystick.wire.screen import Answer

__all__ = ["PIXELS_PER_SECOND", "CanvasView"]

#: pixels of frames that may go to the panel in a second: 37 of the largest screen, 1200 of the smallest
PIXELS_PER_SECOND: Final = 10_000_000
_DARK, _LIGHT = b"0", b"f"


class CanvasView:
    """The picture of one app on one model. `sequence` tells the number of the next frame; `on_input` hears the person."""

    def __init__(self, model: Model, *, sequence: Callable[[], int], on_input: Callable[[CanvasEvent], None]) -> None:
        self._width, self._height = model.screen_width, model.screen_height
        self._is_touch = layout_for(model).touch
        self._digits = bytearray((_LIGHT if self._is_touch else _DARK) * (self._width * self._height))
        #: the picture as it came, where all of it came at once with one bit a pixel; the digits are older then
        self._packed: bytes | None = None
        self._labels: tuple[tuple[Label, int], ...] = ()
        self._sequence = sequence
        self._on_input = on_input
        self._down = Button.NONE
        self._finger: FingerInput | None = None
        self._drawing: Drawing | None = None
        self._is_changed = True
        #: when the next frame may be drawn; a second's worth of pixels may come at once
        self._free_at_s = float("-inf")
        self._now_s = 0.0

    def paint(self, painting: Paint, *, now_s: float) -> None:
        """Take one painting; raise RemoteProtocolError where it is not on the screen."""
        x, y, w, h = painting.x, painting.y, painting.w, painting.h
        if x + w > self._width or y + h > self._height:
            raise RemoteProtocolError("a painting beside the screen")
        if painting.bits == 1 and (w, h) == (self._width, self._height) and w % 8 == 0:
            self._packed = painting.data
        else:
            self._put(painting)
        self._now_s = now_s
        if painting.labels is not None:
            self._tell(painting.labels)
            self._is_changed = True

    def _put(self, painting: Paint) -> None:
        """Change some of the pixels."""
        if self._packed is not None:
            self._digits[:] = unpack(self._packed, width=self._width, height=self._height, bits=1)
            self._packed = None
        w, h = painting.w, painting.h
        digits = unpack(painting.data, width=w, height=h, bits=painting.bits)
        for row in range(h if w else 0):
            start = (painting.y + row) * self._width + painting.x
            self._digits[start : start + w] = digits[row * w : row * w + w]

    def _tell(self, labels: tuple[Label, ...]) -> None:
        """Give the lines numbers: one that only stayed keeps its own."""
        number, before = self._sequence(), dict(_keys(self._labels))
        self._labels = tuple((label, number if label.fresh else before.get(_key(label), number)) for label in labels)

    def draw(self) -> Drawing:
        """Return the picture; the last one again while it is too early for another."""
        if self._drawing is None or (self._is_changed and self._now_s >= self._free_at_s):
            self._is_changed = False
            self._free_at_s = max(self._free_at_s, self._now_s - 1) + len(self._digits) / PIXELS_PER_SECOND
            self._drawing = Drawing(elements=self._elements())
        return self._drawing

    def _elements(self) -> tuple[Element, ...]:
        bits, data = 1, self._packed
        if data is None:
            digits = bytes(self._digits)
            bits = fewest_bits(digits)
            data = pack(digits, width=self._width, height=self._height, bits=bits)
        picture = Bitmap(x=0, y=0, w=self._width, h=self._height, bpp=bits, data=data)
        return (picture, *(_line(label, since) for label, since in self._labels))

    def gesture(self, gesture: Gesture, *, now_s: float) -> Answer | None:
        """Pass it on; buttons as the mask of those that are down."""
        del now_s
        if isinstance(gesture, ButtonEvent):
            if self._is_touch:
                return None
            self._down = self._down | gesture.button if gesture.pressed else self._down & ~gesture.button
            self._on_input(ButtonsInput(int(self._down)))
        elif self._is_touch and gesture.x < self._width and gesture.y < self._height:
            finger = FingerInput(x=gesture.x, y=gesture.y, pressed=gesture.pressed)
            self._finger = finger if gesture.pressed else None
            self._on_input(finger)
        return None

    def let_go(self) -> None:
        """Tell the app that nothing is held: the release may go to another view."""
        if self._down:
            self._down = Button.NONE
            self._on_input(ButtonsInput(0))
        if self._finger is not None:
            finger, self._finger = self._finger, None
            self._on_input(FingerInput(x=finger.x, y=finger.y, pressed=False))

    def deadline_s(self) -> float | None:
        """Return when a picture that came too early may be shown."""
        return self._free_at_s if self._is_changed else None

    def advance(self, *, now_s: float) -> Answer | None:
        """Let time pass."""
        self._now_s = now_s
        return None


def _line(label: Label, since: int) -> Element:
    """Return a line of text as the panel is told of it: as one in the picture, or as one to draw."""
    x, y, w, h, text = label.x, label.y, label.w, label.h, label.text
    if label.kind is LabelKind.IN_PICTURE:
        return Caption(x=x, y=y, w=w, h=h, text=text, since=since)
    style = Style.BOLD if label.kind in {LabelKind.BOLD_LEFT, LabelKind.BOLD_CENTRED} else Style.REGULAR
    align = Align.CENTRE if label.kind in {LabelKind.CENTRED, LabelKind.BOLD_CENTRED} else Align.LEFT
    return Text(x=x, y=y, w=w, h=h, text=text, style=style, align=align, since=since)


def _key(label: Label) -> tuple[int, int, str]:
    return label.x, label.y, label.text


def _keys(labels: tuple[tuple[Label, int], ...]) -> list[tuple[tuple[int, int, str], int]]:
    return [(_key(label), since) for label, since in labels]
