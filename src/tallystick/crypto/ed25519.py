"""Ed25519 by OpenSSL: public keys and signatures over whole messages. Source: RFC 8032, 5.1.

Private keys are the 32-byte seed, every value of which is valid; public keys 32 bytes; signatures 64 bytes.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tallystick.crypto.secret import Material, reveal_exactly
from tallystick.errors import UsageError

PRIVATE_KEY_LENGTH = 32
PUBLIC_KEY_LENGTH = 32


def public_key(private: Material) -> bytes:
    """Return the 32-byte public key of `private`; raise UsageError unless that is 32 bytes."""
    return _private(private).public_key().public_bytes_raw()


def sign(private: Material, message: bytes) -> bytes:
    """Return the 64-byte signature of a message of any length; raise UsageError unless `private` is 32 bytes."""
    return _private(private).sign(message)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` is one of `public` over `message`.

    A signature that is not 64 bytes, and a public key that is no point, are False; a public key that is not 32 bytes is
    UsageError.
    """
    if len(public) != PUBLIC_KEY_LENGTH:
        raise UsageError(f"the public key has {len(public)} bytes, not {PUBLIC_KEY_LENGTH}")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _private(private: Material) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(reveal_exactly(private, PRIVATE_KEY_LENGTH))
