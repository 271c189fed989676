"""Random bytes: from the machine, or repeatable for tests.

The repeatable source exists for tests alone; a device that uses it says so on its status (secure-world 1, "fixed
entropy only behind an explicit switch").
"""

from __future__ import annotations

import hashlib
import os

from tallystick.errors import LocalProtocolError


class SystemRng:
    """The kernel's generator, which blocks until it is seeded."""

    #: whether the bytes can be foreseen
    repeatable = False

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` bytes from getrandom."""
        return os.getrandom(size_bytes)


class RepeatableRng:
    """SHA-256 in counter mode over a number: equal numbers give equal bytes, on every machine."""

    repeatable = True

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise LocalProtocolError("the seed is not negative")
        self._key = hashlib.sha256(
            b"tallystick repeatable rng" + seed.to_bytes((seed.bit_length() + 7) // 8 or 1)
        ).digest()
        self._block = 0
        self._left = b""

    def read(self, size_bytes: int) -> bytes:
        """Return the next `size_bytes` bytes of the stream."""
        while len(self._left) < size_bytes:
            self._left += hashlib.sha256(self._key + self._block.to_bytes(8)).digest()
            self._block += 1
        data, self._left = self._left[:size_bytes], self._left[size_bytes:]
        return data
