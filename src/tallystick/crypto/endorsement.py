"""What attestation keys 1 and 2 sign, and how it is verified (attestation 4).

The code hash is that of the app that asks (32 bytes). Scheme 1 puts it behind the message; scheme 2 leaves the message alone
and moves the key by a number made from hash and public key, so that the key itself is the app's.
"""

from __future__ import annotations

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import hmac_sha256, hmac_sha512, sha256
from tallystick.crypto.secret import Secret, reveal_exactly
from tallystick.errors import UsageError

__all__ = [
    "APP_SECRET_BYTES",
    "CODE_HASH_BYTES",
    "app_public_key",
    "app_secret",
    "sign_as_app_key",
    "sign_bare",
    "sign_with_code_hash",
    "verify_app_key",
    "verify_with_code_hash",
]

CODE_HASH_BYTES = 32
APP_SECRET_BYTES = 64


def app_secret(private: Secret, code_hash: bytes) -> Secret:
    """Return the secret (64 bytes) that attestation key 1 gives the app: the HMAC's key is the hash of the private key."""
    key = sha256(reveal_exactly(private, secp256k1.PRIVATE_KEY_LENGTH))
    return Secret(hmac_sha512(key, _checked(code_hash)))


def sign_with_code_hash(private: Secret, message: bytes, code_hash: bytes) -> bytes:
    """Sign `message` and the code hash behind it (scheme 1): DER."""
    return secp256k1.sign_ecdsa_der(private, sha256(message + _checked(code_hash)))


def sign_bare(private: Secret, message: bytes) -> bytes:
    """Sign `message` alone: DER. Whoever may choose it can put any app's code hash at its end."""
    return secp256k1.sign_ecdsa_der(private, sha256(message))


def sign_as_app_key(private: Secret, message: bytes, code_hash: bytes) -> bytes:
    """Sign `message` with the key that attestation key 2 has for the app (scheme 2): DER.

    Raises UsageError when there is no such key, which happens to one hash in 2^127.
    """
    tweak = Secret(_tweak(secp256k1.public_key(private, compressed=False), code_hash))
    derived = secp256k1.add_scalar(private, tweak)
    tweak.wipe()
    if derived is None:
        raise UsageError("attestation key 2 has no key for this app")
    try:
        return secp256k1.sign_ecdsa_der(derived, sha256(message))
    finally:
        derived.wipe()


def app_public_key(public: bytes, code_hash: bytes) -> bytes:
    """Return the public key (65 bytes) that attestation key 2, `public`, has for the app; raise UsageError without one."""
    derived = secp256k1.add_to_public(public, _tweak(secp256k1.decompress(public), code_hash))
    if derived is None:
        raise UsageError("attestation key 2 has no key for this app")
    return derived


def verify_with_code_hash(public: bytes, message: bytes, code_hash: bytes, *, signature: bytes) -> bool:
    """Tell whether an app of this hash had attestation key 1, `public`, sign `message` (any s).

    Raises UsageError when `public` is no key.
    """
    digest = sha256(message + _checked(code_hash))
    return secp256k1.verify_ecdsa_der(public, digest, signature, allow_high_s=True)


def verify_app_key(public: bytes, message: bytes, code_hash: bytes, *, signature: bytes) -> bool:
    """Tell whether an app of this hash had attestation key 2, `public`, sign `message` (any s); raises as `app_public_key`."""
    key = app_public_key(public, code_hash)
    return secp256k1.verify_ecdsa_der(key, sha256(message), signature, allow_high_s=True)


def _tweak(public: bytes, code_hash: bytes) -> bytes:
    return hmac_sha256(_checked(code_hash), public)


def _checked(code_hash: bytes) -> bytes:
    if len(code_hash) != CODE_HASH_BYTES:
        raise UsageError(f"a code hash has {CODE_HASH_BYTES} bytes, not {len(code_hash)}")
    return code_hash
