"""DES and its triple by blocks of 8 bytes, chained and padded as firmware 1.x and 2.x do (`lcx_des.h`); blocks by OpenSSL.

Firmware 2.x does the same by its own block system calls, so a `DesUnit` stands for the chip's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB

from tallystick.device.native.cx_cipher import Chain, Operation, Padding
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["BLOCK_BYTES", "KEY_BYTES", "DesUnit", "Job", "blocks"]

BLOCK_BYTES: Final = 8
#: DES, and triple DES of two keys and of three
KEY_BYTES: Final = (8, 16, 24)
_LAST, _OPERATION, _PADDING, _CHAIN = 1, 3 << 1, 7 << 3, 7 << 6
_COUNTER: Final = 1 << 32


def blocks(key: bytes, data: bytes, *, decrypt: bool) -> bytes:
    """Return every block through the cipher by itself; `key` is of `KEY_BYTES`, and data of whole blocks."""
    whole = {8: key * 3, 16: key + key[:8], 24: key}[len(key)]
    cipher = Cipher(TripleDES(whole), ECB())  # noqa: S305 -- the building block of every mode
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    return context.update(data) + context.finalize()


@dataclass(slots=True)
class DesUnit:
    """The chip's unit: it holds one key for one operation."""

    key: bytes = field(default=b"", repr=False)
    decrypt: bool = False

    def set(self, key: bytes, mode: int) -> None:
        """Take a key."""
        self.key, self.decrypt = key, mode & _OPERATION == Operation.DECRYPT

    def block(self, data: bytes) -> bytes:
        """Return what comes of 8 bytes; raise CxError without a key."""
        if not self.key:
            raise CxError(CxStatus.INTERNAL_ERROR)
        return blocks(self.key, data, decrypt=self.decrypt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call: what to do, and with what; `vector` is None where none is given."""

    key: bytes = field(repr=False)
    mode: int
    vector: bytes | None = None

    @property
    def operation(self) -> int:
        """What it is for."""
        return self.mode & _OPERATION

    @property
    def verifies(self) -> bool:
        """Whether what comes of the data is compared: a stream is none to compare."""
        return self.operation == Operation.VERIFY and self.mode & _CHAIN != Chain.CTR

    def check_room(self, size: int, room: int) -> None:
        """Raise CxError where the output is too small for `size` bytes."""
        if self.operation == Operation.DECRYPT:
            wanted = size
        elif self.operation == Operation.ENCRYPT:
            extra = 0 if self.mode & _PADDING == Padding.NONE else BLOCK_BYTES - 1
            wanted = (size + extra + BLOCK_BYTES - 1) & -BLOCK_BYTES
        else:
            wanted = BLOCK_BYTES
        if room < wanted:
            raise CxError(CxStatus.INVALID_PARAMETER)

    def run(self, data: bytes) -> bytes:
        """Return what comes of data, a MAC's last block for a signature; raise CxError for what cannot be."""
        chain, partial = self.mode & _CHAIN, len(data) % BLOCK_BYTES
        if chain == Chain.CTR:
            if partial and not self.mode & _LAST:
                raise CxError(CxStatus.INVALID_PARAMETER)
            return self._stream(data)
        if chain not in {Chain.ECB, Chain.CBC} or (partial and not self.mode & _LAST):
            raise CxError(CxStatus.INVALID_PARAMETER)
        if self.operation == Operation.DECRYPT:
            return self._unpadded(self._decrypted(data, chained=chain == Chain.CBC))
        if self.operation == Operation.ENCRYPT:
            return self._encrypted(self._padded(data), chained=chain == Chain.CBC)
        if chain != Chain.CBC:
            raise CxError(CxStatus.INVALID_PARAMETER)
        start = self.vector or bytes(BLOCK_BYTES)
        return (start + self._encrypted(self._padded(data), chained=True))[-BLOCK_BYTES:]

    def _encrypted(self, data: bytes, *, chained: bool) -> bytes:
        if not chained:
            return blocks(self.key, data, decrypt=False)
        before, output = self.vector or bytes(BLOCK_BYTES), b""
        for at in range(0, len(data), BLOCK_BYTES):
            before = blocks(self.key, _xor(before, data[at : at + BLOCK_BYTES]), decrypt=False)
            output += before
        return output

    def _decrypted(self, data: bytes, *, chained: bool) -> bytes:
        if len(data) % BLOCK_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER)
        output = blocks(self.key, data, decrypt=True)
        before = (self.vector or bytes(BLOCK_BYTES)) + data[:-BLOCK_BYTES]
        return _xor(output, before) if chained else output

    def _stream(self, data: bytes) -> bytes:
        """Return data under a stream whose counter is the last 32 bits of the vector, big endian."""
        if self.vector is None:
            raise CxError(CxStatus.INVALID_PARAMETER)
        head, counter = self.vector[:4], int.from_bytes(self.vector[4:], "big")
        count = -(-len(data) // BLOCK_BYTES)
        counters = b"".join(head + ((counter + at) % _COUNTER).to_bytes(4, "big") for at in range(count))
        stream = blocks(self.key, counters, decrypt=self.operation == Operation.DECRYPT)
        return _xor(data, stream[: len(data)])

    def _padded(self, data: bytes) -> bytes:
        """Return whole blocks; without a padding, what does not fill one is left out, but one there has to be."""
        kind = self.mode & _PADDING
        if kind == Padding.NONE and len(data) < BLOCK_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER)
        if kind == Padding.NONE:
            return data[: len(data) & -BLOCK_BYTES]
        if kind not in {Padding.ZEROS, Padding.ONE_AND_ZEROS}:
            raise CxError(CxStatus.INVALID_PARAMETER)
        data += b"\x80" if kind == Padding.ONE_AND_ZEROS else b""
        return data + bytes(-len(data) % BLOCK_BYTES)

    def _unpadded(self, data: bytes) -> bytes:
        kind = self.mode & _PADDING
        if kind in {Padding.NONE, Padding.ZEROS}:
            return data
        bare = data.rstrip(b"\0")
        if kind != Padding.ONE_AND_ZEROS or not bare.endswith(b"\x80") or len(data) - len(bare) >= BLOCK_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return bare[:-1]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
