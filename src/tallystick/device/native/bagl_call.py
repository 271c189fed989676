"""System calls that BAGL draws with on Nano X and Nano S Plus: rectangles and bitmaps, and when they are shown (native-apps 4).

Pixels go from left to right and from top to bottom, the first in the lowest bits of a byte; each is an entry of a list of colours
(24 bits; these screens know light and dark alone). Bits that are left out are the first colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from tallystick.device.native.bagl_font import find_glyphs
from tallystick.device.native.framebuffer import Area
from tallystick.device.native.machine import Handler, Machine

__all__ = ["HANDLERS", "draw_bitmap", "fill", "level_of_rgb"]

_OK: Final = 0x9000
_MAX_BITS: Final = 4
_MAX_SIDE: Final = 1024
_DIGITS: Final = b"0123456789abcdef"


def level_of_rgb(color: int) -> int:
    """Return the level, 0 to 15, of a colour of 24 bits: none but black is level 0, since apps in Rust have 1 for light."""
    brightest = max(color >> 16 & 0xFF, color >> 8 & 0xFF, color & 0xFF)
    return max(brightest >> 4, int(brightest > 0))


def signed(value: int) -> int:
    """Return a coordinate, 16 bits with a sign, of an argument."""
    value &= 0xFFFF
    return value - 0x10000 if value & 0x8000 else value


def fill(machine: Machine, area: Area, color: int) -> None:
    """Give an area one colour."""
    machine.window.fill(area, level_of_rgb(color))


def draw_bitmap(machine: Machine, area: Area, colors: Sequence[int], bits: int, data: bytes) -> None:
    """Draw pixels of 1, 2 or 4 bits into an area; raise nothing: what is too large is cut off."""
    if not area.w or not area.h or area.w > _MAX_SIDE or area.h > _MAX_SIDE:
        return
    digits = bytes(_DIGITS[level_of_rgb(color)] for color in colors)
    table = _digits_of_bytes(digits, bits)
    pixels = b"".join(table[byte] for byte in data[: (area.w * area.h * bits + 7) // 8])
    pixels = pixels[: area.w * area.h].ljust(area.w * area.h, digits[:1])
    lines = ((0, row, pixels[row * area.w : (row + 1) * area.w]) for row in range(area.h))
    machine.window.screen.rows(area.x, area.y, lines)


@lru_cache(maxsize=16)
def _digits_of_bytes(digits: bytes, bits: int) -> Sequence[bytes]:
    """Return what pixels each byte holds, the lowest bits first, as the digits of their colours."""
    mask = (1 << bits) - 1
    return [bytes(digits[byte >> shift & mask] for shift in range(0, 8, bits)) for byte in range(256)]


def _draw_rect(machine: Machine, arguments: tuple[int, ...]) -> int:
    color, x, y, w, h = arguments
    fill(machine, Area(x=signed(x), y=signed(y), w=min(w, _MAX_SIDE), h=min(h, _MAX_SIDE)), color)
    return 0


def _draw_bitmap(machine: Machine, arguments: tuple[int, ...]) -> int:
    x, y, w, h, count, colors, bits, data, size = arguments
    if bits not in {1, 2, _MAX_BITS} or not 1 << bits <= count <= 1 << _MAX_BITS or max(w, h) > _MAX_SIDE:
        return 0
    raw = machine.memory.read(data, min(size // 8 + bool(size % 8), (w * h * bits + 7) // 8))
    area = Area(x=signed(x), y=signed(y), w=w, h=h)
    if not machine.window.has_looked:
        machine.window.has_looked = True
        size_bytes = len(machine.image.code) + len(machine.image.data)
        flash = machine.memory.read(machine.generation.flash, size_bytes)
        machine.window.texts.learn_glyphs(find_glyphs(machine.memory, flash))
    # the height of a letter is that of the rows it has, and that of a space what was asked for
    rows = -(-len(raw) * 8 // w) if w and raw else h
    machine.window.texts.drawn(Area(x=area.x, y=area.y, w=w, h=rows), data, is_empty=not raw)
    draw_bitmap(machine, area, machine.memory.words(colors, 1 << bits), bits, raw)
    return _OK


def _update(machine: Machine, _arguments: tuple[int, ...]) -> int:
    machine.window.refresh_all()
    return 0


def _clear(machine: Machine, _arguments: tuple[int, ...]) -> int:
    screen = machine.window.screen
    machine.window.fill(Area(x=0, y=0, w=screen.width, h=screen.height), 0)
    return 0


def _nothing(_machine: Machine, _arguments: tuple[int, ...]) -> int:
    return 0


HANDLERS: Final[Mapping[str, Handler]] = {
    "bagl_hal_draw_rect": _draw_rect,
    "bagl_hal_draw_bitmap_within_rect": _draw_bitmap,
    "screen_update": _update,
    "screen_clear": _clear,
    "screen_set_keepout": _nothing,
    "screen_set_brightness": _nothing,
}
