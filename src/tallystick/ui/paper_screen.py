"""Frames on a screen of grey paper: the touch models, dark on light, drawn by Pillow."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageFont

from tallystick.ui.asset import ICON_GRID, icon_shapes, read_asset
from tallystick.ui.matrix import matrix_rows
from tallystick.ui.screen import UNKNOWN, Screen
from tallystick.wire.panel import Align, Bitmap, Box, Code, Icon, Style, Text

PAPER, INK = 255, 0
#: size of each style beside the regular one, and the weight it has
_SIZES = {Style.REGULAR: 1.0, Style.BOLD: 1.0, Style.LARGE: 1.4, Style.SMALL: 0.82}
_WEIGHTS = {Style.REGULAR: 400, Style.BOLD: 600, Style.LARGE: 600, Style.SMALL: 400}
#: widths from which on screens have the larger of two regular sizes, in pixels
_WIDE, _LARGE_PX, _SMALL_PX = 400, 22, 16
_OVERSAMPLING = 4


@lru_cache(maxsize=64)
def _font(weight: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(
        BytesIO(read_asset(f"font/inter-latin-{weight}-normal.woff")), size, layout_engine=ImageFont.Layout.BASIC
    )


class PaperScreen(Screen):
    """A picture drawn on element by element."""

    def __init__(self, *, width: int, height: int) -> None:
        super().__init__(width=width, height=height)
        self.image = Image.new("L", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self.image)
        self._size = _LARGE_PX if width >= _WIDE else _SMALL_PX

    def _text(self, text: Text) -> None:
        if text.inverted and text.w > 0 and text.h > 0:
            self._draw.rectangle((text.x, text.y, text.x + text.w - 1, text.y + text.h - 1), fill=INK)
        weight, size = _WEIGHTS[text.style], round(self._size * _SIZES[text.style])
        font = _font(weight, size)
        shown = "".join(character if character.isprintable() else UNKNOWN for character in text.text)
        width = font.getlength(shown)
        if width > text.w > 0:
            font = _font(weight, max(int(size * text.w / width), 6))
        x = text.x if text.align is Align.LEFT else text.x + text.w / 2
        anchor = "lm" if text.align is Align.LEFT else "mm"
        fill = PAPER if text.inverted else INK
        self._draw.text((x, text.y + text.h / 2), shown, font=font, fill=fill, anchor=anchor)

    def _icon(self, icon: Icon) -> None:
        shapes = icon_shapes().get(icon.name)
        if shapes is None:
            self._unknown_icon(icon, radius=icon.w // 4)
            return
        size = (icon.w * _OVERSAMPLING, icon.h * _OVERSAMPLING)
        mask = Image.new("1", size, 0)
        for polygon in shapes:
            layer = Image.new("1", size, 0)
            across, down = size[0] / ICON_GRID, size[1] / ICON_GRID
            points = [(x * across, y * down) for x, y in zip(polygon[::2], polygon[1::2], strict=True)]
            ImageDraw.Draw(layer).polygon(points, fill=1)
            mask = ImageChops.logical_xor(mask, layer)
        small = mask.convert("L").resize((icon.w, icon.h), Image.Resampling.BOX)
        self.image.paste(INK, (icon.x, icon.y), small)

    def _box(self, box: Box) -> None:
        edges = (box.x, box.y, box.x + max(box.w, 1) - 1, box.y + max(box.h, 1) - 1)
        radius = max(min(box.radius, box.w // 2, box.h // 2), 0)
        if box.filled:
            mask = Image.new("1", self.image.size, 0)
            ImageDraw.Draw(mask).rounded_rectangle(edges, radius=radius, fill=1)
            right = box.x + box.w * box.filled // 100
            if right < self.image.width:
                ImageDraw.Draw(mask).rectangle((right, 0, *self.image.size), fill=0)
            self.image.paste(INK, mask=mask)
        self._draw.rounded_rectangle(edges, radius=radius, outline=INK, width=2 if min(box.w, box.h) > 4 else 1)

    def _code(self, code: Code) -> None:
        rows = matrix_rows(code.text)
        scale = max(min(code.w, code.h) // max(len(rows), 1), 1)
        left, top = (code.x + (code.w - scale * len(rows)) // 2, code.y + (code.h - scale * len(rows)) // 2)
        for y, row in enumerate(rows):
            for x, module in enumerate(row):
                if module == "1":
                    corner = (left + x * scale, top + y * scale)
                    self._draw.rectangle((*corner, corner[0] + scale - 1, corner[1] + scale - 1), fill=INK)

    def _bitmap(self, bitmap: Bitmap) -> None:
        if bitmap.w and bitmap.h:
            self.image.paste(Image.frombytes("L", (bitmap.w, bitmap.h), bitmap.levels()), (bitmap.x, bitmap.y))
