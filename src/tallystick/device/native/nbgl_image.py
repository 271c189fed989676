"""Pictures as NBGL has them: bits to levels, colours, mirrors, and the two ways they are compressed (native-apps 4).

Pixels run down the columns, and the columns from right to left, unless a mirror or a turn is asked for. Colours are two bits, 0
black to 3 white; a pixel of one bit is background or foreground, one of two bits a colour or an entry of the colour map, one of
four bits a step from foreground to background.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from functools import lru_cache
from typing import Final, NamedTuple

from tallystick.device.native.framebuffer import Area, Framebuffer, Strip
from tallystick.wire.raster import digits_of_stream
from tallystick.wire.raster_stream import decompress, expand_rle

__all__ = ["Image", "Shape", "Transformation", "decompress", "draw_image", "draw_shape", "expand_rle", "level_of"]

_DIGITS: Final = b"0123456789abcdef"
_WHITE: Final = 3
_STEPS: Final = 16
#: pixels of the largest letter
_LETTER_PIXELS: Final = 2048
#: bytes of one picture, decompressed: more than the largest screen has
MAX_IMAGE: Final = 1 << 18


@unique
class Transformation(IntEnum):
    """How a picture lies on the screen."""

    NONE = 0
    HORIZONTAL_MIRROR = 1
    VERTICAL_MIRROR = 2
    BOTH_MIRRORS = 3
    QUARTER_TURN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture to draw: `bits` a pixel, `map` the colour map (or the foreground, at 1 and 4 bits), and the background."""

    area: Area
    bits: int
    map: int
    background: int
    transformation: Transformation = Transformation.NONE

    def shape(self, skipped: int = 0) -> Shape:
        """Return all but where it lies; it begins with `skipped` bytes' worth of background."""
        area = self.area
        return Shape(area.w, area.h, self.bits, self.map, self.background, self.transformation, skipped)


class Shape(NamedTuple):
    """What there is to a picture beside its pixels and its place."""

    width: int
    height: int
    bits: int
    map: int
    background: int
    transformation: Transformation
    skipped: int


def level_of(color: int) -> int:
    """Return the level, 0 to 15, of a colour of two bits."""
    return 5 * (color & 3)


@lru_cache(maxsize=64)
def _translation(bits: int, color_map: int, background: int) -> bytes:
    """Return what the digits of a picture become."""
    if bits == 1:
        front = level_of(color_map)
        return bytes.maketrans(b"0f", bytes((_DIGITS[level_of(background)], _DIGITS[front])))
    if bits == 2:
        levels = [level_of(color_map >> 2 * color if color_map else color) for color in range(4)]
        return bytes.maketrans(b"05af", bytes(_DIGITS[level] for level in levels))
    return bytes.maketrans(_DIGITS, bytes(_DIGITS[level] for level in _ramp(color_map & 3, background & 3)))


def _ramp(front: int, back: int) -> list[int]:
    """Return the sixteen levels from one colour to another: even steps, brighter where grey letters stand on plain ground."""
    start, steps = level_of(front), range(_STEPS)
    match front, back:
        case (0, 3) | (3, 0):
            return [abs(start - step) for step in steps]
        case (1, 3):
            return [max(step, 5 + step // 2) for step in steps]
        case (2, 3):
            return [min(15, 10 + step // 2, 11 + step // 3) for step in steps]
        case (2, 0):
            return [max(10 - step, (15 - step) // 2) for step in steps]
    sign = 1 if back > front else -1
    return [start + sign * ((step + 1) * abs(back - front) // 3) for step in steps]


def draw_image(screen: Framebuffer, image: Image, data: bytes, *, skipped: int = 0) -> None:
    """Draw the pixels of `data`, as far as they go; the first `skipped` bytes' worth are background."""
    draw_shape(screen, image.area, image.shape(skipped), data)


def draw_shape(screen: Framebuffer, area: Area, shape: Shape, data: bytes) -> None:
    """Draw the pixels of `data` at an area, in the shape of an image of its size."""
    if not area.w or not area.h:
        return
    # letters come again and again; where they are drawn is all that differs
    is_small = area.w * area.h <= _LETTER_PIXELS
    if screen.has(area):
        screen.stamp(area, (_known_strips if is_small else _strips)(shape, data, screen.width))
    else:
        lines = _lines(shape, data)
        (screen.rows if shape.transformation is Transformation.QUARTER_TURN else screen.columns)(area.x, area.y, lines)


def _lines(shape: Shape, data: bytes) -> list[tuple[int, int, bytes]]:
    """Return a picture at the origin as rows, for one that is turned, or columns: where each begins, and its pixels."""
    width, height, bits, color_map, background, transformation, skipped = shape
    blank = (b"f" if bits == 4 else b"0") * (skipped * 8 // bits)
    digits = blank + digits_of_stream(data, bits)
    digits = digits[: width * height].translate(_translation(bits, color_map, background))
    if transformation is Transformation.QUARTER_TURN:
        return [(0, number, digits[at : at + width]) for number, at in enumerate(range(0, len(digits), width))]
    is_upward = transformation in {Transformation.HORIZONTAL_MIRROR, Transformation.BOTH_MIRRORS}
    is_leftward = transformation in {Transformation.NONE, Transformation.HORIZONTAL_MIRROR}
    lines = []
    for number, at in enumerate(range(0, len(digits), height)):
        column, y = digits[at : at + height], 0
        if is_upward:
            y, column = height - len(column), column[::-1]
        lines.append((width - 1 - number if is_leftward else number, y, column))
    return lines


def _strips(shape: Shape, data: bytes, screen_width: int) -> tuple[Strip, ...]:
    """Return a picture as it is stamped on a screen of that width, on which all of it lies."""
    step = 1 if shape.transformation is Transformation.QUARTER_TURN else screen_width
    return tuple(
        (y * screen_width + x, (len(digits) - 1) * step + 1, step, digits) for x, y, digits in _lines(shape, data)
    )


_known_strips: Final = lru_cache(maxsize=1024)(_strips)
