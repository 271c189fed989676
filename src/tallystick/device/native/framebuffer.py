"""The screen of one app in its own process: what it draws, and what of that it has made visible.

Pixels are digits (`tallystick.wire.raster`). Drawing changes the back; refreshing an area copies it to the front, and the front
is what goes to the OS. What lies beside the screen is cut off: apps scroll that way.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, Protocol

from tallystick.wire.call_canvas import MAX_PAINTED, Label, Paint
from tallystick.wire.raster import fewest_bits, pack, packed_size
from tallystick.wire.syscall import Outcome, Request

__all__ = ["Area", "Framebuffer"]

_DIGITS: Final = b"0123456789abcdef"
#: on a screen without greys all but the darkest are light
_LIT: Final = bytes.maketrans(_DIGITS, b"0fffffffffffffff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle in pixels; `x` and `y` may lie beside the screen."""

    x: int
    y: int
    w: int
    h: int


class HasLabels(Protocol):
    """Knows the texts on the screen."""

    def labels(self) -> tuple[Label, ...]:
        """Return them."""
        ...


class Framebuffer:
    """A screen of `width` x `height` pixels; `level` is what it begins with (0 dark, 15 light); without greys all but dark is light."""

    def __init__(self, *, width: int, height: int, level: int = 0, has_greys: bool = True) -> None:
        self.width, self.height = width, height
        self._back = bytearray(_DIGITS[level : level + 1] * (width * height))
        self._front = bytearray(self._back)
        self._changed: Area | None = None
        self._has_greys = has_greys

    def cut(self, area: Area) -> Area:
        """Return what of an area is on the screen; its size may be nothing."""
        x, y = min(max(area.x, 0), self.width), min(max(area.y, 0), self.height)
        right, bottom = min(area.x + area.w, self.width), min(area.y + area.h, self.height)
        return Area(x=x, y=y, w=max(right - x, 0), h=max(bottom - y, 0))

    def fill(self, area: Area, level: int) -> None:
        """Give all pixels of an area one level."""
        cut = self.cut(area)
        row = _DIGITS[level : level + 1] * cut.w
        for y in range(cut.y, cut.y + cut.h if cut.w else 0):
            start = y * self.width + cut.x
            self._back[start : start + cut.w] = row

    def column(self, x: int, y: int, digits: bytes) -> None:
        """Draw pixels from (x, y) downward."""
        if not 0 <= x < self.width:
            return
        digits = digits[max(-y, 0) : max(self.height - y, 0)]
        if digits:
            start = max(y, 0) * self.width + x
            self._back[start : start + (len(digits) - 1) * self.width + 1 : self.width] = digits

    def row(self, x: int, y: int, digits: bytes) -> None:
        """Draw pixels from (x, y) to the right."""
        if not 0 <= y < self.height:
            return
        digits = digits[max(-x, 0) : max(self.width - x, 0)]
        start = y * self.width + max(x, 0)
        self._back[start : start + len(digits)] = digits

    def refresh(self, area: Area) -> None:
        """Make an area visible."""
        cut = self.cut(area)
        if not cut.w or not cut.h:
            return
        for y in range(cut.y, cut.y + cut.h):
            start = y * self.width + cut.x
            self._front[start : start + cut.w] = self._back[start : start + cut.w]
        old = self._changed or cut
        x, y = min(old.x, cut.x), min(old.y, cut.y)
        right, bottom = max(old.x + old.w, cut.x + cut.w), max(old.y + old.h, cut.y + cut.h)
        self._changed = Area(x=x, y=y, w=right - x, h=bottom - y)

    def show(self, texts: HasLabels) -> Generator[Request, Outcome, None]:
        """Send what has become visible since the last time, with all texts that are on the screen."""
        area, self._changed = self._changed, None
        if area is None:
            return
        digits = b"".join(
            self._front[y * self.width + area.x : y * self.width + area.x + area.w]
            for y in range(area.y, area.y + area.h)
        )
        if not self._has_greys:
            digits = digits.translate(_LIT)
        bits = fewest_bits(digits)
        rows = max(MAX_PAINTED // packed_size(area.w, 1, bits), 1)
        for top in range(0, area.h, rows):
            height = min(rows, area.h - top)
            part = digits[top * area.w : (top + height) * area.w]
            yield Paint(
                x=area.x,
                y=area.y + top,
                w=area.w,
                h=height,
                bits=bits,
                data=pack(part, width=area.w, height=height, bits=bits),
                labels=texts.labels() if top + height == area.h else None,
            )
