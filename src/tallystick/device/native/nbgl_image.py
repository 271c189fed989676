"""Pictures as NBGL has them: bits to levels, colours, mirrors, and the two ways they are compressed (native-apps 4).

Pixels run down the columns, and the columns from right to left, unless a mirror or a turn is asked for. Colours are two bits, 0
black to 3 white; a pixel of one bit is background or foreground, one of two bits a colour or an entry of the colour map, one of
four bits a step from foreground to background.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum, unique
from functools import lru_cache
from typing import Final

from tallystick.device.native.framebuffer import Area, Framebuffer
from tallystick.wire.raster import digits_of_stream

__all__ = ["Image", "Transformation", "decompress", "draw_image", "expand_rle", "level_of"]

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
    area = image.area
    if not area.w or not area.h:
        return
    # letters come again and again; where they are drawn is all that differs
    make = _known_lines if area.w * area.h <= _LETTER_PIXELS else _lines
    draw = screen.rows if image.transformation is Transformation.QUARTER_TURN else screen.columns
    shape = (area.w, area.h, image.bits, image.map, image.background, image.transformation, skipped)
    draw(area.x, area.y, make(shape, data))


def _lines(shape: tuple[int, int, int, int, int, Transformation, int], data: bytes) -> list[tuple[int, int, bytes]]:
    """Return a picture at the origin as rows, for one that is turned, or columns: where each begins, and its pixels.

    `shape` is width, height, bits, colour map, background, how it lies, and the bytes' worth of background it begins with.
    """
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


_known_lines: Final = lru_cache(maxsize=1024)(_lines)


def expand_rle(data: bytes, *, bits: int, pixels: int) -> bytes:
    """Return the packed pixels of a run-length picture of 1 or 4 bits, `pixels` at most."""
    digits = _runs_of_one(data, pixels) if bits == 1 else _runs_of_four(data, pixels)
    digits = digits[:pixels]
    if bits == 1:
        padded = digits + b"0" * (-len(digits) % 8)
        return int(padded, 2).to_bytes(len(padded) // 8, "big") if padded else b""
    return bytes.fromhex((digits + b"f" * (len(digits) % 2)).decode())


def _runs_of_one(data: bytes, pixels: int) -> bytes:
    """Each byte: that many dark pixels in the high half, then light ones in the low half."""
    digits = bytearray()
    for byte in data:
        digits += b"0" * (byte >> 4) + b"1" * (byte & 15)
        if len(digits) >= pixels:
            break
    return bytes(digits)


def _runs_of_four(data: bytes, pixels: int) -> bytes:
    """``11`` n: n + 1 white; ``10`` n and a nibble: n + 3 nibbles as they follow; ``0`` n and a nibble: n + 1 of that colour."""
    digits, at = bytearray(), 0
    while at < len(data) and len(digits) < pixels:
        byte = data[at]
        if byte >= 0xC0:
            digits += b"f" * ((byte & 0x3F) + 1)
        elif byte >= 0x80:
            count = (byte >> 4 & 3) + 3
            digits += data[at : at + count // 2 + 1].hex().encode()[1 : 1 + count]
            at += count // 2
        else:
            digits += _DIGITS[byte & 15 : (byte & 15) + 1] * ((byte >> 4) + 1)
        at += 1
    return bytes(digits)


def decompress(data: bytes, *, limit: int) -> bytes:
    """Return the bytes of a picture in chunks (length u16 little endian, then gzip), `limit` at most; b"" where it is damaged."""
    raw, at = b"", 0
    while at + 2 <= len(data) and len(raw) < limit:
        size = int.from_bytes(data[at : at + 2], "little")
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            raw += stream.decompress(data[at + 2 : at + 2 + size], limit - len(raw))
        except zlib.error:
            return b""
        at += 2 + size
    return raw
