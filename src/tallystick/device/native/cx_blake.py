"""BLAKE2b running in an app's memory (`lcx_blake2.h`, RFC 7693)."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from tallystick.crypto import midstate
from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["Blake2bDigest"]


def _state(output_bytes: int, salt: bytes, person: bytes) -> tuple[int, ...]:
    """Return the eight words that a hash begins with (RFC 7693, 2.5 and 2.6)."""
    parameters = bytes((output_bytes, 0, 1, 1)) + bytes(28) + salt.ljust(16, b"\0") + person.ljust(16, b"\0")
    words = struct.unpack("<8Q", parameters)
    return tuple(start ^ word for start, word in zip(midstate.BLAKE2B_START, words, strict=True))


@dataclass(slots=True, kw_only=True)
class Blake2bDigest:
    """A running BLAKE2b: header, output u32, padding, state 8 u64, bytes done 2 u64, flags 2 u64, block, waiting u32, output u32.

    One byte more says a thing that is always zero; the struct ends at a multiple of eight.
    """

    output_bytes: int
    state: tuple[int, ...]
    counter: int = 0
    ended: bool = False
    waiting: bytes = b""
    shown: bytes = field(default=b"", repr=False)

    @classmethod
    def start(cls, *, output_bytes: int, salt: bytes = b"", person: bytes = b"") -> Blake2bDigest:
        """Return a hash of nothing so far (RFC 7693, 2.5), salt and personalization of up to 16 bytes."""
        return cls(output_bytes=output_bytes, state=_state(output_bytes, salt, person))

    @classmethod
    def from_bytes(cls, _md: Md, raw: bytes) -> Blake2bDigest:
        """Take up a context; see `Digest`."""
        low, high, flag = struct.unpack_from("<3Q", raw, 80)
        size, output = struct.unpack_from("<2I", raw, 240)
        if size > 128 or not 1 <= output <= 64:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return cls(
            output_bytes=output,
            state=struct.unpack_from("<8Q", raw, 16),
            counter=low | high << 64,
            ended=bool(flag),
            waiting=raw[112 : 112 + size],
            shown=raw[112:240] if flag else b"",
        )

    def to_bytes(self, info: int) -> bytes:
        """Return the context; after the end its block begins with the digest."""
        mask = (1 << 64) - 1
        head = struct.pack("<4I", info, 0, self.output_bytes, 0) + struct.pack("<8Q", *self.state)
        flag = mask if self.ended else 0
        counters = struct.pack("<4Q", self.counter & mask, self.counter >> 64 & mask, flag, 0)
        block = (self.shown or self.waiting).ljust(128, b"\0")
        return head + counters + block + struct.pack("<2I", len(self.waiting), self.output_bytes) + bytes(8)

    def update(self, data: bytes) -> None:
        """Take data; the last block waits, for it is hashed in another way."""
        if not data:
            return
        self.shown = b""
        data = self.waiting + data
        at = 0
        while len(data) - at > 128:
            self.counter += 128
            self.state = midstate.blake2b(self.state, data[at : at + 128], counter=self.counter, last=False)
            at += 128
        self.waiting = data[at:]

    def final(self) -> bytes:
        """Return the digest, or nothing when that was done: the SDK's function leaves the place for it as it is then."""
        if self.ended:
            return b""
        self.counter += len(self.waiting)
        block = self.waiting.ljust(128, b"\0")
        if self.counter == len(self.waiting) and self.state == _state(self.output_bytes, b"", b""):
            self.ended = True
            self.shown = hashlib.blake2b(self.waiting, digest_size=self.output_bytes).digest()
            return self.shown
        self.state = midstate.blake2b(self.state, block, counter=self.counter, last=True)
        self.ended = True
        self.shown = struct.pack("<8Q", *self.state)[: self.output_bytes]
        return self.shown
