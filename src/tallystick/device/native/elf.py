"""ELF files of native apps: 32 bits, little endian, ARM, linked (System V ABI; native-apps 1).

What is read is what the engine needs: the parts that are loaded, sections and symbols by name. Every offset, length and
count of the file is checked before it is used, and nothing is kept beyond the limits below.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from tallystick.errors import RemoteProtocolError

__all__ = ["MAGIC", "MAX_ELF", "Elf", "Section", "Segment"]

#: the largest file, in bytes: real apps with all they tell a debugger have a few megabytes
MAX_ELF: Final = 32 << 20
_MAX_SEGMENTS: Final = 32
_MAX_SECTIONS: Final = 256
_MAX_SYMBOLS: Final = 1 << 16
#: characters of a name that are kept; names of Rust are longer, with their types in them, and differ at their ends
_MAX_NAME: Final = 256
_LONGEST_NAME: Final = 1 << 14
#: how every file begins
MAGIC: Final = b"\x7fELF"
_IDENTITY: Final = MAGIC + b"\x01\x01\x01"
_HEADER: Final = struct.Struct("<7s9xHHIIIIIHHHHHH")
_SEGMENT: Final = struct.Struct("<8I")
_SECTION: Final = struct.Struct("<10I")
_SYMBOL: Final = struct.Struct("<IIIBBH")
_EXECUTABLE, _ARM, _LOAD = 2, 0x28, 1
_SYMBOL_TABLE, _NO_BITS = 2, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part that is loaded: its address (32 bits), what the file has of it, and its size in memory (bytes)."""

    address: int
    #: where the file puts it: for what begins in flash and is copied into RAM by the program, its place in flash
    load_address: int
    data: bytes = field(repr=False)
    size_bytes: int

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.size_bytes

    @property
    def load_end(self) -> int:
        """The address behind what the file has of it, where it is loaded."""
        return self.load_address + len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A named part: its address, its size in memory, and what the file has of it."""

    address: int
    size_bytes: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elf:
    """One file, read."""

    entry: int
    segments: tuple[Segment, ...]
    sections: Mapping[str, Section] = field(repr=False)
    #: address by name, as the file has it: a function's has its lowest bit set
    symbols: Mapping[str, int] = field(repr=False)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a file; raise RemoteProtocolError for one that is cut, too large, of another machine or not linked."""
        if len(raw) > MAX_ELF:
            raise RemoteProtocolError(f"an ELF file of {len(raw)} bytes", remedy="apps have at most 32 MiB")
        identity, kind, machine, _version, entry, segments, sections, _flags, _size, *counts = _at(_HEADER, raw, 0)
        if identity != _IDENTITY:
            raise RemoteProtocolError("no ELF file of 32 bits, little endian")
        if machine != _ARM or kind != _EXECUTABLE:
            raise RemoteProtocolError(
                "not a linked program for ARM", remedy="give the app's ELF file, not an object file"
            )
        segment_size, segment_count, section_size, section_count, names = counts
        found = _sections(raw, sections, _checked(section_count, section_size, _SECTION, _MAX_SECTIONS), names)
        return cls(
            entry=entry,
            segments=tuple(_segments(raw, segments, _checked(segment_count, segment_size, _SEGMENT, _MAX_SEGMENTS))),
            sections=MappingProxyType({name: section for name, section, _ in found}),
            symbols=MappingProxyType(_symbols(found)),
        )

    def text(self, section: str) -> str | None:
        """Return what a section says as ASCII text, or None where there is none such or it is no text."""
        found = self.sections.get(section)
        if found is None or not found.data.isascii() or len(found.data) > _MAX_NAME:
            return None
        return found.data.decode("ascii").strip("\0\n ") or None


_Found = tuple[str, Section, tuple[int, ...]]


def _checked(count: int, size_bytes: int, form: struct.Struct, limit: int) -> int:
    if count and size_bytes != form.size:
        raise RemoteProtocolError("an ELF table has entries of another size")
    if count > limit:
        raise RemoteProtocolError(f"an ELF table of {count} entries, {limit} are allowed")
    return count


def _at(form: struct.Struct, raw: bytes, offset: int) -> tuple[Any, ...]:
    if offset + form.size > len(raw):
        raise RemoteProtocolError("the ELF file is cut short")
    return form.unpack_from(raw, offset)


def _part(raw: bytes, offset: int, size_bytes: int) -> bytes:
    if size_bytes and offset + size_bytes > len(raw):
        raise RemoteProtocolError("the ELF file is cut short")
    return raw[offset : offset + size_bytes]


def _segments(raw: bytes, offset: int, count: int) -> Iterator[Segment]:
    before: list[Segment] = []
    for number in range(count):
        kind, at, address, load_address, in_file, in_memory, _flags, _align = _at(
            _SEGMENT, raw, offset + number * _SEGMENT.size
        )
        if kind != _LOAD or not in_memory:
            continue
        if in_file > in_memory or address + in_memory > 1 << 32 or load_address + in_file > 1 << 32:
            raise RemoteProtocolError("a part of the ELF file does not fit its place")
        segment = Segment(
            address=address, load_address=load_address, data=_part(raw, at, in_file), size_bytes=in_memory
        )
        if any(
            segment.address < other.end and other.address < segment.end and segment.data and other.data
            for other in before
        ):
            raise RemoteProtocolError("two parts of the ELF file lie at one address")
        before.append(segment)
        yield segment


def _sections(raw: bytes, offset: int, count: int, names: int) -> list[_Found]:
    rows = [tuple(_at(_SECTION, raw, offset + number * _SECTION.size)) for number in range(count)]
    if not rows:
        return []
    if names >= len(rows):
        raise RemoteProtocolError("the ELF file names a section that is not there")
    table = _names(_part(raw, rows[names][4], rows[names][5]))
    found: list[_Found] = []
    for row in rows:
        name, kind, _flags, address, at, size_bytes = row[:6]
        data = b"" if kind in (0, _NO_BITS) else _part(raw, at, size_bytes)
        found.append((_name(table, name), Section(address=address, size_bytes=size_bytes, data=data), row))
    return found


def _symbols(found: list[_Found]) -> dict[str, int]:
    symbols: dict[str, int] = {}
    for _name_of, section, row in found:
        if row[1] != _SYMBOL_TABLE:
            continue
        if row[6] >= len(found) or len(section.data) > _MAX_SYMBOLS * _SYMBOL.size:
            raise RemoteProtocolError("the ELF file's table of symbols cannot be read")
        names = _names(found[row[6]][1].data)
        whole = section.data[: len(section.data) // _SYMBOL.size * _SYMBOL.size]
        for name, value, _size, _info, _other, _where in _SYMBOL.iter_unpack(whole):
            if name:
                symbols.setdefault(_name(names, name), value)
    return symbols


def _names(table: bytes) -> bytes:
    """Return a table of names; raise RemoteProtocolError for one whose last name has no end."""
    if table and table[-1]:
        raise RemoteProtocolError("a name of the ELF file does not end")
    return table


def _name(table: bytes, offset: int) -> str:
    """Return the name there, a long one without its middle; raise RemoteProtocolError for one beyond its table."""
    if offset >= len(table):
        raise RemoteProtocolError("the ELF file has a name that is not in its table")
    end = table.find(b"\0", offset, offset + _LONGEST_NAME)
    name = table[offset : end if end >= 0 else offset + _LONGEST_NAME].decode("latin-1")
    if len(name) <= _MAX_NAME:
        return name
    half = _MAX_NAME // 2
    return f"{name[: half - 1]}…{name[-half:]}"
