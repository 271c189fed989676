"""Groestl, a finalist of the competition for SHA-3: 224 to 512 bits. Source: "Groestl – a SHA-3 candidate", version of 2 March 2011.

A state is its columns, each a number of 64 bits whose highest byte is the top row: 8 of them for up to 256 bits, else 16.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

from tallystick.errors import UsageError

__all__ = ["SIZES", "compress", "finish", "groestl", "start"]

#: digests in bits
SIZES: Final = (224, 256, 384, 512)
_SHORT_BITS: Final = 256
_ROWS: Final = 8
_ROUNDS: Final = {8: 10, 16: 14}
#: how far each row goes to the left, by columns: in P, and in Q
_SHIFTS: Final = {
    8: ((0, 1, 2, 3, 4, 5, 6, 7), (1, 3, 5, 7, 0, 2, 4, 6)),
    16: ((0, 1, 2, 3, 4, 5, 6, 11), (1, 3, 5, 11, 0, 2, 4, 6)),
}
#: the first row of the matrix that mixes a column
_MIX: Final = (2, 2, 3, 4, 5, 3, 5, 7)
_ONES: Final = (1 << 64) - 1

State = tuple[int, ...]


def start(bits: int) -> State:
    """Return the state that a digest of `bits` begins with; raise UsageError for a size that is none."""
    if bits not in SIZES:
        raise UsageError(f"Groestl of {bits} bits: 224, 256, 384 and 512 are possible")
    columns = 8 if bits <= _SHORT_BITS else 16
    return (0,) * (columns - 1) + (bits,)


def compress(state: State, block: bytes) -> State:
    """Return the state after one more block of 64 or 128 bytes, as many as the state has."""
    message = struct.unpack(f">{len(state)}Q", block)
    mixed = _permute(tuple(one ^ other for one, other in zip(state, message, strict=True)), which=0)
    other = _permute(message, which=1)
    return tuple(a ^ b ^ c for a, b, c in zip(state, mixed, other, strict=True))


def finish(state: State) -> bytes:
    """Return what the digest is the end of: as many bytes as the state has."""
    return struct.pack(
        f">{len(state)}Q", *(one ^ other for one, other in zip(state, _permute(state, which=0), strict=True))
    )


def groestl(data: bytes, bits: int) -> bytes:
    """Return the digest of `data`; raise UsageError for a size that is none."""
    state = start(bits)
    size = 8 * len(state)
    blocks = (len(data) + 9 + size - 1) // size
    data += b"\x80" + bytes(blocks * size - len(data) - 9) + struct.pack(">Q", blocks)
    for at in range(0, len(data), size):
        state = compress(state, data[at : at + size])
    return finish(state)[-bits // 8 :]


def _double(value: int) -> int:
    """Multiply by x in the field of AES."""
    return value << 1 ^ (0x11B if value & 0x80 else 0)


def _times(value: int, factor: int) -> int:
    total = 0
    while factor:
        if factor & 1:
            total ^= value
        value, factor = _double(value), factor >> 1
    return total


@cache
def _substitution() -> tuple[int, ...]:
    """Return the substitution of AES (FIPS 197, 5.1.1)."""
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] ^ _double(powers[-1]))
    boxes = []
    for value in range(256):
        inverse = powers[-powers.index(value) % 255] if value else 0
        turned = inverse * 0x101
        boxes.append((inverse ^ turned >> 7 ^ turned >> 6 ^ turned >> 5 ^ turned >> 4) & 0xFF ^ 0x63)
    return tuple(boxes)


@cache
def _tables() -> tuple[tuple[int, ...], ...]:
    """Return for each row what a byte there adds to its column, substituted and mixed."""
    tables = []
    for row in range(_ROWS):
        factors = [_MIX[(row - to) % _ROWS] for to in range(_ROWS)]
        tables.append(
            tuple(int.from_bytes(bytes(_times(box, factor) for factor in factors), "big") for box in _substitution())
        )
    return tuple(tables)


@cache
def _plan(columns: int, which: int) -> tuple[tuple[tuple[tuple[int, ...], int, int], ...], ...]:
    """Return for each column where its bytes come from: the row's table, the column, and how far to shift that."""
    rows = list(zip(range(_ROWS), _tables(), _SHIFTS[columns][which], strict=True))
    return tuple(
        tuple((table, (column + shift) % columns, 56 - 8 * row) for row, table, shift in rows)
        for column in range(columns)
    )


def _permute(state: State, *, which: int) -> State:
    """Return P (0) or Q (1) of a state."""
    columns = len(state)
    plan = _plan(columns, which)
    for number in range(_ROUNDS[columns]):
        if which:
            state = tuple(word ^ _ONES ^ (column << 4 ^ number) for column, word in enumerate(state))
        else:
            state = tuple(word ^ (column << 4 ^ number) << 56 for column, word in enumerate(state))
        following = []
        for parts in plan:
            total = 0
            for table, column, shift in parts:
                total ^= table[state[column] >> shift & 0xFF]
            following.append(total)
        state = tuple(following)
    return state
