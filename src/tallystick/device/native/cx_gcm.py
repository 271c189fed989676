"""AES-GCM (NIST SP 800-38D) that goes on in an app's memory (`lcx_aes_gcm.h`).

Layout (116 bytes, little endian): key 36; bytes of text u32 and of additional data u32; first block enciphered 16; counter
16; state 16; hash key 16; mode u32; whether it began u8. As in the SDK every piece of text or data is filled up to a block.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, Self

from tallystick.crypto import aes
from tallystick.device.native.cx_cipher import Operation
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["GCM_BYTES", "Gcm"]

_LAYOUT: Final = struct.Struct("<36s2I16s16s16s16sIB3x")
GCM_BYTES: Final = _LAYOUT.size
_BLOCK: Final = aes.BLOCK_BYTES
_SHORT_VECTOR: Final = 12
_MASK: Final = 0xFFFF_FFFF
#: x^128 + x^7 + x^2 + x + 1, the lowest power in the highest bit
_POLYNOMIAL: Final = 0xE1 << 120


def _multiples(key: int) -> tuple[int, ...]:
    """Return the 128 products of the hash key with a power of x, lowest power first."""
    found = []
    for _ in range(8 * _BLOCK):
        found.append(key)
        key = key >> 1 ^ (_POLYNOMIAL if key & 1 else 0)
    return tuple(found)


def _ghash(key: bytes, state: bytes, data: bytes) -> bytes:
    """Return the state after data, filled up with zeros to whole blocks (SP 800-38D, 6.4)."""
    if not data:
        return state
    multiples = _multiples(int.from_bytes(key, "big"))
    value = int.from_bytes(state, "big")
    for at in range(0, len(data), _BLOCK):
        value ^= int.from_bytes(data[at : at + _BLOCK].ljust(_BLOCK, b"\0"), "big")
        bits, value = f"{value:0128b}", 0
        for bit, multiple in zip(bits, multiples, strict=True):
            if bit == "1":
                value ^= multiple
    return value.to_bytes(_BLOCK, "big")


@dataclass(slots=True, kw_only=True)
class Gcm:
    """A context; `raw_key` is how the key lies in it, `mode` an `Operation`, `began` 1 once there was a vector."""

    raw_key: bytes = field(repr=False)
    key: bytes = field(repr=False)
    text_bytes: int
    data_bytes: int
    first: bytes
    counter: bytes
    state: bytes
    hash_key: bytes = field(repr=False)
    mode: int
    began: int
    #: bytes that went through
    worked: int = 0

    @classmethod
    def from_bytes(cls, raw: bytes, *, key: bytes) -> Self:
        """Take up a context of `GCM_BYTES`, whose key is `key`."""
        raw_key, text, data, first, counter, state, hash_key, mode, began = _LAYOUT.unpack(raw)
        return cls(
            raw_key=raw_key,
            key=key,
            text_bytes=text,
            data_bytes=data,
            first=first,
            counter=counter,
            state=state,
            hash_key=hash_key,
            mode=mode,
            began=began,
        )

    def to_bytes(self) -> bytes:
        """Return the context."""
        counts = (self.text_bytes, self.data_bytes)
        blocks = (self.first, self.counter, self.state, self.hash_key)
        return _LAYOUT.pack(self.raw_key, *counts, *blocks, self.mode, self.began)

    def start(self, mode: int, vector: bytes) -> None:
        """Take the initialization vector, once."""
        self.mode = mode
        if self.began:
            return
        self.hash_key = aes.ecb(self.key, bytes(_BLOCK))
        if len(vector) == _SHORT_VECTOR:
            self.counter = vector + b"\0\0\0\1"
        else:
            length = (8 * len(vector) & _MASK).to_bytes(_BLOCK, "big")
            self.counter = _ghash(self.hash_key, _ghash(self.hash_key, bytes(_BLOCK), vector), length)
        self.first = aes.ecb(self.key, self.counter)
        self.began = 1

    def add(self, data: bytes) -> None:
        """Take additional data."""
        self.worked += len(data)
        self.data_bytes = self.data_bytes + len(data) & _MASK
        self.state = _ghash(self.hash_key, self.state, data)

    def update(self, data: bytes) -> bytes:
        """Return a piece of text enciphered or deciphered; raise CxError."""
        if self.mode not in {Operation.ENCRYPT, Operation.DECRYPT}:
            raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
        blocks = -(-len(data) // _BLOCK)
        head, count = self.counter[:12], int.from_bytes(self.counter[12:], "big")
        counters = [head + (count + 1 + at & _MASK).to_bytes(4, "big") for at in range(blocks)]
        stream = aes.ecb(self.key, b"".join(counters))
        self.counter = counters[-1] if counters else self.counter
        output = bytes(one ^ other for one, other in zip(data, stream, strict=False))
        self.worked += len(data)
        self.text_bytes = self.text_bytes + len(data) & _MASK
        self.state = _ghash(self.hash_key, self.state, output if self.mode == Operation.ENCRYPT else data)
        return output

    def finish(self) -> bytes:
        """Return the tag of 16 bytes."""
        self.counter = b"".join((8 * size & _MASK).to_bytes(8, "big") for size in (self.data_bytes, self.text_bytes))
        self.state = _ghash(self.hash_key, self.state, self.counter)
        return bytes(one ^ other for one, other in zip(self.first, self.state, strict=True))
