"""AES on whole blocks of 16 bytes, for those who chain them in their own way; no padding, no authentication.

Source: FIPS 197 and NIST SP 800-38A. Keys are 16, 24 or 32 bytes; data is any whole number of blocks.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

from tallystick.errors import UsageError

__all__ = ["BLOCK_BYTES", "KEY_BYTES", "cbc", "ecb"]

BLOCK_BYTES: Final = 16
#: sizes that a key may have
KEY_BYTES: Final = frozenset((16, 24, 32))


def _run(key: bytes, mode: ECB | CBC, data: bytes, *, decrypt: bool) -> bytes:
    if len(key) not in KEY_BYTES:
        raise UsageError(f"an AES key of {len(key)} bytes: 16, 24 or 32 are possible")
    if len(data) % BLOCK_BYTES:
        raise UsageError(f"{len(data)} bytes are no whole number of AES blocks")
    cipher = Cipher(AES(key), mode)
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    return context.update(data) + context.finalize()


def ecb(key: bytes, data: bytes, *, decrypt: bool = False) -> bytes:
    """Return every block through the cipher by itself; raise UsageError for wrong sizes."""
    return _run(key, ECB(), data, decrypt=decrypt)  # noqa: S305 -- the building block of every mode


def cbc(key: bytes, data: bytes, *, start: bytes, decrypt: bool = False) -> bytes:
    """Return the blocks chained from `start` (16 bytes) on; raise UsageError for wrong sizes."""
    return _run(key, CBC(start), data, decrypt=decrypt)
