"""What a Nano S is told to show: one component in a packet (tag 65), with its text or its picture behind it (native-apps 4).

A component is type u8, user u8, x i16, y i16, width u16, height u16, stroke u8, radius u8, fill u8 (with three bytes of padding),
foreground u32, background u32, font u16 (bits 12 to 15 say how it is aligned), icon u8. Letters were drawn by the other chip, whose
fonts nobody has: they are told as text, and the OS draws them in its own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from tallystick.device.native.bagl_call import draw_bitmap, fill
from tallystick.device.native.framebuffer import Area
from tallystick.device.native.machine import Machine
from tallystick.wire.call_canvas import LabelKind

__all__ = ["display"]

_COMPONENT: Final = struct.Struct("<BBhhHHBBB3xIIHBx")
_RECTANGLE, _LABEL, _LINE, _ICON, _LABEL_LINE = 3, 2, 4, 5, 7
_TOUCHABLE: Final = 0x80
_FILLED: Final = 1
_CENTRED: Final = 0x8000
_HORIZONTAL: Final = 0xC000
_FONT: Final = 0x0FFF
_BOLD_FONTS: Final = frozenset({8})
_MAX_BITS: Final = 2
#: rows of a line of text above its baseline, and all of them
_BASELINE, _HEIGHT = 9, 12


@dataclass(frozen=True, slots=True)
class _Component:
    """The fields of a component that mean something here."""

    type: int
    area: Area
    stroke: int
    is_filled: bool
    front: int
    back: int
    font: int
    icon: int


def display(machine: Machine, body: bytes) -> None:
    """Draw one component; what is none is passed over."""
    if len(body) < _COMPONENT.size:
        return
    kind, _user, x, y, w, h, stroke, _radius, filled, front, back, font, icon = _COMPONENT.unpack_from(body)
    area = Area(x=x, y=y, w=w, h=h)
    component = _Component(kind & ~_TOUCHABLE, area, stroke, filled == _FILLED, front, back, font, icon)
    rest = body[_COMPONENT.size :]
    if component.type in {_RECTANGLE, _LINE}:
        _rectangle(machine, component)
    elif component.type == _ICON:
        _icon(machine, component, rest)
    elif component.type in {_LABEL, _LABEL_LINE}:
        _text(machine, component, rest)
    machine.window.refresh_all()


def _rectangle(machine: Machine, component: _Component) -> None:
    area, stroke = component.area, max(component.stroke, 1)
    if component.is_filled:
        fill(machine, area, component.front)
        return
    fill(machine, area, component.back)
    for x, y, w, h in (
        (area.x, area.y, area.w, stroke),
        (area.x, area.y + area.h - 1, area.w, stroke),
        (area.x, area.y, stroke, area.h),
        (area.x + area.w - 1, area.y, stroke, area.h),
    ):
        fill(machine, Area(x=x, y=y, w=w, h=h), component.front)


def _icon(machine: Machine, component: _Component, rest: bytes) -> None:
    """Draw a picture that came with the component: bits u8, the colours, big endian, the pixels. Those by number nobody has."""
    if component.icon or not rest or rest[0] not in {1, _MAX_BITS}:
        return
    bits = rest[0]
    end = 1 + 4 * (1 << bits)
    colors = [int.from_bytes(rest[at : at + 4], "big") for at in range(1, end, 4)]
    machine.window.texts.covered(component.area)
    draw_bitmap(machine, component.area, colors, bits, rest[end:])


def _text(machine: Machine, component: _Component, rest: bytes) -> None:
    """Tell a line of text; a label line stands on its y, any other below it."""
    area = component.area
    is_line = component.type == _LABEL_LINE
    y, h = (area.y - _BASELINE, _HEIGHT) if is_line else (area.y, max(area.h, _HEIGHT))
    place = Area(x=max(area.x, 0), y=max(y, 0), w=area.w, h=h)
    machine.window.texts.covered(place)
    is_centred = component.font & _HORIZONTAL == _CENTRED
    if component.font & _FONT in _BOLD_FONTS:
        kind = LabelKind.BOLD_CENTRED if is_centred else LabelKind.BOLD_LEFT
    else:
        kind = LabelKind.CENTRED if is_centred else LabelKind.LEFT
    text = rest.split(b"\0", 1)[0].decode("latin-1")
    if text:
        machine.window.texts.tell(text, place, kind=kind)
