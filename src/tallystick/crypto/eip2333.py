"""Hierarchical keys of BLS12-381, hardened throughout. Source: EIP-2333."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tallystick.crypto.bip32 import check_path, check_seed
from tallystick.crypto.hash import hmac_sha256, sha256
from tallystick.crypto.secret import Material, Secret

_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_KEY_BYTES, _SCALAR_BYTES = 32, 48
_PARTS = 255


def master(seed: Material) -> Secret:
    """Return the root's private key (32 bytes, big endian); raise UsageError unless the seed is 16 to 64 bytes."""
    return _modular(check_seed(seed))


def derive(private_key: Secret, path: Sequence[int]) -> Secret:
    """Return the private key at `path` below `private_key`; raise UsageError for a path that is none."""
    check_path(path)
    for index in path:
        private_key = _modular(_lamport(private_key.reveal(), index.to_bytes(4, "big")))
    return private_key


def _expand(key: bytes, info: bytes, size_bytes: int) -> bytes:
    """HKDF-Expand of RFC 5869 with SHA-256."""
    block, out = b"", b""
    for count in range(1, -(-size_bytes // _KEY_BYTES) + 1):
        block = hmac_sha256(key, block + info + bytes((count,)))
        out += block
    return out[:size_bytes]


def _modular(material: bytes) -> Secret:
    salt, value = b"BLS-SIG-KEYGEN-SALT-", 0
    while not value:
        salt = sha256(salt)
        key = hmac_sha256(salt, material + b"\0")
        value = int.from_bytes(_expand(key, _SCALAR_BYTES.to_bytes(2, "big"), _SCALAR_BYTES), "big") % _ORDER
    return Secret(value.to_bytes(_KEY_BYTES, "big"))


def _lamport(parent: bytes, salt: bytes) -> bytes:
    """Return the compressed Lamport public key of a child."""
    inverted = bytes(byte ^ 0xFF for byte in parent)
    whole = hashlib.sha256()
    for material in (parent, inverted):
        parts = _expand(hmac_sha256(salt, material), b"", _PARTS * _KEY_BYTES)
        for at in range(0, len(parts), _KEY_BYTES):
            whole.update(hashlib.sha256(parts[at : at + _KEY_BYTES]).digest())
    return whole.digest()
