"""Groestl running in an app's memory (`lcx_groestl.h`): firmware 1.x and 2.x alone have it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from tallystick.crypto import groestl
from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["CONTEXT_BYTES", "GroestlDigest"]

_ROWS, _MOST_COLUMNS = 8, 16
#: header and output; after the rows of the state: blocks done, output, the block, bytes waiting, columns, rounds, bytes of a state
_HEAD: Final = struct.Struct("<4I")
_TAIL: Final = struct.Struct("<QI128s4I4x")
_ROUNDS: Final = {8: 10, 16: 14}
CONTEXT_BYTES: Final = _HEAD.size + _ROWS * _MOST_COLUMNS + _TAIL.size
#: a message of more blocks than 64 bits count does not fit any app's time
_MOST_BLOCKS: Final = 1 << 32


@dataclass(slots=True, kw_only=True)
class GroestlDigest:
    """A running Groestl; the state lies row by row, each of 16 bytes of which a short digest uses 8."""

    output_bytes: int
    state: groestl.State
    blocks: int = 0
    waiting: bytes = b""
    shown: bytes = field(default=b"", repr=False)

    @classmethod
    def start(cls, *, size_bits: int) -> GroestlDigest:
        """Return a hash of nothing so far; raise CxError for a size (bits) that is none."""
        if size_bits not in groestl.SIZES:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return cls(output_bytes=size_bits // 8, state=groestl.start(size_bits))

    @classmethod
    def from_bytes(cls, _md: Md, raw: bytes) -> GroestlDigest:
        """Take up a context; see `Digest`."""
        _info, _counter, output, _padding = _HEAD.unpack_from(raw)
        rows = raw[_HEAD.size : _HEAD.size + _ROWS * _MOST_COLUMNS]
        blocks, size, block, waiting, columns, rounds, whole = _TAIL.unpack_from(raw, _HEAD.size + len(rows))
        if 8 * output not in groestl.SIZES or size != output or blocks >= _MOST_BLOCKS:
            raise CxError(CxStatus.INVALID_PARAMETER)
        wanted = len(groestl.start(8 * output))
        if (columns, rounds, whole) != (wanted, _ROUNDS[wanted], _ROWS * wanted) or waiting >= whole:
            raise CxError(CxStatus.INVALID_PARAMETER)
        state = tuple(int.from_bytes(rows[at::_MOST_COLUMNS], "big") for at in range(columns))
        return cls(output_bytes=output, state=state, blocks=blocks, waiting=block[:waiting])

    def to_bytes(self, info: int) -> bytes:
        """Return the context; after the end its state is zeros, and of the last block its first byte is there."""
        columns = len(self.state)
        by_column = struct.pack(f">{columns}Q", *self.state)
        rows = b"".join(by_column[row::_ROWS].ljust(_MOST_COLUMNS, b"\0") for row in range(_ROWS))
        if self.shown:
            rows = bytes(len(rows))
        tail = (self.blocks, self.output_bytes, self.waiting, len(self.waiting), columns, _ROUNDS[columns])
        return _HEAD.pack(info, 0, self.output_bytes, 0) + rows + _TAIL.pack(*tail, _ROWS * columns)

    def update(self, data: bytes) -> None:
        """Take data of any length."""
        size = _ROWS * len(self.state)
        data = self.waiting + data
        whole = len(data) - len(data) % size
        for at in range(0, whole, size):
            self.state = groestl.compress(self.state, data[at : at + size])
        self.blocks += whole // size
        self.waiting = data[whole:]

    def final(self) -> bytes:
        """Return the digest."""
        size = _ROWS * len(self.state)
        fill = -(len(self.waiting) + 9) % size
        blocks = self.blocks + (len(self.waiting) + 9 + fill) // size
        message = self.waiting + b"\x80" + bytes(fill) + blocks.to_bytes(8, "big")
        self.update(message[len(self.waiting) :])
        self.shown = groestl.finish(self.state)[-self.output_bytes :]
        self.blocks, self.waiting = 1, message[-size:][:1].ljust(size - 8, b"\0")
        return self.shown
