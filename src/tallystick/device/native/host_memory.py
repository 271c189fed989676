"""Memory of an emulated processor that lies in this process, where the OS reads and writes it without asking the emulator."""

from __future__ import annotations

import ctypes
import itertools
import mmap
from dataclasses import dataclass

from tallystick.device.native.cpu import Access

__all__ = ["HostMemory", "Span"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whole pages with one set of rights: addresses of the processor, and where they are in memory of this process."""

    start: int
    end: int
    access: Access
    memory: mmap.mmap
    offset: int = 0

    @property
    def place(self) -> int:
        """The address in this process."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self.memory, self.offset))

    def part(self, start: int, end: int, access: Access) -> Span:
        """Return some of it, with other rights."""
        offset = self.offset + start - self.start
        return Span(start=start, end=end, access=access, memory=self.memory, offset=offset)


class HostMemory:
    """The spans of one processor."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    @staticmethod
    def fresh(address: int, size_bytes: int, access: Access) -> Span:
        """Return pages that are all zero."""
        return Span(start=address, end=address + size_bytes, access=access, memory=mmap.mmap(-1, size_bytes))

    def add(self, span: Span) -> None:
        """Note that a span is mapped."""
        self._spans.append(span)

    def remove(self, address: int) -> None:
        """Forget the span that begins at `address`."""
        self._spans = [span for span in self._spans if span.start != address]

    def block(self, address: int) -> mmap.mmap | None:
        """Return the whole memory whose first page is at `address`."""
        for span in self._spans:
            if span.start == address and not span.offset:
                return span.memory
        return None

    def cut(self, address: int, size_bytes: int, access: Access) -> list[tuple[Span, list[Span]]]:
        """Return each span that has some of these pages, with what it falls into when those get other rights."""
        end = address + size_bytes
        found = []
        for span in self._spans:
            if span.start < end and address < span.end:
                cuts = sorted({span.start, span.end, max(span.start, address), min(span.end, end)})
                parts = [
                    span.part(first, last, access if address <= first < end else span.access)
                    for first, last in itertools.pairwise(cuts)
                ]
                found.append((span, parts))
        return found

    def read(self, address: int, size_bytes: int) -> bytes | None:
        """Return what is there, None when that is not all in one span."""
        for span in self._spans:
            if span.start <= address and address + size_bytes <= span.end:
                at = address - span.start + span.offset
                return span.memory[at : at + size_bytes]
        return None

    def write(self, address: int, data: bytes) -> bool:
        """Write, and return whether that could be done here: what may be run may have been translated."""
        for span in self._spans:
            if span.start <= address and address + len(data) <= span.end and not span.access & Access.EXECUTE:
                at = address - span.start + span.offset
                span.memory[at : at + len(data)] = data
                return True
        return False

    def clear(self) -> None:
        """Forget all."""
        self._spans.clear()
