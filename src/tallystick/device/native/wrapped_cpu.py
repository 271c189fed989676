"""A processor around another one: each call is handed on, and what a wrapper does otherwise it says itself."""

from __future__ import annotations

from collections.abc import Sequence
from mmap import mmap
from typing import Generic, TypeVar

from tallystick.device.native.cpu import Access, Cpu, Register

__all__ = ["WrappedCpu"]

_Inner = TypeVar("_Inner", bound=Cpu)


class WrappedCpu(Generic[_Inner]):
    """All of `tallystick.device.native.cpu.Cpu` but `run`, by way of `inner`; it keeps in mind what was mapped."""

    def __init__(self, inner: _Inner) -> None:
        self._inner = inner
        #: first address of each run of pages, and the one behind its last
        self._maps: list[tuple[int, int]] = []

    def map(self, address: int, size_bytes: int, access: Access) -> None:
        """Give whole pages; see `tallystick.device.native.cpu.Cpu`."""
        self._maps.append((address, address + size_bytes))
        self._inner.map(address, size_bytes, access)

    @property
    def is_watched(self) -> bool:
        """Whether somebody is told of each call."""
        return self._inner.is_watched

    def block(self, address: int) -> mmap | None:
        """Return the memory that was mapped there."""
        return self._inner.block(address)

    def protect(self, address: int, size_bytes: int, access: Access) -> None:
        """Change the rights of whole pages."""
        self._inner.protect(address, size_bytes, access)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return memory."""
        return self._inner.read(address, size_bytes)

    def write(self, address: int, data: bytes) -> None:
        """Change memory."""
        self._inner.write(address, data)

    def get(self, register: Register) -> int:
        """Return a register."""
        return self._inner.get(register)

    def set(self, register: Register, value: int) -> None:
        """Set a register."""
        self._inner.set(register, value)

    def save(self) -> Sequence[int]:
        """Return r0 to r15."""
        return self._inner.save()
