"""Hashes and HMACs of byte strings. Apps may import this module (design 3).

All functions take bytes of any length and return the digest; none raises. SHA-2, SHA-3 and HMAC are those of the
standard library; RIPEMD-160 is too where OpenSSL offers it, else ours; Keccak-256 with its original padding is ours.
"""

from __future__ import annotations

import hashlib
import hmac

from tallystick.crypto import _keccak, _ripemd160

__all__ = [
    "hash160",
    "hmac_sha256",
    "hmac_sha512",
    "keccak256",
    "ripemd160",
    "sha3_256",
    "sha256",
    "sha512",
]


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 of `data` (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def sha512(data: bytes) -> bytes:
    """Return the 64-byte SHA-512 of `data` (FIPS 180-4)."""
    return hashlib.sha512(data).digest()


def sha3_256(data: bytes) -> bytes:
    """Return the 32-byte SHA3-256 of `data` (FIPS 202)."""
    return hashlib.sha3_256(data).digest()


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 of `data`: SHA3-256 but for the padding byte 01, as Ethereum uses it."""
    return _keccak.digest256(data, suffix=_keccak.KECCAK_SUFFIX)


def ripemd160(data: bytes) -> bytes:
    """Return the 20-byte RIPEMD-160 of `data`, whether or not OpenSSL has its legacy provider."""
    try:
        return hashlib.new("ripemd160", data).digest()
    except ValueError:
        return _ripemd160.digest(data)


def hash160(data: bytes) -> bytes:
    """Return the 20-byte RIPEMD-160 of the SHA-256 of `data`: key fingerprints and Cosmos addresses."""
    return ripemd160(sha256(data))


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA-256 of `data` under `key` (RFC 2104, RFC 4231)."""
    return hmac.digest(key, data, "sha256")


def hmac_sha512(key: bytes, data: bytes) -> bytes:
    """Return the 64-byte HMAC-SHA-512 of `data` under `key` (RFC 2104, RFC 4231)."""
    return hmac.digest(key, data, "sha512")
