"""What every key can do, wherever it lives: tell its public half, and sign (attestation 0).

Signatures are ECDSA on secp256k1, DER, with s at most n/2 because common verifiers refuse the other half. A hardware
module gives r and s as they fall and no DER: `to_der` makes one of the other.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from tallystick.crypto.secp256k1 import ORDER
from tallystick.errors import TrustError

_SCALAR_BYTES: Final = 32
_INTEGER: Final = 0x02
_SEQUENCE: Final = 0x30


class Signer(Protocol):
    """A private key that signs and is never seen."""

    @property
    def public_key(self) -> bytes:
        """The public key: 65 bytes beginning with 04."""

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature with low s over the SHA-256 of `message`, hashed once."""

    def sign_digest(self, digest: bytes) -> bytes:
        """Return a DER signature with low s over `digest` (32 bytes)."""


def digest_of(message: bytes) -> bytes:
    """Return the SHA-256 of a message."""
    return hashlib.sha256(message).digest()


def to_der(raw: bytes) -> bytes:
    """Return ``r ‖ s`` (32 bytes each) as DER with low s; raise TrustError when either is not from 1 to n - 1."""
    r, s = int.from_bytes(raw[:_SCALAR_BYTES], "big"), int.from_bytes(raw[_SCALAR_BYTES:], "big")
    if len(raw) != 2 * _SCALAR_BYTES or not (0 < r < ORDER and 0 < s < ORDER):
        raise TrustError("what came back from the key is no signature on secp256k1")
    body = _integer(r) + _integer(min(s, ORDER - s))
    return bytes((_SEQUENCE, len(body))) + body


def _integer(value: int) -> bytes:
    # one bit more than the number has: a leading zero byte keeps it positive
    raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((_INTEGER, len(raw))) + raw
