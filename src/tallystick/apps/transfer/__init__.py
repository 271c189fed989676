"""The transfer app (attestation 6): a private key that moves from device to device and is never in two places.

An APDU climbs `handlers` → `export` or `receipt` → `peer`, which says who the other side is, and `key`, which is what the
flash holds. The modules are packed as a bundle and loaded under another name, so they import each other relatively; this
file is not part of the bundle.
"""

from __future__ import annotations

from typing import Final

from tallystick import apps
from tallystick.errors import UsageError
from tallystick.wire.bundle import Bundle

__all__ = ["bundle"]

_PUBLIC_BYTES: Final = 65
_UNCOMPRESSED: Final = 4
_OWNER: Final = '''"""Whose certificates this build of the app believes; the catalogue's is for the owner of the test realm, known to everybody."""

#: uncompressed public key of secp256k1, 65 bytes
OWNER_PUBLIC_KEY = bytes.fromhex(
    "{key}"
)
'''


def bundle(owner_public_key: bytes) -> Bundle:
    """Return the app built for an owner (65 bytes, uncompressed): another owner is another app, with another hash.

    Raises:
        UsageError: that is no uncompressed public key.

    """
    if len(owner_public_key) != _PUBLIC_BYTES or owner_public_key[0] != _UNCOMPRESSED:
        raise UsageError("the owner's public key has 65 bytes and begins with 04")
    return apps.bundle("transfer", modules={"owner.py": _OWNER.format(key=owner_public_key.hex())})
