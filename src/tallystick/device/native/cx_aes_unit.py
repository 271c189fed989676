"""The chip's unit for AES: it holds one key. With API levels it chains blocks itself, and takes its first for the vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["AesUnit"]

_OPERATION, _DECRYPT = 3 << 1, 0
_CHAIN, _CBC = 7 << 6, 1 << 6
_NO_KEY: Final = b""


@dataclass(slots=True)
class AesUnit:
    """The chip's unit; before API levels it did not chain (`chains`)."""

    chains: bool = True
    key: bytes = field(default=_NO_KEY, repr=False)
    decrypt: bool = False
    chained: bool = False
    before: bytes | None = field(default=None, repr=False)

    def set(self, key: bytes, mode: int) -> None:
        """Take a key for one operation and one way of chaining."""
        self.key = key
        self.decrypt = mode & _OPERATION == _DECRYPT
        self.chained = self.chains and mode & _CHAIN == _CBC
        self.before = None

    def reset(self) -> None:
        """Forget everything."""
        self.key, self.before = _NO_KEY, None

    def block(self, data: bytes) -> bytes | None:
        """Return what comes of 16 bytes, or None where they were the initialization vector; raise CxError without a key."""
        if not self.key:
            raise CxError(CxStatus.INTERNAL_ERROR)
        if not self.chained:
            return aes.ecb(self.key, data, decrypt=self.decrypt)
        if self.before is None:
            self.before = data
            return None
        output = aes.cbc(self.key, data, start=self.before, decrypt=self.decrypt)
        self.before = data if self.decrypt else output
        return output
