"""The screen of one app in its own process: what it draws, and what of that it has made visible.

Pixels are digits (`tallystick.wire.raster`). Drawing changes the back; refreshing an area copies it to the front, and the front
is what goes to the OS. What lies beside the screen is cut off: apps scroll that way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tallystick.wire.call_canvas import MAX_PAINTED, Label, Paint
from tallystick.wire.raster import fewest_bits, pack, packed_size

__all__ = ["Area", "Framebuffer", "Strip"]

_DIGITS: Final = b"0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle in pixels; `x` and `y` may lie beside the screen."""

    x: int
    y: int
    w: int
    h: int


#: pixels of a picture on a screen: from how far behind its first one on, the length of their slice, its step, and their digits
Strip = tuple[int, int, int, bytes]


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
        if cut.w == self.width:
            start = cut.y * self.width
            self._back[start : start + cut.h * self.width] = row * cut.h
            return
        for y in range(cut.y, cut.y + cut.h if cut.w else 0):
            start = y * self.width + cut.x
            self._back[start : start + cut.w] = row

    def columns(self, x: int, y: int, lines: Iterable[tuple[int, int, bytes]]) -> None:
        """Draw pixels downward: `lines` begin at (x, y) and so much further."""
        back, width, height = self._back, self.width, self.height
        for right, down, digits in lines:
            left, top = x + right, y + down
            if not 0 <= left < width:
                continue
            if top < 0 or top + len(digits) > height:
                digits = digits[max(-top, 0) : max(height - top, 0)]  # noqa: PLW2901
                top = max(top, 0)
            if digits:
                start = top * width + left
                back[start : start + (len(digits) - 1) * width + 1 : width] = digits

    def rows(self, x: int, y: int, lines: Iterable[tuple[int, int, bytes]]) -> None:
        """Draw pixels to the right: `lines` begin at (x, y) and so much further."""
        for right, down, line in lines:
            left, top = x + right, y + down
            if 0 <= top < self.height:
                digits = line[max(-left, 0) : max(self.width - left, 0)]
                start = top * self.width + max(left, 0)
                self._back[start : start + len(digits)] = digits

    def has(self, area: Area) -> bool:
        """Return whether all of an area is on the screen."""
        x, y = area.x, area.y
        return 0 <= x <= self.width - area.w and 0 <= y <= self.height - area.h

    def stamp(self, area: Area, strips: Iterable[Strip]) -> None:
        """Draw a picture at an area that is on the screen."""
        back, first = self._back, area.y * self.width + area.x
        for offset, length, step, digits in strips:
            start = first + offset
            back[start : start + length : step] = digits

    def refresh(self, area: Area) -> None:
        """Make an area visible."""
        cut = self.cut(area)
        if not cut.w or not cut.h:
            return
        for start, end in self._parts(cut):
            self._front[start:end] = self._back[start:end]
        old = self._changed or cut
        x, y = min(old.x, cut.x), min(old.y, cut.y)
        right, bottom = max(old.x + old.w, cut.x + cut.w), max(old.y + old.h, cut.y + cut.h)
        self._changed = Area(x=x, y=y, w=right - x, h=bottom - y)

    def show(self, texts: HasLabels) -> Iterator[Paint]:
        """Return what has become visible since the last time, with all texts that are on the screen."""
        area, self._changed = self._changed, None
        if area is None:
            return
        digits = b"".join([self._front[start:end] for start, end in self._parts(area)])
        bits = fewest_bits(digits) if self._has_greys else 1
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
                data=pack(part, width=area.w, height=height, bits=bits, has_greys=self._has_greys),
                labels=texts.labels() if top + height == area.h else None,
            )

    def _parts(self, area: Area) -> Sequence[tuple[int, int]]:
        """Return where the pixels of an area on the screen lie: row by row, or at once where they follow each other."""
        first, width = area.y * self.width + area.x, self.width
        if area.w == width:
            return ((first, first + area.h * width),)
        return [(start, start + area.w) for start in range(first, first + area.h * width, width)]
