"""SHA-3, Keccak and SHAKE running in an app's memory (`lcx_sha3.h`)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.crypto import midstate
from tallystick.device.native.cx_algorithm import MAX_BLOCKS, Md
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["SpongeDigest"]

_STATE_LANES: Final = 25
_BUFFER_BYTES: Final = 200
_CAPACITY_SIZES: Final = frozenset((128, 224, 256, 384, 512))
_RATES: Final = frozenset((1600 - 2 * size) // 8 for size in _CAPACITY_SIZES)
_START: Final = (0,) * _STATE_LANES
#: by algorithm, rate and size of the output, for data that lies in one block
_AT_ONCE: Final[Mapping[tuple[Md, int, int], Callable[[bytes], bytes]]] = {
    (Md.SHA3, 144, 28): lambda data: hashlib.sha3_224(data).digest(),
    (Md.SHA3, 136, 32): lambda data: hashlib.sha3_256(data).digest(),
    (Md.SHA3, 104, 48): lambda data: hashlib.sha3_384(data).digest(),
    (Md.SHA3, 72, 64): lambda data: hashlib.sha3_512(data).digest(),
}


@dataclass(slots=True, kw_only=True)
class SpongeDigest:
    """A running SHA-3, Keccak or SHAKE: header, output u32, rate u32, bytes waiting u32, block of 200, padding, 25 lanes."""

    md: Md
    output_bytes: int
    rate: int
    blocks: int = 0
    waiting: bytes = b""
    lanes: tuple[int, ...] = _START

    @classmethod
    def start(cls, md: Md, *, size_bits: int, output_bytes: int) -> SpongeDigest:
        """Return a hash of nothing so far; raise CxError for a size (bits) that is none."""
        if size_bits not in _CAPACITY_SIZES:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return cls(md=md, output_bytes=output_bytes, rate=(1600 - 2 * size_bits) // 8)

    @classmethod
    def from_bytes(cls, md: Md, raw: bytes) -> SpongeDigest:
        """Take up a context; see `Digest`."""
        blocks, output, rate, size = struct.unpack_from("<4x4I", raw)
        if rate not in _RATES or size >= rate:
            raise CxError(CxStatus.INVALID_PARAMETER)
        if md in {Md.SHA3, Md.KECCAK} and output > _BUFFER_BYTES:
            raise CxError(CxStatus.INVALID_PARAMETER)
        lanes = struct.unpack_from(f"<{_STATE_LANES}Q", raw, 224)
        return cls(md=md, output_bytes=output, rate=rate, blocks=blocks, waiting=raw[20 : 20 + size], lanes=lanes)

    def to_bytes(self, info: int) -> bytes:
        """Return the context."""
        head = struct.pack("<5I", info, self.blocks, self.output_bytes, self.rate, len(self.waiting))
        lanes = struct.pack(f"<{_STATE_LANES}Q", *self.lanes)
        return head + self.waiting.ljust(_BUFFER_BYTES, b"\0") + bytes(4) + lanes

    def _absorb(self, block: bytes) -> None:
        words = struct.unpack(f"<{self.rate // 8}Q", block)
        added = (lane ^ word for lane, word in zip(self.lanes, words, strict=False))
        self.lanes = midstate.keccak((*added, *self.lanes[len(words) :]))

    def update(self, data: bytes) -> None:
        """Take data; see `Digest`."""
        data = self.waiting + data
        whole = len(data) // self.rate
        if self.blocks + whole > MAX_BLOCKS:
            raise CxError(CxStatus.INVALID_PARAMETER)
        for at in range(0, whole * self.rate, self.rate):
            self._absorb(data[at : at + self.rate])
        self.blocks += whole
        self.waiting = data[whole * self.rate :]

    def final(self) -> bytes:
        """Return the digest, of the size that was asked for; of one block by the library, and the state stays behind."""
        at_once = None if self.blocks or self.lanes != _START else _AT_ONCE.get((self.md, self.rate, self.output_bytes))
        if at_once is not None:
            return at_once(self.waiting)
        suffix = {Md.KECCAK: 0x01, Md.SHA3: 0x06}.get(self.md, 0x1F)
        last = bytearray((self.waiting + bytes((suffix,))).ljust(self.rate, b"\0"))
        last[-1] |= 0x80
        self._absorb(bytes(last))
        if self.md in {Md.KECCAK, Md.SHA3}:
            return struct.pack(f"<{_STATE_LANES}Q", *self.lanes)[: self.output_bytes]
        output = bytearray()
        while True:
            output += struct.pack(f"<{_STATE_LANES}Q", *self.lanes)[: self.rate]
            if len(output) >= self.output_bytes:
                return bytes(output[: self.output_bytes])
            self.lanes = midstate.keccak(self.lanes)
