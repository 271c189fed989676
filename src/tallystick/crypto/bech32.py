"""Bech32 (BIP-173) and Bech32m (BIP-350): text with a human-readable part and a checksum. Apps may import this module.

A text is `hrp 1 data checksum`: an hrp of 1 to 83 characters from 33 to 126, the last `1` as separator, data of 5-bit
values, six values of checksum. Texts are at most 90 characters unless the caller allows more; they are written in lower
case and read in either case but not in both. All refusals are UsageError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, unique
from functools import reduce
from operator import xor

from tallystick.errors import UsageError

MAX_LENGTH = 90
MAX_HRP_LENGTH = 83
CHECKSUM_LENGTH = 6

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
#: for each value of the top five bits, the terms of the generator that they select, added up
_TERMS = tuple(reduce(xor, (term for bit, term in enumerate(_GENERATOR) if top >> bit & 1), 0) for top in range(1 << 5))


@unique
class Encoding(IntEnum):
    """The constant that a valid checksum leaves, which tells the two encodings apart."""

    BECH32 = 1
    BECH32M = 0x2BC830A3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A text taken apart: the hrp in lower case, the data as 5-bit values (one per byte), and its encoding."""

    hrp: str
    data: bytes
    encoding: Encoding


def _polymod(values: Iterable[int]) -> int:
    """Return the 30-bit remainder of the BCH code over 5-bit `values` (BIP-173, checksum)."""
    remainder = 1
    for value in values:
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value ^ _TERMS[remainder >> 25]
    return remainder


def _expand(hrp: str) -> bytes:
    """Return the hrp as 5-bit values: high bits, a zero, low bits."""
    codes = hrp.encode("ascii")
    return bytes(code >> 5 for code in codes) + b"\0" + bytes(code & 31 for code in codes)


def _check_hrp(hrp: str) -> None:
    """Raise UsageError unless `hrp` has 1 to 83 characters, all from 33 to 126."""
    if not 1 <= len(hrp) <= MAX_HRP_LENGTH:
        raise UsageError(f"the human-readable part has {len(hrp)} characters, not 1 to {MAX_HRP_LENGTH}")
    if not all(33 <= ord(character) <= 126 for character in hrp):
        raise UsageError("the human-readable part has a character outside 33 to 126")


def encode(hrp: str, data: bytes, *, encoding: Encoding = Encoding.BECH32, limit: int = MAX_LENGTH) -> str:
    """Return the text of `hrp` and `data` (5-bit values, one per byte), at most `limit` characters.

    Raise UsageError for a bad hrp (capitals included: a writer writes lower case), a value over 31, or a text too long.
    """
    _check_hrp(hrp)
    if hrp != hrp.lower():
        raise UsageError("the human-readable part has capitals")
    if any(value > 31 for value in data):
        raise UsageError("a data value does not fit in five bits")
    if len(hrp) + 1 + len(data) + CHECKSUM_LENGTH > limit:
        raise UsageError(f"the text would be longer than {limit} characters")
    remainder = _polymod(_expand(hrp) + data + bytes(CHECKSUM_LENGTH)) ^ encoding
    checksum = bytes(remainder >> 5 * (5 - place) & 31 for place in range(CHECKSUM_LENGTH))
    return hrp + "1" + "".join(_CHARSET[value] for value in data + checksum)


def decode(text: str, *, limit: int = MAX_LENGTH) -> Decoded:
    """Take `text` apart, at most `limit` characters; raise UsageError with the first thing that is wrong."""
    if len(text) > limit:
        raise UsageError(f"the text is longer than {limit} characters")
    # before lower(): beyond ASCII, changing the case can turn a foreign letter into one of ours
    if not all(33 <= ord(character) <= 126 for character in text):
        raise UsageError("the text has a character outside 33 to 126")
    lowered = text.lower()
    if text not in (lowered, text.upper()):
        raise UsageError("the text mixes capitals and small letters")
    hrp, separator, tail = lowered.rpartition("1")
    if not separator:
        raise UsageError("the text has no separator")
    _check_hrp(hrp)
    if len(tail) < CHECKSUM_LENGTH:
        raise UsageError("the checksum is too short")
    if not all(character in _VALUES for character in tail):
        raise UsageError("the data part has a character outside the alphabet")
    values = bytes(_VALUES[character] for character in tail)
    remainder = _polymod(_expand(hrp) + values)
    if remainder not in (Encoding.BECH32, Encoding.BECH32M):
        raise UsageError("the checksum does not hold")
    return Decoded(hrp=hrp, data=values[:-CHECKSUM_LENGTH], encoding=Encoding(remainder))


def convert_bits(data: bytes, *, from_bits: int, to_bits: int, pad: bool) -> bytes:
    """Regroup values of `from_bits` bits into values of `to_bits` bits, both 1 to 8, most significant bit first.

    With `pad` the last group is filled with zero bits; without it, what is left over must be fewer than `from_bits`
    bits and all zero (BIP-173). Raise UsageError otherwise, or for a value that does not fit in `from_bits`.
    """
    if not (1 <= from_bits <= 8 and 1 <= to_bits <= 8):
        raise UsageError("groups have 1 to 8 bits")
    accumulator = bits = 0
    mask = (1 << to_bits) - 1
    result = bytearray()
    for value in data:
        if value >> from_bits:
            raise UsageError(f"a value does not fit in {from_bits} bits")
        accumulator = (accumulator << from_bits | value) & 0xFFFF
        bits += from_bits
        while bits >= to_bits:
            bits -= to_bits
            result.append(accumulator >> bits & mask)
    remainder = accumulator & ((1 << bits) - 1)
    if pad and bits:
        result.append(remainder << (to_bits - bits) & mask)
    elif bits >= from_bits:
        raise UsageError("the padding is longer than a group")
    elif remainder and not pad:
        raise UsageError("the padding is not zero")
    return bytes(result)


def encode_bytes(hrp: str, payload: bytes, *, encoding: Encoding = Encoding.BECH32, limit: int = MAX_LENGTH) -> str:
    """Return the text of `hrp` and whole bytes, as Cosmos addresses are (cosmos-app 1); refuse as `encode` does."""
    return encode(hrp, convert_bits(payload, from_bits=8, to_bits=5, pad=True), encoding=encoding, limit=limit)


def decode_bytes(text: str, *, encoding: Encoding = Encoding.BECH32, limit: int = MAX_LENGTH) -> tuple[str, bytes]:
    """Return hrp and whole bytes of `text`; raise UsageError as `decode` does, or when it is of another encoding."""
    decoded = decode(text, limit=limit)
    if decoded.encoding is not encoding:
        raise UsageError(f"the text is {decoded.encoding.name.lower()}, not {encoding.name.lower()}")
    return decoded.hrp, convert_bits(decoded.data, from_bits=5, to_bits=8, pad=False)
