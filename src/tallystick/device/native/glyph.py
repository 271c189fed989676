"""Text by the pictures of its letters: apps draw glyph by glyph, and which glyph it was is told by where its pixels lie.

A font of NBGL is bitmap length u32, id, bits, height, line height, kerning, crop, y_min, first and last character (u8 each), and
at 16 and 20 the addresses of its characters (8 bytes each, the first 4 the offset of the pixels) and of its bitmap. Letters that
follow each other make a line; a line that is painted over is gone.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.device.native.framebuffer import Area
from tallystick.device.native.memory import BadPointer, Memory
from tallystick.wire.call_canvas import MAX_LABEL, MAX_LABELS, Label, LabelKind

__all__ = ["Texts"]

#: fonts up to an API level: the head, which ends with the first and the last character and two pointers; a character; by how many
#: bits the place of its pixels is shifted there, and how many it has (nbgl_fonts.h)
_FORMS: Final = (
    (6, struct.Struct("<8BII"), struct.Struct("<2xH"), 0, 16),
    (13, struct.Struct("<I8BII"), struct.Struct("<I"), 1, 14),
    (14, struct.Struct("<I9B3xII"), struct.Struct("<I"), 1, 14),
    (0xFF, struct.Struct("<I9B3xII"), struct.Struct("<I4x"), 0, 32),
)
_NEWEST: Final = 0xFF
_FONTS, _FONT_COUNT = "C_nbgl_fonts", "C_nbgl_fonts_count"
_MAX_FONTS: Final = 32
#: pixels between two letters of one line, by model: what is further away is another line
_GAPS: Final[Mapping[str, int]] = {"stax": 24, "flex": 26}
_DEFAULT_GAP: Final = 12


@dataclass(slots=True)
class _Line:
    """A line of text, and its box."""

    x: int
    y: int
    right: int
    bottom: int
    text: str
    is_fresh: bool = True
    kind: LabelKind = LabelKind.IN_PICTURE


class Texts:
    """The lines of text that are on the screen of one app."""

    def __init__(self, memory: Memory, *, model: str) -> None:
        self._memory = memory
        self._gap = _GAPS.get(model, _DEFAULT_GAP)
        self._glyphs: dict[int, str] = {}
        self._fonts: set[int] = set()
        self._lines: list[_Line] = []
        self._last: _Line | None = None
        self._is_told = False

    def learn(self, symbols: Mapping[str, int]) -> None:
        """Learn the fonts of a shared library by its symbols; a library without or with damaged ones has none."""
        try:
            count = min(self._memory.read(symbols.get(_FONT_COUNT, 0), 1)[0], _MAX_FONTS)
            for font in self._memory.words(symbols.get(_FONTS, 0), count):
                self.learn_font(font)
        except BadPointer:
            return

    def learn_font(self, pointer: int, *, level: int = _NEWEST) -> None:
        """Learn one font of an API level; raise BadPointer where there is none."""
        if pointer in self._fonts or len(self._fonts) >= _MAX_FONTS:
            return
        self._fonts.add(pointer)
        head, character, shift, bits = next(form[1:] for form in _FORMS if level <= form[0])
        *_numbers, first, last, characters, bitmap = head.unpack(self._memory.read(pointer, head.size))
        if last < first:
            raise BadPointer
        table = self._memory.read(characters, (last - first + 1) * character.size)
        start = self._memory.at(bitmap)
        for number, (place,) in enumerate(character.iter_unpack(table)):
            # characters without pixels share their place with the next one, which stays
            self._glyphs[start + (place >> shift & (1 << bits) - 1)] = chr(first + number)

    def learn_glyphs(self, glyphs: Mapping[int, str]) -> None:
        """Learn letters by the addresses of their pixels."""
        self._glyphs.update(glyphs)

    def drawn(self, area: Area, pointer: int, *, is_empty: bool = False) -> None:
        """Note a picture: a letter goes on with its line or begins one, anything else covers what was there."""
        glyphs = self._glyphs
        letter = " " if is_empty else glyphs.get(pointer) or glyphs.get(self._memory.at(pointer), "")
        if not letter:
            self.covered(area)
        if not letter or self._is_told:
            return
        line = self._last
        if line is None or area.y >= line.bottom or area.y + area.h <= line.y or abs(area.x - line.right) >= self._gap:
            line = _Line(area.x, area.y, area.x, area.y + area.h, "")
            self._start(line)
        if len(line.text) < MAX_LABEL:
            line.text += letter
        # a space may begin above its letters, and has no rows of its own
        line.right, bottom = area.x + area.w, line.bottom if is_empty else area.y + area.h
        if area.y < line.y or bottom > line.bottom:  # hardly ever
            line.y, line.bottom = min(line.y, area.y), max(line.bottom, bottom)

    def tell(self, text: str, area: Area, *, kind: LabelKind = LabelKind.IN_PICTURE) -> None:
        """Note a line whose text is known; from then on no letters are looked at."""
        self._is_told = True
        self._start(_Line(area.x, area.y, area.x + area.w, area.y + area.h, text[:MAX_LABEL], kind=kind))
        self._last = None

    def covered(self, area: Area) -> None:
        """Note that something was painted: lines of which it took half or more are gone."""
        self._lines = [line for line in self._lines if not _is_hidden(line, area)]
        if self._last not in self._lines:
            self._last = None

    def labels(self) -> tuple[Label, ...]:
        """Return the lines on the screen; the ones that were fresh are not the next time."""
        labels = tuple(_label(line) for line in self._lines if line.text.strip())
        for line in self._lines:
            line.is_fresh = False
        self._last = None
        return labels

    def _start(self, line: _Line) -> None:
        box = Area(x=line.x, y=line.y, w=max(line.right - line.x, 1), h=line.bottom - line.y)
        old = [other for other in self._lines if other.is_fresh or not _is_touched(other, box)]
        self._lines = [*old[1 - MAX_LABELS :], line]
        self._last = line


def _is_hidden(line: _Line, area: Area) -> bool:
    across = min(line.right, area.x + area.w) - max(line.x, area.x)
    down = min(line.bottom, area.y + area.h) - max(line.y, area.y)
    if across <= 0 or down <= 0:
        return False
    return 2 * across * down >= (line.right - line.x) * (line.bottom - line.y)


def _is_touched(line: _Line, area: Area) -> bool:
    across = min(line.right, area.x + area.w) - max(line.x, area.x)
    down = min(line.bottom, area.y + area.h) - max(line.y, area.y)
    return across > 0 and 2 * down > line.bottom - line.y


def _label(line: _Line) -> Label:
    text = "".join(letter if letter.isprintable() else "?" for letter in line.text)
    x, y = max(line.x, 0), max(line.y, 0)
    return Label(
        x=x, y=y, w=max(line.right - x, 0), h=max(line.bottom - y, 0), text=text, fresh=line.is_fresh, kind=line.kind
    )
