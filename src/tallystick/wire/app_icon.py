"""The icon that an app carries among its install parameters (wire-protocol E.5).

Two forms. Older: bits a pixel u8 (1, 2 or 4), a palette of u32 (red, green, blue, and a zero at either end), and pixels row by row, the first one in the
lowest bits of a byte; the picture is square. Newer: width and height u16, bits and compression in one byte, size u24 and data, all
little endian; pixels run down the columns, from the right one to the left. A level is what is seen: 0 dark, 15 light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader
from tallystick.wire.raster import BITS, digits_of_stream, fewest_bits, pack
from tallystick.wire.raster_stream import decompress, expand_rle

__all__ = ["MAX_SIDE", "AppIcon", "icon_or_none"]

#: pixels; icons of the largest models have 64
MAX_SIDE: Final = 64
_HEXADECIMAL: Final = "0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIcon:
    """A picture of `width` x `height` pixels, 1 to `MAX_SIDE` each; `digits` has one hexadecimal digit a pixel, row by row."""

    width: int
    height: int
    digits: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read an icon of either form; raise RemoteProtocolError when it is neither, too large, or not all there."""
        if raw[:1] and raw[0] in BITS:
            try:
                return cls._read_old(raw)
            except RemoteProtocolError:  # a newer one may be as wide
                return cls._read_new(raw)
        return cls._read_new(raw)

    def packed(self) -> tuple[int, bytes]:
        """Return the bits a pixel needs (1, 2 or 4), and the rows, each padded to whole bytes, first pixel in the highest bits."""
        bits = fewest_bits(self.digits)
        return bits, pack(self.digits, width=self.width, height=self.height, bits=bits)

    @classmethod
    def _read_old(cls, raw: bytes) -> Self:
        reader = Reader(raw)
        bits = reader.u8()
        palette = [reader.take(4) for _ in range(1 << bits)]
        data = reader.take(reader.remaining)
        side = isqrt(8 * len(data) // bits)
        if not 1 <= side <= MAX_SIDE or (side * side * bits + 7) // 8 != len(data):
            raise reader.error("the icon is no square")
        per_byte, mask = 8 // bits, (1 << bits) - 1
        levels = [_HEXADECIMAL[min(sum(color) // 3, 255) >> 4] for color in palette]
        pixels = (levels[byte >> bits * place & mask] for byte in data for place in range(per_byte))
        return cls(width=side, height=side, digits="".join(pixels).encode()[: side * side])

    @classmethod
    def _read_new(cls, raw: bytes) -> Self:
        reader = Reader(raw)
        width, height = (int.from_bytes(reader.take(2), "little") for _ in range(2))
        form = reader.u8()
        size = int.from_bytes(reader.take(3), "little")
        data = reader.take(size)
        reader.finish()
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE) or form >> 4 >= len(BITS):
            raise reader.error("the icon has no size that is drawn")
        bits, pixels = BITS[form >> 4], width * height
        whole = (pixels * bits + 7) // 8
        match form & 15, bits:
            case (1, _):
                data = decompress(data, limit=whole)
            case (2, 1 | 4):
                data = expand_rle(data, bits=bits, pixels=pixels)
            case (0, _):
                data = data[:whole]
            case _:
                raise reader.error("the icon is packed in an unknown way")
        if len(data) < whole:
            raise reader.error("the icon is not all there")
        stream = digits_of_stream(data, bits)[:pixels]
        columns = [stream[at : at + height] for at in range(0, pixels, height)][::-1]
        rows = (bytes(column[row] for column in columns) for row in range(height))
        return cls(width=width, height=height, digits=b"".join(rows))


@lru_cache(maxsize=64)
def icon_or_none(raw: bytes | None) -> AppIcon | None:
    """Return the icon, None for an app without one, or with one that cannot be drawn: that is no reason to refuse an app."""
    try:
        return None if raw is None else AppIcon.from_bytes(raw)
    except RemoteProtocolError:
        return None
