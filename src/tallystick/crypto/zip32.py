"""Hierarchical keys of shielded Zcash: Sapling, Orchard and registered trees, hardened throughout. Source: ZIP-32.

Multi-byte numbers are little endian. What lies in a tree is a key and a chain code of 32 bytes; Sapling's key is four of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from tallystick.crypto.bip32 import check_hardened, check_seed
from tallystick.crypto.secret import Material, Secret
from tallystick.errors import UsageError

_KEY_BYTES = 32
_MIN_SEED_BYTES = 32
_MAX_CONTEXT_BYTES = 252
#: the order of Jubjub's prime-order subgroup
_ORDER = 0x0E7DB4EA6533AFA906673B0101343B00A6682093CCC81082D0970E5ED6F72CB7
_ORCHARD, _REGISTERED = b"\x81", b"\xac"
#: what tells apart the parts of a Sapling key: of the root, and of its children
_ASK, _NSK, _OVK, _DK = b"\x00", b"\x01", b"\x02", b"\x10"
_CHILD, _CHILD_ASK, _CHILD_NSK, _CHILD_OVK, _CHILD_DK = b"\x11", b"\x13", b"\x14", b"\x15", b"\x16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A spending key, 32 bytes or for Sapling ask, nsk, ovk and dk (32 bytes each), and its chain code (32 bytes)."""

    key: Secret
    chain_code: bytes = field(repr=False)


def sapling(seed: Material, path: Sequence[int]) -> Node:
    """Return the Sapling key at `path` of hardened indices; raise UsageError for another path, or a seed not of 32 to 64 bytes."""
    check_hardened(path)
    digest = _hash(b"ZcashIP32Sapling", _check_seed(seed))
    left, chain_code = _halves(digest)
    scalars = b"".join(_little(_scalar(_expand(left, tag))) for tag in (_ASK, _NSK))
    rest = b"".join(_expand(left, tag)[:_KEY_BYTES] for tag in (_OVK, _DK))
    node = Node(key=Secret(scalars + rest), chain_code=chain_code)
    for index in path:
        node = _sapling_child(node, index)
    return node


def orchard(seed: Material, path: Sequence[int]) -> Node:
    """Return the Orchard key at `path` of hardened indices; raises as `sapling`."""
    check_hardened(path)
    key, chain_code = _halves(_hash(b"ZcashIP32Orchard", _check_seed(seed)))
    node = Node(key=Secret(key), chain_code=chain_code)
    for index in path:
        node = _child(node, _ORCHARD, index)
    return node


def registered(seed: Material, path: Sequence[int], *, context: bytes = b"", tags: Sequence[bytes] = ()) -> Node:
    """Return the key at `path` of hardened indices, of which the first is the number of the ZIP that registered the tree.

    `context` (at most 252 bytes) names the tree; `tags` are those of the indices behind the first, as many. Raises as `sapling`,
    and for a path of no index.
    """
    check_hardened(path)
    if not path or len(tags) != len(path) - 1 or len(context) > _MAX_CONTEXT_BYTES:
        raise UsageError(
            "a registered tree has a number, one tag for each further index, and a context of at most 252 bytes"
        )
    raw = _check_seed(seed)
    material = bytes((len(context),)) + context + bytes((len(raw),)) + raw
    key, chain_code = _halves(_hash(b"ZIPRegistered_KD", material))
    node = Node(key=Secret(key), chain_code=chain_code)
    for index, tag in zip(path, (b"", *tags), strict=True):
        node = _child(node, _REGISTERED, index, tag)
    return node


def _check_seed(seed: Material) -> bytes:
    raw = check_seed(seed)
    if len(raw) < _MIN_SEED_BYTES:
        raise UsageError(f"the seed has {len(raw)} bytes, not at least {_MIN_SEED_BYTES}")
    return raw


def _hash(person: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, person=person).digest()


def _expand(key: bytes, data: bytes) -> bytes:
    """Return PRF^expand of the Zcash protocol, 64 bytes."""
    return _hash(b"Zcash_ExpandSeed", key + data)


def _halves(digest: bytes) -> tuple[bytes, bytes]:
    return digest[:_KEY_BYTES], digest[_KEY_BYTES:]


def _scalar(digest: bytes) -> int:
    return int.from_bytes(digest, "little") % _ORDER


def _little(number: int) -> bytes:
    return number.to_bytes(_KEY_BYTES, "little")


def _child(node: Node, domain: bytes, index: int, tag: bytes = b"") -> Node:
    """Return a child in a tree that is hardened by nature; a tag has a zero byte before it."""
    behind = b"\0" + tag if tag else b""
    data = domain + node.key.reveal() + index.to_bytes(4, "little") + behind
    key, chain_code = _halves(_expand(node.chain_code, data))
    return Node(key=Secret(key), chain_code=chain_code)


def _sapling_child(node: Node, index: int) -> Node:
    raw = node.key.reveal()
    ask, nsk, ovk, dk = (raw[at : at + _KEY_BYTES] for at in range(0, len(raw), _KEY_BYTES))
    left, chain_code = _halves(_expand(node.chain_code, _CHILD + raw + index.to_bytes(4, "little")))
    scalars = b"".join(
        _little((_scalar(_expand(left, tag)) + int.from_bytes(parent, "little")) % _ORDER)
        for tag, parent in ((_CHILD_ASK, ask), (_CHILD_NSK, nsk))
    )
    rest = b"".join(_expand(left, tag + parent)[:_KEY_BYTES] for tag, parent in ((_CHILD_OVK, ovk), (_CHILD_DK, dk)))
    return Node(key=Secret(scalars + rest), chain_code=chain_code)
