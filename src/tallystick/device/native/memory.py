"""An app's memory as the OS looks at it: every pointer that an app passes is looked up in the app's own map first.

Pointers into the range that the app was linked for are translated, as real systems do (native-apps 1).
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.device.native.cpu import PAGE_BYTES, Access, Cpu
from tallystick.device.native.generation import Generation

__all__ = ["BadPointer", "Memory", "Region"]


class BadPointer(Exception):
    """An app passed a pointer to what is not its own, or may not be used so."""


@dataclass(frozen=True, slots=True)
class Region:
    """A run of memory with one set of rights; `end` is behind it."""

    start: int
    end: int
    access: Access


class Memory:
    """The memory of one app, behind its checks."""

    def __init__(self, cpu: Cpu, generation: Generation) -> None:
        self._cpu = cpu
        self._generation = generation
        self._regions: list[Region] = []

    def add(self, address: int, data: bytes, *, size_bytes: int, access: Access) -> None:
        """Map `size_bytes` at an address, `data` at its begin; addresses and sizes are rounded to whole pages."""
        start = address // PAGE_BYTES * PAGE_BYTES
        end = -(-(address + size_bytes) // PAGE_BYTES) * PAGE_BYTES
        self._cpu.map(start, end - start, access)
        if data:
            self._cpu.write(address, data)
        self._regions.append(Region(start, end, access))

    def at(self, pointer: int) -> int:
        """Return where a pointer leads, whether or not anything is there."""
        link = self._generation
        for start, length, at in (
            (link.flash_link, link.flash_bytes, link.flash),
            (link.ram_link, link.ram_bytes, link.ram),
        ):
            if start <= pointer < start + length:
                return pointer + at - start
        return pointer

    def place(self, pointer: int, size_bytes: int, access: Access) -> int:
        """Return where a pointer of the app leads; raise BadPointer unless all of it may be used so."""
        pointer = self.at(pointer)
        for region in self._regions:
            if region.start <= pointer and pointer + size_bytes <= region.end and access in region.access:
                return pointer
        raise BadPointer

    def read(self, pointer: int, size_bytes: int) -> bytes:
        """Return what an app points to; raise BadPointer."""
        return self._cpu.read(self.place(pointer, size_bytes, Access.READ), size_bytes) if size_bytes else b""

    def write(self, pointer: int, data: bytes) -> None:
        """Write where an app points to; raise BadPointer."""
        if data:
            self._cpu.write(self.place(pointer, len(data), Access.WRITE), data)

    def words(self, pointer: int, count: int) -> tuple[int, ...]:
        """Return `count` words (32 bits) that an app points to; raise BadPointer."""
        raw = self.read(pointer, 4 * count)
        return tuple(int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4))

    def text(self, pointer: int, *, limit: int) -> str:
        """Return a text that ends with a zero within `limit` bytes; raise BadPointer."""
        raw = bytearray()
        while len(raw) < limit:
            byte = self.read(pointer + len(raw), 1)
            if byte == b"\0":
                return raw.decode("latin-1")
            raw += byte
        raise BadPointer
