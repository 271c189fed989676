"""SHA-2 and RIPEMD-160 running in an app's memory: blocks chained by a compression function (`lcx_sha256.h`, `lcx_sha512.h`)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from tallystick.crypto import midstate
from tallystick.crypto.hash import ripemd160
from tallystick.device.native.cx_algorithm import MAX_BLOCKS, Md
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["CHAINS", "Chain", "ChainDigest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """SHA-2 or RIPEMD-160: its blocks in bytes, words of 4 or 8 bytes, and how it counts bits at the end."""

    start: tuple[int, ...]
    compress: Callable[[tuple[int, ...], bytes], tuple[int, ...]]
    at_once: Callable[[bytes], bytes]
    output_bytes: int
    word_bytes: int = 4
    count_bytes: int = 8
    big_endian: bool = True
    limited: bool = True

    @property
    def block_bytes(self) -> int:
        """The size of a block: sixteen words."""
        return 16 * self.word_bytes

    @property
    def state(self) -> struct.Struct:
        """How the words of the state lie in a context."""
        return struct.Struct(f"<{len(self.start)}{'I' if self.word_bytes == 4 else 'Q'}")


def _hashlib(name: str) -> Callable[[bytes], bytes]:
    def at_once(data: bytes) -> bytes:
        return hashlib.new(name, data).digest()

    return at_once


CHAINS: Final[Mapping[Md, Chain]] = MappingProxyType(
    {
        Md.RIPEMD160: Chain(
            start=midstate.RIPEMD160_START,
            compress=midstate.ripemd160,
            at_once=ripemd160,
            output_bytes=20,
            big_endian=False,
        ),
        Md.SHA224: Chain(
            start=midstate.SHA224_START,
            compress=midstate.sha256,
            at_once=_hashlib("sha224"),
            output_bytes=28,
            limited=False,
        ),
        Md.SHA256: Chain(
            start=midstate.SHA256_START,
            compress=midstate.sha256,
            at_once=_hashlib("sha256"),
            output_bytes=32,
            limited=False,
        ),
        Md.SHA384: Chain(
            start=midstate.SHA384_START,
            compress=midstate.sha512,
            at_once=_hashlib("sha384"),
            output_bytes=48,
            word_bytes=8,
            count_bytes=16,
        ),
        Md.SHA512: Chain(
            start=midstate.SHA512_START,
            compress=midstate.sha512,
            at_once=_hashlib("sha512"),
            output_bytes=64,
            word_bytes=8,
            count_bytes=16,
        ),
    }
)


@dataclass(slots=True, kw_only=True)
class ChainDigest:
    """A running SHA-2 or RIPEMD-160: header, bytes waiting u32, block, state."""

    md: Md
    state: tuple[int, ...]
    blocks: int = 0
    waiting: bytes = b""
    output_bytes: int = 0
    done: bytes = field(default=b"", repr=False)

    @classmethod
    def start(cls, md: Md) -> ChainDigest:
        """Return a hash of nothing so far."""
        return cls(md=md, state=CHAINS[md].start, output_bytes=CHAINS[md].output_bytes)

    @classmethod
    def from_bytes(cls, md: Md, raw: bytes) -> ChainDigest:
        """Take up a context; see `Digest`."""
        chain = CHAINS[md]
        blocks, size = struct.unpack_from("<4x2I", raw)
        if size >= chain.block_bytes:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return cls(
            md=md,
            state=chain.state.unpack_from(raw, 12 + chain.block_bytes),
            blocks=blocks,
            waiting=raw[12 : 12 + size],
            output_bytes=chain.output_bytes,
        )

    def to_bytes(self, info: int) -> bytes:
        """Return the context; after the end its state is the digest."""
        chain = CHAINS[self.md]
        state = self.done.ljust(chain.state.size, b"\0") if self.done else chain.state.pack(*self.state)
        head = struct.pack("<3I", info, self.blocks, len(self.waiting))
        return head + self.waiting.ljust(chain.block_bytes, b"\0") + state

    def update(self, data: bytes) -> None:
        """Take data; see `Digest`."""
        chain = CHAINS[self.md]
        data = self.waiting + data
        whole = len(data) // chain.block_bytes
        if self.blocks + whole > (MAX_BLOCKS if chain.limited else 0xFFFF_FFFF):
            raise CxError(CxStatus.INVALID_PARAMETER)
        if whole:
            self.state = chain.compress(self.state, data[: whole * chain.block_bytes])
            self.blocks += whole
        self.waiting = data[whole * chain.block_bytes :]

    def final(self) -> bytes:
        """Return the digest; where nothing was compressed yet, by the library at once."""
        chain = CHAINS[self.md]
        if not self.blocks and self.state == chain.start:
            self.done = chain.at_once(self.waiting)
            return self.done
        bits = 8 * (self.blocks * chain.block_bytes + len(self.waiting))
        room = -(len(self.waiting) + 1 + chain.count_bytes) % chain.block_bytes
        order: Literal["big", "little"] = "big" if chain.big_endian else "little"
        count = bits.to_bytes(chain.count_bytes, order)
        words = chain.compress(self.state, self.waiting + b"\x80" + bytes(room) + count)
        self.done = b"".join(word.to_bytes(chain.word_bytes, order) for word in words)
        return self.done[: chain.output_bytes]
