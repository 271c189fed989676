"""X25519 and X448 (RFC 7748) by OpenSSL. Scalars and coordinates are little endian, 32 and 56 bytes; a result may be all zero."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

__all__ = ["x448", "x25519"]


def x25519(scalar: bytes, coordinate: bytes) -> bytes:
    """Return the coordinate u of `scalar` times the point of `coordinate`, each 32 bytes."""
    try:
        return X25519PrivateKey.from_private_bytes(scalar).exchange(X25519PublicKey.from_public_bytes(coordinate))
    except ValueError:
        # OpenSSL refuses points of small order, whose result is zero
        return bytes(32)


def x448(scalar: bytes, coordinate: bytes) -> bytes:
    """Return the coordinate u of `scalar` times the point of `coordinate`, each 56 bytes."""
    try:
        return X448PrivateKey.from_private_bytes(scalar).exchange(X448PublicKey.from_public_bytes(coordinate))
    except ValueError:
        # as above
        return bytes(56)
