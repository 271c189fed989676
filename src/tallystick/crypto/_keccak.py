"""Keccak-f[1600] and the sponge of rate 1088 over it, for the padding that no standard library offers.

Source: FIPS 202, sections 3 to 5; the original padding byte 01 (Ethereum) is from the Keccak submission, version 3.
"""

from __future__ import annotations

import struct

RATE_BYTES = 136
KECCAK_SUFFIX = 0x01
SHA3_SUFFIX = 0x06

_MASK = (1 << 64) - 1
_BLOCK = struct.Struct("<17Q")
_DIGEST = struct.Struct("<4Q")


def _round_constants() -> tuple[int, ...]:
    """Run the linear feedback register of FIPS 202, algorithms 5 and 6, over the 24 rounds."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


def _moves() -> tuple[tuple[int, int, int], ...]:
    """Return rho and pi as one table: for each place in the new state, the old lane and its rotation in bits."""
    moves = [(0, 0, 0)] * 25
    x, y, offset = 1, 0, 0
    for step in range(24):
        offset = (offset + step + 1) % 64
        moves[y + 5 * ((2 * x + 3 * y) % 5)] = (x + 5 * y, offset, 64 - offset)
        x, y = y, (2 * x + 3 * y) % 5
    moves[0] = (0, 0, 64)
    return tuple(moves)


_CONSTANTS = _round_constants()
_MOVES = _moves()


def permute(lanes: list[int]) -> list[int]:
    """Apply Keccak-f[1600] to 25 lanes of 64 bits, lane x,y at x + 5 y."""
    mask, moves = _MASK, _MOVES
    for constant in _CONSTANTS:
        rows = zip(lanes[:5], lanes[5:10], lanes[10:15], lanes[15:20], lanes[20:], strict=True)
        a, b, c, d, e = [f ^ g ^ h ^ i ^ j for f, g, h, i, j in rows]
        theta = (
            e ^ ((b << 1 | b >> 63) & mask),
            a ^ ((c << 1 | c >> 63) & mask),
            b ^ ((d << 1 | d >> 63) & mask),
            c ^ ((e << 1 | e >> 63) & mask),
            d ^ ((a << 1 | a >> 63) & mask),
        ) * 5
        moved = [
            ((lane := lanes[source] ^ theta[source]) << left | lane >> right) & mask for source, left, right in moves
        ]
        lanes = []
        for y in (0, 5, 10, 15, 20):
            a, b, c, d, e = moved[y : y + 5]
            lanes += (a ^ (c & ~b), b ^ (d & ~c), c ^ (e & ~d), d ^ (a & ~e), e ^ (b & ~a))
        lanes[0] ^= constant
    return lanes


def digest256(data: bytes, *, suffix: int) -> bytes:
    """Return the 32-byte digest of `data`; `suffix` is the padding's first byte, which names the variant."""
    padded = bytearray(data)
    padded.append(suffix)
    padded.extend(bytes(-len(padded) % RATE_BYTES))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for block in _BLOCK.iter_unpack(padded):
        for place, lane in enumerate(block):
            lanes[place] ^= lane
        lanes = permute(lanes)
    return _DIGEST.pack(*lanes[:4])
