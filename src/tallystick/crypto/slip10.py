"""Hierarchical keys on secp256k1, P-256 and Ed25519, private derivation only. Source: SLIP-10.

On secp256k1 this is BIP-32, but that an invalid key is not an error: SLIP-10 hashes again until it finds a valid one.
On Ed25519 all indices are hardened.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, unique

from tallystick.crypto import ed25519, p256, secp256k1
from tallystick.crypto.bip32 import HARDENED, check_path, check_seed
from tallystick.crypto.hash import hmac_sha512
from tallystick.crypto.secret import Material, Secret
from tallystick.errors import UsageError

_INDEX = struct.Struct(">I")


@unique
class Curve(Enum):
    """The curves of SLIP-10 that we have; the value is the key of the master's HMAC."""

    SECP256K1 = b"Bitcoin seed"
    NIST256P1 = b"Nist256p1 seed"
    ED25519 = b"ed25519 seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A private key (32 bytes) of a curve and its chain code (32 bytes), one place in the tree."""

    curve: Curve
    private_key: Secret
    chain_code: bytes = field(repr=False)

    def public_key(self) -> bytes:
        """Return the public key as SLIP-10 serialises it, 33 bytes: compressed, or 00 and the 32 bytes of Ed25519."""
        match self.curve:
            case Curve.SECP256K1:
                return secp256k1.public_key(self.private_key)
            case Curve.NIST256P1:
                return p256.public_key(self.private_key)
            case Curve.ED25519:
                return b"\0" + ed25519.public_key(self.private_key)


def master(seed: Material, curve: Curve, *, seed_key: bytes = b"") -> Node:
    """Return the root of the tree of `seed` on `curve`; raise UsageError unless the seed is 16 to 64 bytes.

    A `seed_key` takes the place of the curve's in the HMAC: the root of another tree.
    """
    key = seed_key or curve.value
    digest = hmac_sha512(key, check_seed(seed))
    while not _is_valid(curve, digest[:32]):
        digest = hmac_sha512(key, digest)
    return Node(curve=curve, private_key=Secret(digest[:32]), chain_code=digest[32:])


def derive(node: Node, path: Sequence[int]) -> Node:
    """Return the node at `path` below `node`; an empty path is `node` itself.

    Raise UsageError for a path too long, an index out of range, and an index below `HARDENED` on Ed25519.
    """
    check_path(path)
    for index in path:
        node = _child(node, index)
    return node


def _child(node: Node, index: int) -> Node:
    """Return child `index` of `node` (SLIP-10, private parent key to private child key)."""
    if index >= HARDENED:
        key = b"\0" + node.private_key.reveal()
    elif node.curve is Curve.ED25519:
        raise UsageError("Ed25519 has hardened indices only", remedy="Harden every step of the path.")
    else:
        key = node.public_key()
    suffix = _INDEX.pack(index)
    digest = hmac_sha512(node.chain_code, key + suffix)
    while (private_key := _add(node, digest[:32])) is None:
        digest = hmac_sha512(node.chain_code, b"\x01" + digest[32:] + suffix)
    return Node(curve=node.curve, private_key=private_key, chain_code=digest[32:])


def _is_valid(curve: Curve, data: bytes) -> bool:
    """Tell whether 32 bytes are a private key of `curve`."""
    match curve:
        case Curve.SECP256K1:
            return secp256k1.is_valid_private_key(data)
        case Curve.NIST256P1:
            return 0 < int.from_bytes(data, "big") < p256.ORDER
        case Curve.ED25519:
            return True


def _add(node: Node, scalar: bytes) -> Secret | None:
    """Return the child's private key, or None when SLIP-10 says to hash again."""
    match node.curve:
        case Curve.SECP256K1:
            return secp256k1.add_scalar(node.private_key, scalar)
        case Curve.NIST256P1:
            number = int.from_bytes(scalar, "big")
            total = (number + int.from_bytes(node.private_key.reveal(), "big")) % p256.ORDER
            return Secret(total.to_bytes(32, "big")) if number < p256.ORDER and total else None
        case Curve.ED25519:
            return Secret(scalar)
