"""An app's memory as the OS looks at it: every pointer that an app passes is looked up in the app's own map first.

Pointers into the range that the app was linked for are translated, as real systems do (native-apps 1).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from mmap import mmap
from typing import Final, NamedTuple

from tallystick.device.native.cpu import PAGE_BYTES, Access, Cpu
from tallystick.device.native.generation import Generation

__all__ = ["BadPointer", "Memory"]


class BadPointer(Exception):
    """An app passed a pointer to what is not its own, or may not be used so."""


#: addresses are looked up by blocks of this many bytes, as a power of two: a chip has few
_BLOCK_BITS: Final = 16
_READ, _WRITE, _EXECUTE = int(Access.READ), int(Access.WRITE), int(Access.EXECUTE)


class _Window(NamedTuple):
    """Pointers from `low` to `high` lead into `block`, `base` bytes less far; what they lead to ends before `end`."""

    low: int
    high: int
    end: int
    base: int
    block: mmap


class Memory:
    """The memory of one app, behind its checks."""

    def __init__(self, cpu: Cpu, generation: Generation) -> None:
        self._cpu = cpu
        #: ranges that the app was linked for, and how far from there it lies
        self._links = tuple(
            (start, start + length, at - start)
            for start, length, at in (
                (generation.flash_link, generation.flash_bytes, generation.flash),
                (generation.ram_link, generation.ram_bytes, generation.ram),
            )
        )
        #: first address, the one behind the last, rights
        self._regions: list[tuple[int, int, int]] = []
        #: short ways to regions that lie in this process, by the number of the block of addresses in which a pointer is: what
        #: none of them leads to is looked up above
        self._readable: dict[int, tuple[_Window, ...]] = {}
        self._writable: dict[int, tuple[_Window, ...]] = {}

    def add(self, address: int, data: bytes, *, size_bytes: int, access: Access) -> None:
        """Map `size_bytes` at an address, `data` at its begin; addresses and sizes are rounded to whole pages."""
        start = address // PAGE_BYTES * PAGE_BYTES
        end = -(-(address + size_bytes) // PAGE_BYTES) * PAGE_BYTES
        self._cpu.map(start, end - start, access)
        if data:
            self._cpu.write(address, data)
        self._regions.append((start, end, int(access)))
        block = self._cpu.block(start)
        if block is not None:
            self._open(start, end, int(access), block)

    def _open(self, start: int, end: int, given: int, block: mmap) -> None:
        """Note how a region is reached by its own addresses, and by those of the ranges that lead to it."""
        windows = [
            _Window(max(first, start - shift), min(last, end - shift), end - shift, start - shift, block)
            for first, last, shift in self._links
        ]
        if all(last <= start or end <= first for first, last, _shift in self._links):
            windows.append(_Window(start, end, end, start, block))
        for window in windows:
            if window.low >= window.high:
                continue
            for number in range(window.low >> _BLOCK_BITS, (window.high - 1 >> _BLOCK_BITS) + 1):
                if given & _READ:
                    self._readable[number] = (window, *self._readable.get(number, ()))
                # code may have been translated: who changes it asks the processor
                if given & _WRITE and not given & _EXECUTE:
                    self._writable[number] = (window, *self._writable.get(number, ()))

    def at(self, pointer: int) -> int:
        """Return where a pointer leads, whether or not anything is there."""
        for start, end, shift in self._links:
            if start <= pointer < end:
                return pointer + shift
        return pointer

    def place(self, pointer: int, size_bytes: int, access: Access) -> int:
        """Return where a pointer of the app leads; raise BadPointer unless all of it may be used so."""
        return self._place(pointer, size_bytes, int(access))

    def read(self, pointer: int, size_bytes: int) -> bytes:
        """Return what an app points to; raise BadPointer."""
        end = pointer + size_bytes
        for low, high, last, base, block in self._readable.get(pointer >> _BLOCK_BITS, ()):
            if low <= pointer < high and end <= last:
                return block[pointer - base : end - base]
        return self._cpu.read(self._place(pointer, size_bytes, _READ), size_bytes) if size_bytes else b""

    def write(self, pointer: int, data: bytes) -> None:
        """Write where an app points to; raise BadPointer."""
        end = pointer + len(data)
        for low, high, last, base, block in self._writable.get(pointer >> _BLOCK_BITS, ()):
            if low <= pointer < high and end <= last:
                block[pointer - base : end - base] = data
                return
        if data:
            self._cpu.write(self._place(pointer, len(data), _WRITE), data)

    def words(self, pointer: int, count: int) -> tuple[int, ...]:
        """Return `count` words (32 bits) that an app points to; raise BadPointer."""
        end = pointer + 4 * count
        for low, high, last, base, block in self._readable.get(pointer >> _BLOCK_BITS, ()):
            if low <= pointer < high and end <= last:
                return (_WORDS[count] if count < _SHORT else _words(count)).unpack_from(block, pointer - base)
        return _words(count).unpack(self.read(pointer, 4 * count))

    def _place(self, pointer: int, size_bytes: int, rights: int) -> int:
        for start, end, shift in self._links:
            if start <= pointer < end:
                pointer += shift
                break
        for start, end, given in self._regions:
            if start <= pointer and pointer + size_bytes <= end and given & rights == rights:
                return pointer
        raise BadPointer

    def text(self, pointer: int, *, limit: int) -> str:
        """Return a text that ends with a zero within `limit` bytes; raise BadPointer."""
        raw = bytearray()
        while len(raw) < limit:
            byte = self.read(pointer + len(raw), 1)
            if byte == b"\0":
                return raw.decode("latin-1")
            raw += byte
        raise BadPointer


@lru_cache(maxsize=32)
def _words(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}I")


#: what calls take
_SHORT: Final = 17
_WORDS: Final = tuple(_words(count) for count in range(_SHORT))
