"""RIPEMD-160 in Python, for systems whose OpenSSL 3 leaves it in the legacy provider.

Source: Dobbertin, Bosselaers, Preneel, "RIPEMD-160, a strengthened version of RIPEMD" (1996), appendix A.
"""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF
_BLOCK = struct.Struct("<16I")
_STATE = struct.Struct("<5I")
INITIAL = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)

_LEFT_CONSTANTS = (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_CONSTANTS = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000)

# the permutation rho of the sixteen words of a block, one byte each; pi is i -> 9 i + 5
_RHO = bytes.fromhex("07040d010a060f030c000905020e0b08")
# rotations of the 80 steps in bits, one byte per step, a line of 16 per round
_LEFT_TURNS = bytes.fromhex(
    "0b0e0f0c050807090b0d0e0f06070908"
    "0706080d0b09070f070c0f090b070d0c"
    "0b0d06070e090d0f0e080d06050c0705"
    "0b0c0e0f0e0f0908090e0506080605"
    "0c"
    "090f050b06080d0c050c0d0e0b080506"
)
_RIGHT_TURNS = bytes.fromhex(
    "0809090b0d0f0f050707080b0e0e0c06"
    "090d0f070c08090b07070c07060f0d0b"
    "09070f0b0806060e0c0d050e0d0d0705"
    "0f05080b0e0e060e06090c090c050f08"
    "08050c090c050e06080d06050f0d0b0b"
)


def _orders(first: bytes) -> bytes:
    """Return which word of the block each of the 80 steps takes: `first` in round 0, then rho of the round before."""
    rounds = [first]
    for _ in range(4):
        rounds.append(bytes(_RHO[word] for word in rounds[-1]))
    return b"".join(rounds)


_LEFT_WORDS = _orders(bytes(range(16)))
_RIGHT_WORDS = _orders(bytes((9 * i + 5) % 16 for i in range(16)))


def _mix(round_number: int, x: int, y: int, z: int) -> int:
    """Return the boolean function of a round, 0 to 4, as an integer that may need masking to 32 bits."""
    match round_number:
        case 0:
            return x ^ y ^ z
        case 1:
            return (x & y) | (~x & z)
        case 2:
            return (x | ~y) ^ z
        case 3:
            return (x & z) | (y & ~z)
        case _:
            return x ^ (y | ~z)


def _line(state: tuple[int, ...], words: tuple[int, ...], *, right: bool) -> tuple[int, ...]:
    """Run the 80 steps of the left or the right line over the five 32-bit words of `state`."""
    order, turns = (_RIGHT_WORDS, _RIGHT_TURNS) if right else (_LEFT_WORDS, _LEFT_TURNS)
    constants = _RIGHT_CONSTANTS if right else _LEFT_CONSTANTS
    a, b, c, d, e = state
    for step in range(80):
        number = step // 16
        total = a + _mix(4 - number if right else number, b, c, d) + words[order[step]] + constants[number]
        total &= _MASK
        turn = turns[step]
        total = ((total << turn | total >> (32 - turn)) + e) & _MASK
        a, b, c, d, e = e, total, b, (c << 10 | c >> 22) & _MASK, d
    return a, b, c, d, e


def compress(state: tuple[int, ...], blocks: bytes) -> tuple[int, ...]:
    """Return the five 32-bit words of `state` after whole blocks of 64 bytes."""
    for words in _BLOCK.iter_unpack(blocks):
        left = _line(state, words, right=False)
        right = _line(state, words, right=True)
        # each word of the state takes the left line's next word and the right line's next but one
        state = tuple((state[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & _MASK for i in range(5))
    return state


def digest(data: bytes) -> bytes:
    """Return the 20-byte RIPEMD-160 of `data`."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", 8 * len(data) & (2**64 - 1))
    return _STATE.pack(*compress(INITIAL, padded))
