"""System calls that NBGL draws with: rectangles, lines, pictures, refresh (native-apps 4).

An area is x i16, y i16, width u16, height u16, background u8, bits u8 (0, 1, 2: 1, 2 or 4 bits a pixel). A picture's file has
width u16, height u16, bits and compression in one byte, length u24, and the pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Final

from tallystick.device.native.framebuffer import Area
from tallystick.device.native.machine import Handler, Machine
from tallystick.device.native.memory import BadPointer
from tallystick.device.native.nbgl_image import (
    MAX_IMAGE,
    Image,
    Shape,
    Transformation,
    decompress,
    draw_image,
    draw_shape,
    expand_rle,
    level_of,
)
from tallystick.device.native.window import FONT_PLACE, FONT_PLACES

__all__ = ["HANDLERS"]

_AREA: Final = struct.Struct("<hhHHBB")
_AREA_BYTES: Final = _AREA.size
_FILE: Final = struct.Struct("<HHB3s")
_RAW, _GZIP, _RLE = 0, 1, 2
#: pixels of a picture: more than the largest screen has
_MAX_PIXELS: Final = 1 << 19
_GREYS: Final = (1, 2)
_BLACK: Final = 0
_DOTS: Final = 3
#: the number of the first font, and how many there are
_FONTS: Final = {"stax": (0, 6), "flex": (11, 6), "apex_p": (17, 3)}
#: how many Stax had up to an API level
_STAX_FONTS: Final = ((6, 4), (14, 7))
_NANO_FONTS: Final = (8, 3)


def _area(machine: Machine, pointer: int) -> tuple[Area, int, int]:
    """Return an area, its background and the bits of a pixel (0 where there is no such number of bits)."""
    return _known_area(machine.memory.read(pointer, _AREA.size))


@lru_cache(maxsize=1024)  # the same letters come again at the same places
def _known_area(raw: bytes) -> tuple[Area, int, int]:
    x, y, w, h, background, bits = _AREA.unpack(raw)
    return Area(x=x, y=y, w=w, h=h), background, {0: 1, 1: 2, 2: 4}.get(bits, 0)


@lru_cache(maxsize=1024)
def _known_image(raw: bytes, transformation: int, color_map: int) -> tuple[Area, Shape, int] | None:
    """Return place, shape and bytes of the picture that an area, its transformation and colours are; None for one that is none."""
    area, background, bits = _known_area(raw)
    if not bits or transformation > Transformation.QUARTER_TURN or area.w * area.h > _MAX_PIXELS:
        return None
    turned = Transformation(transformation)
    image = Image(area=area, bits=bits, map=color_map, background=background, transformation=turned)
    return area, image.shape(), (area.w * area.h * bits + 7) // 8


def _draw_rect(machine: Machine, arguments: tuple[int, ...]) -> int:
    area, color, _bits = _area(machine, arguments[0])
    machine.window.fill(area, level_of(color))
    return 0


def _draw_line(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Draw a line of a colour. Up to level 24 a mask says which rows of the area have it, the others have the background.

    Screens of black and white alone have grey as every third pixel, beginning at the second argument.
    """
    area, background, _bits = _area(machine, arguments[0])
    start, color = arguments[1] & 0xFF, arguments[2] & 3
    window = machine.window
    if machine.generation.level < 25:
        for row in range(min(area.h, window.screen.height)):
            line = replace(area, y=area.y + row, h=1)
            window.fill(line, level_of(color if start >> row & 1 else background))
    elif machine.info.model != "apex_p" or color not in _GREYS:
        window.fill(area, level_of(color))
    elif area.w == 1:
        for y in range(start, min(area.h, window.screen.height), _DOTS):
            window.fill(Area(x=area.x, y=area.y + y, w=1, h=1), _BLACK)
    elif area.h == 1:
        for x in range(start, min(area.w, window.screen.width), _DOTS):
            window.fill(Area(x=area.x + x, y=area.y, w=1, h=1), _BLACK)
    return 0


def _draw_image(machine: Machine, arguments: tuple[int, ...]) -> int:
    pointer, data, transformation, color_map = arguments
    memory, window = machine.memory, machine.window
    image = _known_image(memory.read(pointer, _AREA_BYTES), transformation & 0xFF, color_map & 0xFF)
    if image is None:
        return 0
    area, shape, size = image
    raw = memory.read(data, size)
    window.texts.drawn(area, data)
    draw_shape(window.screen, area, shape, raw)
    return 0


def _draw_image_rle(machine: Machine, arguments: tuple[int, ...]) -> int:
    pointer, data, size, front, *skipped = arguments  # the last came with level 12
    area, background, bits = _area(machine, pointer)
    if bits not in {1, 4} or area.w * area.h > _MAX_PIXELS or size > MAX_IMAGE:
        return 0
    machine.window.texts.drawn(area, data, is_empty=not size)
    raw = expand_rle(machine.memory.read(data, size), bits=bits, pixels=area.w * area.h)
    image = Image(area=area, bits=bits, map=front & 3, background=background)
    draw_image(machine.window.screen, image, raw, skipped=skipped[0] & 0xFF if skipped else 0)
    return 0


def _draw_image_file(machine: Machine, arguments: tuple[int, ...]) -> int:
    pointer, data, color_map = arguments[:3]
    area, background, _bits = _area(machine, pointer)
    width, height, kind, length = _FILE.unpack(machine.memory.read(data, _FILE.size))
    bits = {0: 1, 1: 2, 2: 4}.get(kind >> 4, 0)
    size = int.from_bytes(length, "little")
    compression = kind & 0x0F
    if not bits or width * height > _MAX_PIXELS or size > MAX_IMAGE:
        return 0
    area = replace(area, w=width, h=height)
    whole = (width * height * bits + 7) // 8
    raw = machine.memory.read(data + _FILE.size, size if compression else whole)
    if compression == _GZIP:
        raw = decompress(raw, limit=whole)
    elif compression == _RLE:
        raw = expand_rle(raw, bits=bits, pixels=width * height) if bits != 2 else b""
    elif compression != _RAW:
        return 0
    machine.window.texts.covered(area)
    color_map = color_map & 3 if compression == _RLE else color_map & 0xFF
    draw_image(machine.window.screen, Image(area=area, bits=bits, map=color_map, background=background), raw)
    return 0


def _refresh(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Make an area visible: on the screens of the nano models always all of it."""
    area, _background, _bits = _area(machine, arguments[0])
    window = machine.window
    if not window.is_touch:
        area = Area(x=0, y=0, w=window.screen.width, h=window.screen.height)
    window.screen.refresh(area)
    return 0


def _get_font(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Return where a font of the OS lies, by its number, or 0: apps up to level 22 have none of their own."""
    model = machine.info.model
    first, count = _FONTS.get(model, _NANO_FONTS)
    if model == "stax":
        count = next((early for last, early in _STAX_FONTS if machine.generation.level <= last), count)
    number = arguments[0] - first
    if not 0 <= number < count:
        return 0
    font = machine.memory.words(FONT_PLACES.get(model, FONT_PLACE) + 4 * number, 1)[0]
    with suppress(BadPointer):  # then its texts are not known, and it is drawn all the same
        machine.window.texts.learn_font(font, level=machine.generation.level)
    return font


def _nothing(_machine: Machine, _arguments: tuple[int, ...]) -> int:
    return 0


HANDLERS: Final[Mapping[str, Handler]] = {
    "nbgl_front_draw_rect": _draw_rect,
    "nbgl_front_draw_line": _draw_line,
    "nbgl_front_draw_img": _draw_image,
    "nbgl_front_draw_img_rle": _draw_image_rle,
    "nbgl_front_draw_img_file": _draw_image_file,
    "nbgl_front_refresh_area": _refresh,
    "nbgl_get_font": _get_font,
    "nbgl_screen_reinit": _nothing,
    "nbgl_wait_pipeline": _nothing,
    "nbgl_screen_config_fast_mode": _nothing,
    "nbgl_screen_update_temperature": _nothing,
    "nbgl_front_control_area_masking": _nothing,
}
