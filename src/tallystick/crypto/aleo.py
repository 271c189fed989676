"""Hierarchical keys of Aleo, on BLS12-377: hardened throughout. Source: Aleo's wallets; the SDK has it as a mode (os_hdkey.h).

A tree like that of SLIP-10 on Ed25519 with a seed key of its own; what lies in it is a seed of 32 bytes that the app makes its
private key of, and a chain code.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.crypto.bip32 import check_hardened, check_seed
from tallystick.crypto.hash import hmac_sha512
from tallystick.crypto.secret import Material, Secret

#: the key of the root's HMAC
SEED_KEY = b"bls12_377 seed"
_KEY_BYTES = 32


def derive(seed: Material, path: Sequence[int]) -> Secret:
    """Return key and chain code (32 bytes each) at `path` of hardened indices.

    Raises UsageError for another path, or a seed that is not of 16 to 64 bytes.
    """
    check_hardened(path)
    node = hmac_sha512(SEED_KEY, check_seed(seed))
    for index in path:
        node = hmac_sha512(node[_KEY_BYTES:], b"\0" + node[:_KEY_BYTES] + index.to_bytes(4, "big"))
    return Secret(node)
