"""A running cipher in an app's memory, `cx_cipher_context_t`: AES in ECB, CBC or CTR, with the paddings of ISO 9797-1.

Layout (88 bytes, words little endian): description, key bits, operation, two padding functions; 16 bytes waiting and how
many; initialization vector 16 and its size; mode; last block 16; address of the key; address of the CMAC under way. What the
chip would keep of a chain is kept as the last block, so that a context may be copied. The SDK's own answers are given even
where they are odd, since apps count on them: a block that was completed is not counted as output.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Final

from tallystick.crypto import aes
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["CIPHER_BYTES", "Chain", "CipherContext", "Operation", "Padding"]

_LAYOUT: Final = struct.Struct("<5I16sI16sII16sII")
#: size of a context
CIPHER_BYTES: Final = _LAYOUT.size
_BLOCK: Final = aes.BLOCK_BYTES
#: the least room for a MAC that the SDK asks for
_MAC_ROOM: Final = 8


@unique
class Operation(IntEnum):
    """What a cipher is for, in its mode."""

    DECRYPT = 0
    VERIFY = 2
    ENCRYPT = 4
    SIGN = 6


@unique
class Chain(IntEnum):
    """How blocks hang together, in a mode."""

    ECB = 0
    CBC = 1 << 6
    CTR = 2 << 6


@unique
class Padding(IntEnum):
    """What fills the last block, in a mode: nothing, zeros, or a one and zeros."""

    NONE = 0
    ZEROS = 1 << 3
    ONE_AND_ZEROS = 2 << 3


def _aligned(size: int) -> int:
    return (size + 7) & ~7


@dataclass(slots=True, kw_only=True)
class CipherContext:
    """A cipher and what it has under way; `key` is read from where `key_at` points, by who holds the memory."""

    info: int = 0
    key_bits: int = 0
    operation: int = 0
    add_padding: int = 0
    get_padding: int = 0
    data: bytearray = field(default_factory=lambda: bytearray(_BLOCK))
    waiting: int = 0
    start: bytes = bytes(_BLOCK)
    start_bytes: int = 0
    mode: int = 0
    last: bytes = bytes(_BLOCK)
    key_at: int = 0
    cmac_at: int = 0
    key: bytes = field(default=b"", repr=False)
    #: the last block that went through, which a vector is not: of no data, the MAC is zeros
    mac: bytes = bytes(_BLOCK)
    #: the padding that `add_padding` and `get_padding` stand for; None where none was ever set
    padding: Padding | None = None

    @classmethod
    def from_bytes(cls, raw: bytes) -> CipherContext:
        """Take up a context; raise CxError where it cannot be one."""
        info, bits, operation, add, get, data, waiting, start, size, mode, last, key, cmac = _LAYOUT.unpack(raw)
        if waiting > _BLOCK:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return cls(
            info=info,
            key_bits=bits,
            operation=operation,
            add_padding=add,
            get_padding=get,
            data=bytearray(data),
            waiting=waiting,
            start=start,
            start_bytes=size,
            mode=mode,
            last=last,
            key_at=key,
            cmac_at=cmac,
        )

    def to_bytes(self) -> bytes:
        """Return the context."""
        head = (self.info, self.key_bits, self.operation, self.add_padding, self.get_padding)
        tail = (self.start_bytes, self.mode, self.last, self.key_at, self.cmac_at)
        return _LAYOUT.pack(*head, bytes(self.data), self.waiting, self.start, *tail)

    def set_start(self, vector: bytes) -> None:
        """Begin a chain or a stream with this vector of 16 bytes, or with the one that is there; raise CxError."""
        if self.mode == Chain.ECB:
            return
        if len(vector) not in {0, _BLOCK}:
            raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
        self.start = vector or self.start
        self.start_bytes = len(vector)
        if self.mode == Chain.CBC:
            self.last = self.start

    def check_room(self, size: int, room: int) -> None:
        """Raise CxError where the SDK finds the output too small for `size` bytes."""
        if self.mode == Chain.CTR or self.operation == Operation.DECRYPT:
            wanted = size
        elif self.operation == Operation.ENCRYPT:
            wanted = _aligned(size) if not self.add_padding else _aligned(size + 7)
        else:
            wanted = _MAC_ROOM
        if room < wanted:
            raise CxError(CxStatus.INVALID_PARAMETER)

    def update(self, data: bytes) -> tuple[bytes, int]:
        """Take data; return what comes out, and what the SDK says of its length. Raise CxError."""
        if self.mode == Chain.CTR:
            return self._stream(data), len(data)
        if self.mode not in {Chain.ECB, Chain.CBC}:
            raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
        if len(data) + self.waiting < _BLOCK:
            self.data[self.waiting : self.waiting + len(data)] = data
            self.waiting += len(data)
            return b"", 0
        output = b""
        if self.waiting:
            missing = _BLOCK - self.waiting
            self.data[self.waiting :] = data[:missing]
            output = self._blocks(bytes(self.data))
            self.waiting = 0
            data = data[missing:]
        rest = len(data) % _BLOCK
        if data and not rest and self.operation == Operation.DECRYPT and self.add_padding:
            rest = _BLOCK
        whole = len(data) - rest
        self.data[:rest] = data[whole:]
        self.waiting = rest
        return output + self._blocks(data[:whole]), whole

    def finish(self) -> tuple[bytes, int | None]:
        """Return what is left, and its length without padding, None where that is wrong; raise CxError."""
        if self.mode == Chain.CTR:
            return b"", 0
        if self.mode not in {Chain.ECB, Chain.CBC}:
            raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
        if self.operation != Operation.DECRYPT:
            if not self.add_padding:
                if self.waiting:
                    raise CxError(CxStatus.INTERNAL_ERROR)
                return b"", 0
            if self.padding is Padding.ZEROS and not self.waiting:
                return b"", 0
            filled = bytes(self.data[: self.waiting])
            filled += b"\x80" if self.padding is Padding.ONE_AND_ZEROS else b""
            self.data[:] = filled[:_BLOCK].ljust(_BLOCK, b"\0")
        if self.padding is not Padding.NONE:
            self.waiting = _BLOCK
        output = self._blocks(bytes(self.data[: self.waiting]))
        if self.operation == Operation.DECRYPT and self.padding is Padding.ONE_AND_ZEROS:
            bare = output.rstrip(b"\0")
            return output, len(bare) - 1 if bare.endswith(b"\x80") else None
        return output, self.waiting

    def _blocks(self, data: bytes) -> bytes:
        """Return whole blocks through the cipher; a MAC shows none of them."""
        if len(data) % _BLOCK:
            raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
        self._check_key()
        decrypt = self.operation == Operation.DECRYPT
        if self.mode == Chain.ECB:
            if data and self.operation not in {Operation.ENCRYPT, Operation.DECRYPT}:
                raise CxError(CxStatus.INVALID_PARAMETER_VALUE)
            return aes.ecb(self.key, data, decrypt=decrypt)
        if not data:
            return b""
        output = aes.cbc(self.key, data, start=self.last, decrypt=decrypt)
        self.last = self.mac = (data if decrypt else output)[-_BLOCK:]
        return output if self.operation in {Operation.ENCRYPT, Operation.DECRYPT} else b""

    def _check_key(self) -> None:
        if len(self.key) not in aes.KEY_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER)

    def _stream(self, data: bytes) -> bytes:
        """Return data under the stream; what is left of its last block waits, `waiting` bytes of it used."""
        self._check_key()
        used = self.waiting & (_BLOCK - 1)
        head = bytes(self.data[used:]) if used else b""
        blocks = max(0, -(-(len(data) - len(head)) // _BLOCK))
        counter = int.from_bytes(self.start, "big")
        modulus = 1 << 8 * _BLOCK
        counters = b"".join(((counter + at) % modulus).to_bytes(_BLOCK, "big") for at in range(blocks))
        stream = aes.ecb(self.key, counters, decrypt=self.operation == Operation.DECRYPT)
        if blocks:
            self.start = ((counter + blocks) % modulus).to_bytes(_BLOCK, "big")
            self.data[:] = stream[-_BLOCK:]
        self.waiting = (used + len(data)) % _BLOCK
        return bytes(one ^ other for one, other in zip(data, head + stream, strict=False))
