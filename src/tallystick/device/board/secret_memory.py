"""The pages that hold keys while the device is unlocked: never swapped out, in no core, in no forked child (secure-world 5.4).

A few pages are enough, and few an ordinary user may lock. They hold what `crypto.secret.Secret` holds; what Python copies
out of it while it computes lies where Python likes.
"""

from __future__ import annotations

import ctypes
import logging
import mmap

from tallystick.device.sandbox.kernel import Kernel

_LOGGER = logging.getLogger(__name__)
#: room for one secret -> how many of it; keys are 32 or 64 bytes, recovery words up to 220
_ROOMS = {64: 512, 256: 64, 1024: 16}
SIZE_BYTES = sum(size * count for size, count in _ROOMS.items())


class SecretMemory:
    """A `crypto.secret.Memory` of locked pages; raises OSError when this process may not lock so many.

    What has no room there lies elsewhere, and the log says so, once.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._pages = mmap.mmap(-1, SIZE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for advice in (mmap.MADV_DONTDUMP, mmap.MADV_DONTFORK):
            self._pages.madvise(advice)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._pages))
        kernel.call("mlock", start, SIZE_BYTES)
        self._view = memoryview(self._pages)
        self._free: dict[int, list[int]] = {}
        self._sizes: dict[int, int] = {}
        offset = 0
        for size, count in _ROOMS.items():
            self._free[size] = [offset + size * index for index in range(count)]
            self._sizes |= dict.fromkeys(self._free[size], size)
            offset += size * count
        self._is_full = False

    def take(self, size_bytes: int) -> tuple[memoryview | bytearray, int]:
        """Return room in the locked pages and its number, or other room and -1."""
        for size, free in self._free.items():
            if size >= size_bytes and free:
                offset = free.pop()
                return self._view[offset : offset + size_bytes], offset
        if not self._is_full:
            self._is_full = True
            _LOGGER.warning("a secret lies in memory that is not locked: the locked pages are full")
        return bytearray(size_bytes), -1

    def give_back(self, number: int) -> None:
        """Let another secret have the room."""
        if number >= 0:
            self._free[self._sizes[number]].append(number)
