"""Fonts of BAGL, which an app has in its own flash: found by their form, since nothing names them.

Two forms: bitmap length u16, id, bits, height, baseline, first and last character (u8 each), two pointers, and characters whose
offset is bits 2 to 13 of their word; before API levels id u32, bits, height, baseline, kerning (u8 each), first and last character
u16, two pointers, and characters of width u8, bytes u8 and offset u16. What has the form and points where a font can is one.

Apps in Rust bring fonts of their own: pointer and length (u32 each) of the pixels of 96 characters from the space on, the widths
of these (u8 each), and the height. Of characters with the same pixels the last one counts, as in the peer.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from tallystick.device.native.memory import BadPointer, Memory

__all__ = ["find_glyphs"]

_FORM: Final = re.compile(rb"(?=(..[\x00-\x20]\x01[\x05-\x28][\x03-\x28]\x20[\x7e-\xff]........))", re.DOTALL)
_OLD_FORM: Final = re.compile(
    rb"(?=([\x00-\x20]\x00\x00\x00\x01[\x05-\x28][\x03-\x28].\x20\x00[\x7e-\xff]\x00........))", re.DOTALL
)
_POINTERS: Final = struct.Struct("<II")
_WORD_BYTES: Final = 4
_MAX_BITMAP: Final = 0x4000
_MAX_FONTS: Final = 8
#: the slices of such a font; more words of the same look may stand before them
_SLICES: Final = re.compile(rb"(?:....[\x01-\x40]\0\0\0){96,}", re.DOTALL)
_SLICE: Final = struct.Struct("<II")
_SLICE_COUNT: Final = 96
_FIRST: Final = 0x20


def find_glyphs(memory: Memory, flash: bytes) -> dict[int, str]:
    """Return the letter by the address of its pixels, for all fonts in an app's flash."""
    glyphs: dict[int, str] = {}
    fonts = 0
    for form, first_at, last_at, is_old in ((_FORM, 6, 7, False), (_OLD_FORM, 8, 10, True)):
        for match in form.finditer(flash):
            if match.start() % _WORD_BYTES or fonts >= _MAX_FONTS:
                continue
            head = match[1]
            found = list(_letters(memory, head, first=head[first_at], last=head[last_at], is_old=is_old))
            fonts += bool(found)
            glyphs.update(found)
    for match in () if glyphs else _SLICES.finditer(flash):
        glyphs.update(_slices(memory, flash, end=match.end()))
    return glyphs


def _slices(memory: Memory, flash: bytes, *, end: int) -> Iterator[tuple[int, str]]:
    """Return the letters of a font whose slices end here, none where lengths and sizes do not belong together."""
    slices = list(_SLICE.iter_unpack(flash[end - _SLICE_COUNT * _SLICE.size : end]))
    *widths, height = flash[end : end + _SLICE_COUNT + 1].ljust(_SLICE_COUNT + 1, b"\0")
    if not height or any(size != (width * height + 7) // 8 for (_, size), width in zip(slices, widths, strict=True)):
        return
    for number, (pixels, _size) in enumerate(slices):
        yield memory.at(pixels), chr(_FIRST + number)


def _letters(memory: Memory, head: bytes, *, first: int, last: int, is_old: bool) -> Iterator[tuple[int, str]]:
    """Return the letters of one font, none where it is none: offsets that go back or too far."""
    characters, bitmap = _POINTERS.unpack(head[-_POINTERS.size :])
    try:
        words = memory.words(characters, last - first + 1)
        memory.read(bitmap, 1)
    except BadPointer:
        return
    offsets = [word >> 16 if is_old else word >> 2 & 0xFFF for word in words]
    if offsets != sorted(offsets) or not 0 < offsets[-1] < _MAX_BITMAP:
        return
    start = memory.at(bitmap)
    for number, offset in enumerate(offsets):
        # a letter without pixels shares its place with the next one, which stays
        yield start + offset, chr(first + number)
