"""Hashes that can be stopped and gone on with: their state is a plain value, which standard libraries never show.

Native apps keep a running hash in their own memory, copy it and look into it, so its state must be the algorithm's own. Who
has all data at hand takes `tallystick.crypto.hash`, which is many times faster. States are tuples of words, blocks are bytes
of a whole number of blocks; nothing here pads, counts or raises.

Sources: FIPS 180-4 (SHA-2), RFC 7693 (BLAKE2b), FIPS 202 (Keccak-f), and the paper of RIPEMD-160.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import isqrt
from typing import Final

from tallystick.crypto import _keccak, _ripemd160

__all__ = [
    "BLAKE2B_START",
    "RIPEMD160_START",
    "SHA224_START",
    "SHA256_START",
    "SHA384_START",
    "SHA512_START",
    "blake2b",
    "keccak",
    "ripemd160",
    "sha256",
    "sha512",
]

Words = tuple[int, ...]
_MASK64: Final = (1 << 64) - 1
_ROUNDS: Final = 80


def _primes(count: int) -> Words:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return tuple(found)


def _cube_root(value: int) -> int:
    """Return the largest integer whose cube is not above `value`, by Newton's method from above."""
    root = 1 << -(-value.bit_length() // 3)
    while (better := (2 * root + value // root**2) // 3) < root:
        root = better
    return root


# FIPS 180-4, 4.2 and 5.3: the first bits behind the point of square and cube roots of the first primes
_PRIMES: Final = _primes(_ROUNDS)
_SQUARES: Final = tuple(isqrt(prime << 128) & _MASK64 for prime in _PRIMES[:16])
_CUBES: Final = tuple(_cube_root(prime << 192) & _MASK64 for prime in _PRIMES)

SHA512_START: Final[Words] = _SQUARES[:8]
SHA384_START: Final[Words] = _SQUARES[8:]
SHA256_START: Final[Words] = tuple(word >> 32 for word in SHA512_START)
SHA224_START: Final[Words] = tuple(word & 0xFFFF_FFFF for word in SHA384_START)
RIPEMD160_START: Final[Words] = _ripemd160.INITIAL
#: before the parameter block is added (RFC 7693, 2.6)
BLAKE2B_START: Final[Words] = SHA512_START


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sha2:
    """One size of SHA-2: bits of a word, and by how many bits the four functions turn; the last of a small one shifts."""

    bits: int
    small0: tuple[int, int, int]
    small1: tuple[int, int, int]
    large0: tuple[int, int, int]
    large1: tuple[int, int, int]
    constants: Words
    block: struct.Struct


_SHA256: Final = _Sha2(
    bits=32,
    small0=(7, 18, 3),
    small1=(17, 19, 10),
    large0=(2, 13, 22),
    large1=(6, 11, 25),
    constants=tuple(word >> 32 for word in _CUBES[:64]),
    block=struct.Struct(">16I"),
)
_SHA512: Final = _Sha2(
    bits=64,
    small0=(1, 8, 7),
    small1=(19, 61, 6),
    large0=(28, 34, 39),
    large1=(14, 18, 41),
    constants=_CUBES,
    block=struct.Struct(">16Q"),
)


def _schedule(words: Words, size: _Sha2) -> list[int]:
    bits, mask = size.bits, (1 << size.bits) - 1
    (a, b, c), (d, e, f) = size.small0, size.small1
    schedule = list(words)
    for step in range(16, len(size.constants)):
        x, y = schedule[step - 15], schedule[step - 2]
        # a word beside itself turns by being shifted; what stands above it is lost with the mask
        xx, yy = x | x << bits, y | y << bits
        total = schedule[step - 16] + schedule[step - 7] + (xx >> a ^ xx >> b ^ x >> c) + (yy >> d ^ yy >> e ^ y >> f)
        schedule.append(total & mask)
    return schedule


def _sha2(state: Words, blocks: bytes, size: _Sha2) -> Words:
    bits, mask = size.bits, (1 << size.bits) - 1
    (m, n, o), (p, q, r) = size.large0, size.large1
    for words in size.block.iter_unpack(blocks):
        a, b, c, d, e, f, g, h = state
        for constant, word in zip(size.constants, _schedule(words, size), strict=True):
            ee, aa = e | e << bits, a | a << bits
            first = h + (ee >> p ^ ee >> q ^ ee >> r) + (g ^ (e & (f ^ g))) + constant + word
            second = (aa >> m ^ aa >> n ^ aa >> o) + ((a & b) | (c & (a | b)))
            a, b, c, d, e, f, g, h = (first + second) & mask, a, b, c, (d + first) & mask, e, f, g
        state = tuple((x + y) & mask for x, y in zip(state, (a, b, c, d, e, f, g, h), strict=True))
    return state


def sha256(state: Words, blocks: bytes) -> Words:
    """Return eight words of 32 bits after blocks of 64 bytes, for SHA-224 and SHA-256."""
    return _sha2(state, blocks, _SHA256)


def sha512(state: Words, blocks: bytes) -> Words:
    """Return eight words of 64 bits after blocks of 128 bytes, for SHA-384 and SHA-512."""
    return _sha2(state, blocks, _SHA512)


def ripemd160(state: Words, blocks: bytes) -> Words:
    """Return five words of 32 bits after blocks of 64 bytes."""
    return _ripemd160.compress(state, blocks)


def keccak(lanes: Words) -> Words:
    """Return 25 words of 64 bits after one permutation; the caller adds the block to the first of them."""
    return tuple(_keccak.permute(list(lanes)))


# RFC 7693, 2.7
_SIGMA: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_MIXED: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
_BLAKE_BLOCK: Final = struct.Struct("<16Q")
_BLAKE_ROUNDS: Final = 12


def blake2b(state: Words, block: bytes, *, counter: int, last: bool) -> Words:
    """Return eight words of 64 bits after one block of 128 bytes; `counter` is in bytes, this block included."""
    mask = _MASK64
    words = _BLAKE_BLOCK.unpack(block)
    v = [*state, *BLAKE2B_START]
    v[12] ^= counter & mask
    v[13] ^= counter >> 64 & mask
    v[14] ^= mask if last else 0
    for number in range(_BLAKE_ROUNDS):
        order = iter(_SIGMA[number % 10])
        for i, j, k, m in _MIXED:
            a, b, c, d = v[i], v[j], v[k], v[m]
            a = (a + b + words[next(order)]) & mask
            d ^= a
            d = (d >> 32 | d << 32) & mask
            c = (c + d) & mask
            b ^= c
            b = (b >> 24 | b << 40) & mask
            a = (a + b + words[next(order)]) & mask
            d ^= a
            d = (d >> 16 | d << 48) & mask
            c = (c + d) & mask
            b ^= c
            v[i], v[j], v[k], v[m] = a, (b >> 63 | b << 1) & mask, c, d
    return tuple(state[i] ^ v[i] ^ v[i + 8] for i in range(8))
