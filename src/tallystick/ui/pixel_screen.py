"""Frames on a screen of lit and dark pixels: the nano models.

The page draws by the same rules, from the same font and shapes, so a screenshot and the page agree to the pixel.
"""

from __future__ import annotations

from tallystick.ui.asset import ICON_GRID, Glyph, icon_shapes, is_inside, pixel_faces
from tallystick.ui.matrix import matrix_rows
from tallystick.ui.screen import UNKNOWN, Screen
from tallystick.wire.panel import Align, Bitmap, Box, Code, Icon, Style, Text

_FACES = {Style.REGULAR: "regular", Style.BOLD: "bold", Style.LARGE: "bold", Style.SMALL: "regular"}
#: rows above and below the baseline that a line of text is centred by
_ASCENT, _DESCENT = 8, 2


class PixelScreen(Screen):
    """A grid of pixels, one byte each, 0 to 255, drawn on element by element."""

    def __init__(self, *, width: int, height: int) -> None:
        super().__init__(width=width, height=height)
        self.pixels = bytearray(width * height)

    def _put(self, x: int, y: int, level: int = 255) -> None:
        if 0 <= x < self.width and 0 <= y < self.height:
            self.pixels[y * self.width + x] = level

    def _fill(self, x: int, y: int, *, w: int, h: int) -> None:
        for row in range(max(y, 0), min(y + h, self.height)):
            for column in range(max(x, 0), min(x + w, self.width)):
                self.pixels[row * self.width + column] = 255

    def _text(self, text: Text) -> None:
        glyphs, width = self._glyphs(text)
        x = text.x if text.align is Align.LEFT else text.x + (text.w - width) // 2
        baseline = text.y + (text.h - _ASCENT - _DESCENT) // 2 + _ASCENT
        if text.inverted:
            self._fill(text.x, text.y, w=text.w, h=text.h)
        level = 0 if text.inverted else 255
        for glyph in glyphs:
            self._glyph(glyph, left=x + glyph.left, top=baseline - glyph.top, level=level)
            x += glyph.advance

    def _glyph(self, glyph: Glyph, *, left: int, top: int, level: int) -> None:
        for y, row in enumerate(glyph.rows):
            for x, bit in enumerate(row):
                if bit == "1":
                    self._put(left + x, top + y, level)

    def _glyphs(self, text: Text) -> tuple[list[Glyph], int]:
        """Return the glyphs of a line and their width, in the narrow face if they are too wide in their own."""
        faces = pixel_faces()
        glyphs: list[Glyph] = []
        width = 0
        for name in (_FACES[text.style], "narrow"):
            face = faces[name]
            unknown = face.get(UNKNOWN) or face["?"]
            glyphs = [face.get(character, unknown) for character in text.text]
            width = sum(glyph.advance for glyph in glyphs)
            if width <= text.w:
                break
        return glyphs, width

    def _icon(self, icon: Icon) -> None:
        shapes = icon_shapes().get(icon.name)
        if shapes is None:
            self._unknown_icon(icon)
            return
        for row in range(icon.h):
            for column in range(icon.w):
                x, y = (column + 0.5) * ICON_GRID / icon.w, (row + 0.5) * ICON_GRID / icon.h
                if is_inside(x, y, shapes):
                    self._put(icon.x + column, icon.y + row)

    def _box(self, box: Box) -> None:
        self._fill(box.x, box.y, w=box.w, h=1)
        self._fill(box.x, box.y + box.h - 1, w=box.w, h=1)
        self._fill(box.x, box.y, w=1, h=box.h)
        self._fill(box.x + box.w - 1, box.y, w=1, h=box.h)
        self._fill(box.x, box.y, w=box.w * box.filled // 100, h=box.h)

    def _code(self, code: Code) -> None:
        rows = matrix_rows(code.text)
        scale = max(min(code.w, code.h) // (len(rows) + 2), 1)
        side = scale * (len(rows) + 2)
        left, top = code.x + (code.w - side) // 2, code.y + (code.h - side) // 2
        self._fill(left, top, w=side, h=side)
        for y in range(side - 2 * scale):
            for x in range(side - 2 * scale):
                if rows[y // scale][x // scale] == "1":
                    self._put(left + scale + x, top + scale + y, 0)

    def _bitmap(self, bitmap: Bitmap) -> None:
        levels = bitmap.levels()
        left, right = max(bitmap.x, 0), min(bitmap.x + bitmap.w, self.width)
        for row in range(max(-bitmap.y, 0), min(bitmap.h, self.height - bitmap.y) if right > left else 0):
            at, start = row * bitmap.w + left - bitmap.x, (bitmap.y + row) * self.width
            self.pixels[start + left : start + right] = levels[at : at + right - left]
