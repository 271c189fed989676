"""Hierarchical keys on Ed25519 with soft and hardened levels. Source: Khovratovich and Law, "BIP32-Ed25519" (2017); CIP-3, Ledger.

A key is an extended one of 64 bytes, kL and kR, both little endian; its public point is kL times the base point. The master is
made as real devices make it from the 64 bytes of BIP-39: by HMAC until one bit is clear. Not constant in time: it runs once for
each level of a path, and its time tells the length of the path to nobody who does not have it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from tallystick.crypto.bip32 import HARDENED, check_path, check_seed
from tallystick.crypto.hash import hmac_sha256, hmac_sha512
from tallystick.crypto.secret import Material, Secret

_KEY = b"ed25519 seed"
_INDEX = struct.Struct("<I")
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE_X = 0x216936D3CD6E53FEC0A4E231FDD6DC5C692CC7609525A7B2C9562D608F25D51A
_Point = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An extended private key (64 bytes) and its chain code (32 bytes)."""

    private_key: Secret
    chain_code: bytes = field(repr=False)


def master(seed: Material) -> Node:
    """Return the root of the tree of `seed`; raise UsageError unless the seed is 16 to 64 bytes."""
    raw = check_seed(seed)
    key = hmac_sha512(_KEY, raw)
    while key[31] & 0x20:
        key = hmac_sha512(_KEY, key)
    left = bytes((key[0] & 0xF8,)) + key[1:31] + bytes((key[31] & 0x7F | 0x40,))
    return Node(private_key=Secret(left + key[32:]), chain_code=hmac_sha256(_KEY, b"\x01" + raw))


def derive(node: Node, path: Sequence[int]) -> Node:
    """Return the node at `path` below `node`; raise UsageError for a path that is none."""
    check_path(path)
    for index in path:
        node = _child(node, index)
    return node


def public_key(private_key: Material) -> bytes:
    """Return the public key (32 bytes) of an extended private key."""
    raw = private_key.reveal() if isinstance(private_key, Secret) else private_key
    x, y, z, _ = _times_base(int.from_bytes(raw[:32], "little"))
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _child(node: Node, index: int) -> Node:
    key = node.private_key.reveal()
    if index >= HARDENED:
        first, second, body = b"\x00", b"\x01", key
    else:
        first, second, body = b"\x02", b"\x03", public_key(key)
    body += _INDEX.pack(index)
    mixed = hmac_sha512(node.chain_code, first + body)
    left = 8 * int.from_bytes(mixed[:28], "little") + int.from_bytes(key[:32], "little")
    right = int.from_bytes(mixed[32:], "little") + int.from_bytes(key[32:], "little")
    chain_code = hmac_sha512(node.chain_code, second + body)[32:]
    raw = (left % 2**256).to_bytes(32, "little") + (right % 2**256).to_bytes(32, "little")
    return Node(private_key=Secret(raw), chain_code=chain_code)


def _add(one: _Point, other: _Point) -> _Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times_base(scalar: int) -> _Point:
    result: _Point = (0, 1, 1, 0)
    step: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
    for bit in range(scalar.bit_length()):
        if scalar >> bit & 1:
            result = _add(result, step)
        step = _add(step, step)
    return result
