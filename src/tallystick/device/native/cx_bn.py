"""The numbers that an app holds by handle: the arithmetic unit of the chip, with its lock and its limits (native-apps 2).

An app locks the unit with a word size, allocates numbers of so many bytes, each rounded up to whole words, and unlocks it;
that forgets all of them. A number keeps its size: results are cut to it, as on a chip. How many numbers there may be, and how
many bytes together, is what the peer allows (Speculos 0.27: 64 numbers, 2048 bytes). Constant time is not claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["MAX_BYTES", "MAX_NUMBERS", "Number", "NumberPool"]

MAX_NUMBERS: Final = 64
MAX_BYTES: Final = 2048
#: words are a multiple of this, bytes
_ALIGNMENT: Final = 16


@dataclass(slots=True)
class Number:
    """An unsigned number of at most `size_bytes` bytes."""

    size_bytes: int
    value: int = 0

    @property
    def bits(self) -> int:
        """How many bits it has room for."""
        return 8 * self.size_bytes

    def cut(self, value: int) -> bool:
        """Take the lowest bits of `value`, negative ones in two's complement; tell whether it was more than fits."""
        self.value = value & ((1 << self.bits) - 1)
        return self.value != value

    def fit(self, value: int) -> None:
        """Take `value`; raise CxError, INVALID_PARAMETER_SIZE, when it is more than fits."""
        if value >> self.bits:
            raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
        self.value = value


class NumberPool:
    """The numbers of one app."""

    def __init__(self) -> None:
        self._word_bytes = 0
        self._numbers: list[Number | None] = [None] * MAX_NUMBERS

    @property
    def locked(self) -> bool:
        """Whether the unit is in use."""
        return self._word_bytes > 0

    def lock(self, word_bytes: int) -> None:
        """Begin; `word_bytes` is rounded up to a multiple of 16.

        Raises:
            CxError: NOT_UNLOCKED when it is in use already, INVALID_PARAMETER_SIZE for words larger than all there is.

        """
        if self.locked:
            raise CxError(CxStatus.NOT_UNLOCKED)
        size = _round(max(word_bytes, 1), _ALIGNMENT)
        if size > MAX_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
        self._word_bytes = size

    def unlock(self) -> None:
        """End, and forget every number; does nothing when it is not in use."""
        self._word_bytes = 0
        self._numbers = [None] * MAX_NUMBERS

    def check(self) -> None:
        """Raise CxError, NOT_LOCKED, when it is not in use."""
        if not self.locked:
            raise CxError(CxStatus.NOT_LOCKED)

    def allocate(self, size_bytes: int) -> int:
        """Return the handle of a new number, which is 0, of at least `size_bytes`.

        Raises:
            CxError: NOT_LOCKED, or MEMORY_FULL.

        """
        self.check()
        size = _round(max(size_bytes, 1), self._word_bytes)
        if size + sum(number.size_bytes for number in self._numbers if number is not None) > MAX_BYTES:
            raise CxError(CxStatus.MEMORY_FULL)
        for handle, number in enumerate(self._numbers):
            if number is None:
                self._numbers[handle] = Number(size)
                return handle
        raise CxError(CxStatus.MEMORY_FULL)

    def release(self, handle: int) -> None:
        """Forget a number; there need not be one."""
        if handle < MAX_NUMBERS:
            self._numbers[handle] = None

    def __getitem__(self, handle: int) -> Number:
        """Return the number of `handle`; raise CxError, NOT_LOCKED or INVALID_PARAMETER, when there is none."""
        self.check()
        number = self._numbers[handle] if handle < MAX_NUMBERS else None
        if number is None:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return number


def _round(size: int, unit: int) -> int:
    return -(-size // unit) * unit
