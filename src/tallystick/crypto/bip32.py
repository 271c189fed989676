"""Hierarchical keys on secp256k1, private derivation only. Source: BIP-32.

An index is 0 to 2^32 - 1; those from `HARDENED` on derive from the private key, those below from the public key, which
costs a point multiplication. Nothing is remembered between calls: a lock leaves nothing to forget (design 3).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import hmac_sha512
from tallystick.crypto.secret import Material, Secret, reveal
from tallystick.errors import UsageError

HARDENED = 0x80000000
MAX_DEPTH = 255
MIN_SEED_LENGTH = 16
MAX_SEED_LENGTH = 64

_INDEX = struct.Struct(">I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A private key (32 bytes) and its chain code (32 bytes), one place in the tree.

    The chain code is no key, but together with a public key it tells all non-hardened children: it is not shown.
    """

    private_key: Secret
    chain_code: bytes = field(repr=False)

    def public_key(self, *, compressed: bool = True) -> bytes:
        """Return the public key, 33 bytes, or 65 when not `compressed`."""
        return secp256k1.public_key(self.private_key, compressed=compressed)


def check_seed(seed: Material) -> bytes:
    """Return the bytes of a seed of 16 to 64 bytes (BIP-32, master key generation); raise UsageError otherwise."""
    data = reveal(seed)
    if not MIN_SEED_LENGTH <= len(data) <= MAX_SEED_LENGTH:
        raise UsageError(f"the seed has {len(data)} bytes, not {MIN_SEED_LENGTH} to {MAX_SEED_LENGTH}")
    return data


def check_path(path: Sequence[int]) -> None:
    """Raise UsageError unless `path` has at most 255 indices, each from 0 to 2^32 - 1."""
    if len(path) > MAX_DEPTH:
        raise UsageError(f"the path has {len(path)} steps, more than {MAX_DEPTH}")
    if not all(0 <= index <= 0xFFFFFFFF for index in path):
        raise UsageError("a path index is not from 0 to 2^32 - 1")


def check_hardened(path: Sequence[int]) -> None:
    """Raise UsageError as `check_path`, and for an index below `HARDENED`: some trees have no other."""
    check_path(path)
    if any(index < HARDENED for index in path):
        raise UsageError("every index of this tree is hardened")


def master(seed: Material) -> Node:
    """Return the root of the tree of `seed`, 16 to 64 bytes; raise UsageError for others and for the unusable seed."""
    digest = hmac_sha512(b"Bitcoin seed", check_seed(seed))
    if not secp256k1.is_valid_private_key(digest[:32]):
        raise UsageError("this seed gives no valid master key", remedy="Use another seed.")
    return Node(private_key=Secret(digest[:32]), chain_code=digest[32:])


def derive(node: Node, path: Sequence[int]) -> Node:
    """Return the node at `path` below `node`; an empty path is `node` itself.

    Raise UsageError for a bad path, and when a child on the way does not exist (chance below 2^-127 each): BIP-32 tells
    the caller to go on with the next index.
    """
    check_path(path)
    for index in path:
        node = _child(node, index)
    return node


def _child(node: Node, index: int) -> Node:
    """Return child `index` of `node` (BIP-32, CKDpriv)."""
    key = b"\0" + node.private_key.reveal() if index >= HARDENED else node.public_key()
    digest = hmac_sha512(node.chain_code, key + _INDEX.pack(index))
    private_key = secp256k1.add_scalar(node.private_key, digest[:32])
    if private_key is None:
        raise UsageError(f"there is no key at index {index}", remedy="Use the next index.")
    return Node(private_key=private_key, chain_code=digest[32:])
