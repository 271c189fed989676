"""NIST P-256 by OpenSSL: public keys, ECDSA with SHA-256 in DER.

Private keys are 32 bytes, 1 to n - 1; public keys 33 or 65 bytes (SEC 1, 2.3.3). Bad ones raise UsageError.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tallystick.crypto.secret import Material, reveal_exactly
from tallystick.errors import UsageError

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIVATE_KEY_LENGTH = 32
DIGEST_LENGTH = 32


def public_key(private: Material, *, compressed: bool = True) -> bytes:
    """Return the public key of `private`: 33 bytes, or 65 when not `compressed`."""
    form = PublicFormat.CompressedPoint if compressed else PublicFormat.UncompressedPoint
    return _private(private).public_key().public_bytes(Encoding.X962, form)


def sign_ecdsa_der(private: Material, digest: bytes) -> bytes:
    """Sign a 32-byte SHA-256 digest: DER, nonce of RFC 6979; s is as it falls, low or high."""
    key = _private(private)
    _check_digest(digest)
    return key.sign(digest, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))


def verify_ecdsa_der(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (DER) is one of `public` over a 32-byte SHA-256 digest.

    What is not DER is False; a bad public key or digest length is UsageError.
    """
    if not public or (len(public), public[0]) not in ((33, 2), (33, 3), (65, 4)):
        raise UsageError("the public key is not a point of P-256")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    except ValueError:
        raise UsageError("the public key is not a point of P-256") from None
    _check_digest(digest)
    try:
        key.verify(signature, digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def _private(private: Material) -> ec.EllipticCurvePrivateKey:
    """Return OpenSSL's key; the range is checked here, so that no text of the library can quote the number."""
    number = int.from_bytes(reveal_exactly(private, PRIVATE_KEY_LENGTH), "big")
    if not 0 < number < ORDER:
        raise UsageError("the private key is not from 1 to n - 1")
    return ec.derive_private_key(number, ec.SECP256R1())


def _check_digest(digest: bytes) -> None:
    if len(digest) != DIGEST_LENGTH:
        raise UsageError(f"the digest has {len(digest)} bytes, not {DIGEST_LENGTH}")
