"""Chains the app knows: which coin goes with which hrp, how an address is made, which digest is signed (cosmos-app 1)."""

from __future__ import annotations

from enum import IntEnum, unique
from types import MappingProxyType

from tallystick.crypto.bech32 import encode_bytes
from tallystick.crypto.hash import hash160, keccak256, sha256
from tallystick.errors import UsageError
from tallystick.wire.path import HARDENED
from tallystick.wire.status import Reject, StatusWord

#: second level of a path, hardened
COIN_COSMOS = 118 | HARDENED
COIN_ETHEREUM = 60 | HARDENED
#: what the own address is made with when a client never named an hrp
DEFAULT_HRP = b"cosmos"

_UNCOMPRESSED_BYTES = 65
_UNCOMPRESSED = 0x04


@unique
class ChainKind(IntEnum):
    """How addresses and digests are made."""

    COSMOS = 0
    ETHEREUM = 1


_KINDS = MappingProxyType(
    {
        (COIN_COSMOS, b"cosmos"): ChainKind.COSMOS,
        (COIN_COSMOS, b"osmo"): ChainKind.COSMOS,
        (COIN_COSMOS, b"dydx"): ChainKind.COSMOS,
        (COIN_COSMOS, b"mantra"): ChainKind.COSMOS,
        (COIN_COSMOS, b"xion"): ChainKind.COSMOS,
        (COIN_COSMOS, b"celestia"): ChainKind.COSMOS,
        (COIN_COSMOS, b"core"): ChainKind.COSMOS,
        (COIN_COSMOS, b"neutron"): ChainKind.COSMOS,
        (COIN_ETHEREUM, b"inj"): ChainKind.ETHEREUM,
        (COIN_ETHEREUM, b"evmos"): ChainKind.ETHEREUM,
        (COIN_ETHEREUM, b"xpla"): ChainKind.ETHEREUM,
        (COIN_ETHEREUM, b"dym"): ChainKind.ETHEREUM,
        (COIN_ETHEREUM, b"zeta"): ChainKind.ETHEREUM,
        (COIN_ETHEREUM, b"bera"): ChainKind.ETHEREUM,
        (COIN_ETHEREUM, b"human"): ChainKind.ETHEREUM,
    }
)


def kind_of(coin: int, hrp: bytes) -> ChainKind:
    """Return the kind of the chain with `coin` (level of a path, hardened) and `hrp`, compared byte for byte.

    Raises Reject (698C) when they do not belong together.
    """
    kind = _KINDS.get((coin, hrp))
    if kind is None:
        raise Reject(StatusWord.HRP_NOT_ALLOWED)
    return kind


def compress(public_key: bytes) -> bytes:
    """Return the 33 bytes of an uncompressed secp256k1 key (65 bytes, SEC 1); raise Reject (6400) for any other key."""
    if len(public_key) != _UNCOMPRESSED_BYTES or public_key[0] != _UNCOMPRESSED:
        raise Reject(StatusWord.KEY_DERIVATION_FAILED)
    return bytes((2 + (public_key[64] & 1),)) + public_key[1:33]


def address(kind: ChainKind, hrp: bytes, public_key: bytes) -> str:
    """Return the bech32 address of an uncompressed key (65 bytes) under `hrp` (ASCII); raise Reject (6400) when there is none."""
    compressed = compress(public_key)
    account = hash160(compressed) if kind is ChainKind.COSMOS else keccak256(public_key[1:])[-20:]
    try:
        return encode_bytes(hrp.decode("ascii"), account)
    except (UnicodeDecodeError, UsageError):
        raise Reject(StatusWord.KEY_DERIVATION_FAILED) from None


def digest(kind: ChainKind, payload: bytes) -> bytes:
    """Return the 32 bytes that are signed for `payload`, whatever its format."""
    return sha256(payload) if kind is ChainKind.COSMOS else keccak256(payload)
