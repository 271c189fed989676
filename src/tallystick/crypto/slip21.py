"""Hierarchical symmetric keys: a tree whose branches are named by byte strings. Source: SLIP-21.

A node is 64 bytes: the first half derives children, the second half is the node's key, so that giving a key away tells
nothing about the keys below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.crypto.bip32 import check_seed
from tallystick.crypto.hash import hmac_sha512
from tallystick.crypto.secret import Material, Secret

KEY_LENGTH = 32
#: the key of the root's HMAC
SEED_KEY = b"Symmetric key seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One place in the tree; `data` is the 64 bytes that SLIP-21 calls N."""

    data: Secret

    def key(self) -> Secret:
        """Return this node's 32-byte symmetric key."""
        return Secret(self.data.reveal()[KEY_LENGTH:])


def master(seed: Material) -> Node:
    """Return the root of the tree of `seed`; raise UsageError unless that is 16 to 64 bytes."""
    return Node(data=Secret(hmac_sha512(SEED_KEY, check_seed(seed))))


def derive(node: Node, labels: Sequence[bytes]) -> Node:
    """Return the node below `node` that `labels` name, each of any length; no labels is `node` itself."""
    for label in labels:
        # the zero byte is reserved by SLIP-21 for other kinds of label
        node = Node(data=Secret(hmac_sha512(node.data.reveal()[:KEY_LENGTH], b"\0" + label)))
    return node
