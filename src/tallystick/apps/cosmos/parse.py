"""Data of the commands: the frame of an APDU, hrp and path (cosmos-app 1).

The bytes that arrived count, never Lc; the order of the checks decides which status word a client sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tallystick.wire.path import HARDENED, Bip32Path
from tallystick.wire.status import Reject, StatusWord

from .chain import COIN_COSMOS, COIN_ETHEREUM, ChainKind, kind_of

CLASS = 0x55
PATH_BYTES = 20
HRP_MAX_BYTES = 83
#: largest account, change and index without expert mode
VALUE_LIMIT = 100

_HEADER_BYTES = 5
_PURPOSE = 44 | HARDENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One APDU of this app's class: instruction, parameters, and the bytes after Lc, however many arrived."""

    instruction: int
    p1: int
    p2: int
    data: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read an APDU; raise Reject 6982 for an empty one, 6E00 for another class, then 6700 for fewer than 5 bytes."""
        if not raw:
            raise Reject(StatusWord.SECURITY_STATUS_NOT_SATISFIED)
        if raw[0] != CLASS:
            raise Reject(StatusWord.CLA_NOT_SUPPORTED)
        if len(raw) < _HEADER_BYTES:
            raise Reject(StatusWord.WRONG_LENGTH)
        return cls(instruction=raw[1], p1=raw[2], p2=raw[3], data=bytes(raw[_HEADER_BYTES:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRequest:
    """What GetAddrSecp256K1 asks for."""

    hrp: bytes
    path: Bip32Path
    kind: ChainKind

    @classmethod
    def from_bytes(cls, data: bytes, *, expert: bool) -> Self:
        """Read hrp length, hrp and path; what follows is ignored. Raises Reject for hrp, then path, then their pair."""
        hrp, rest = take_hrp(data)
        path = read_path(rest, expert=expert)
        return cls(hrp=hrp, path=path, kind=kind_of(path[1], hrp))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest:
    """What the first chunk of SignSecp256K1 says; `hrp` is empty when the client named none."""

    path: Bip32Path
    hrp: bytes
    kind: ChainKind

    @classmethod
    def from_bytes(cls, data: bytes, *, expert: bool) -> Self:
        """Read a path and, if more follows, hrp length and hrp. Raises Reject; 698B for coin 60' without hrp."""
        path = read_path(data, expert=expert)
        rest = data[PATH_BYTES:]
        if rest:
            hrp, _ = take_hrp(rest)
            return cls(path=path, hrp=hrp, kind=kind_of(path[1], hrp))
        if path[1] == COIN_ETHEREUM:
            raise Reject(StatusWord.PATH_NOT_ALLOWED)
        return cls(path=path, hrp=b"", kind=ChainKind.COSMOS)


def take_hrp(data: bytes) -> tuple[bytes, bytes]:
    """Return the hrp (1 to 83 bytes) at the start of `data`, and what follows it.

    Raises Reject: 6984 without length byte, 698A for a length out of range, 6984 when fewer bytes follow.
    """
    if not data:
        raise Reject(StatusWord.DATA_INVALID)
    size = data[0]
    if not 1 <= size <= HRP_MAX_BYTES:
        raise Reject(StatusWord.HRP_LENGTH_INVALID)
    if len(data) < 1 + size:
        raise Reject(StatusWord.DATA_INVALID)
    return data[1 : 1 + size], data[1 + size :]


def read_path(data: bytes, *, expert: bool) -> Bip32Path:
    """Return the path in the first 20 bytes of `data`: five words, little endian, hardening in bit 31.

    Raises Reject: 6984 without any byte, 6700 when cut short, 698B for another purpose, coin or change, and 6989 for a
    value over 100 unless `expert`.
    """
    if not data:
        raise Reject(StatusWord.DATA_INVALID)
    if len(data) < PATH_BYTES:
        raise Reject(StatusWord.WRONG_LENGTH)
    path = Bip32Path.from_words(data[:PATH_BYTES])
    if path[0] != _PURPOSE or path[1] not in {COIN_COSMOS, COIN_ETHEREUM} or path[3] != 0:
        raise Reject(StatusWord.PATH_NOT_ALLOWED)
    if not expert and any(level & ~HARDENED > VALUE_LIMIT for level in path[2:]):
        raise Reject(StatusWord.PATH_OUT_OF_RANGE)
    return path
