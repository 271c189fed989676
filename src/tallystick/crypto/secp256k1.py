"""secp256k1 by libsecp256k1: public keys, ECDSA in DER, ECDH, point compression, addition of scalars.

Private keys are 32 bytes, 1 to n - 1; public keys are 33 bytes (02, 03) or 65 bytes (04): SEC 1, 2.3.3; the hybrid
form (06, 07) is refused. Wrong lengths, invalid keys and points off the curve raise UsageError; texts never hold a key.
The library is called through coincurve's C entry points: its key objects compute two public keys before each signature.
"""

from __future__ import annotations

from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]  # compiled, without a stub
from coincurve.context import GLOBAL_CONTEXT

from tallystick.crypto.secret import Material, Secret, reveal, reveal_exactly
from tallystick.errors import UsageError

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
PRIVATE_KEY_LENGTH = 32
COMPRESSED_LENGTH = 33
UNCOMPRESSED_LENGTH = 65
DIGEST_LENGTH = 32
MAX_SIGNATURE_LENGTH = 72

_CONTEXT = GLOBAL_CONTEXT.ctx


def is_valid_private_key(private: Material) -> bool:
    """Tell whether `private` is 32 bytes from 1 to n - 1."""
    data = reveal(private)
    return len(data) == PRIVATE_KEY_LENGTH and bool(lib.secp256k1_ec_seckey_verify(_CONTEXT, data))


def public_key(private: Material, *, compressed: bool = True) -> bytes:
    """Return the public key of `private`: 33 bytes, or 65 when not `compressed`."""
    point = ffi.new("secp256k1_pubkey *")
    data = reveal_exactly(private, PRIVATE_KEY_LENGTH)
    if not lib.secp256k1_ec_pubkey_create(_CONTEXT, point, data):
        raise UsageError("the private key is not from 1 to n - 1")
    return _serialize(point, compressed=compressed)


def compress(public: bytes) -> bytes:
    """Return the 33-byte form of a public key in either form."""
    return _serialize(_parse(public), compressed=True)


def decompress(public: bytes) -> bytes:
    """Return the 65-byte form of a public key in either form."""
    return _serialize(_parse(public), compressed=False)


def add_scalar(private: Material, scalar: Material) -> Secret | None:
    """Return `private + scalar` mod n, 32 bytes; None when `scalar` is n or more or the sum is zero (BIP-32, CKDpriv).

    A `scalar` of zero is allowed.
    """
    key = ffi.new("unsigned char[32]", reveal_exactly(private, PRIVATE_KEY_LENGTH))
    if not lib.secp256k1_ec_seckey_verify(_CONTEXT, key):
        raise UsageError("the private key is not from 1 to n - 1")
    if not lib.secp256k1_ec_seckey_tweak_add(_CONTEXT, key, reveal_exactly(scalar, PRIVATE_KEY_LENGTH)):
        return None
    total = Secret(ffi.buffer(key))
    ffi.memmove(key, bytes(PRIVATE_KEY_LENGTH), PRIVATE_KEY_LENGTH)
    return total


def add_to_public(public: bytes, scalar: bytes) -> bytes | None:
    """Return the 65 bytes of `public + scalar * G`; None when `scalar` is n or more or the sum is no point.

    It is the public key of what `add_scalar` returns for the private one.
    """
    point = _parse(public)
    if not lib.secp256k1_ec_pubkey_tweak_add(_CONTEXT, point, reveal_exactly(scalar, PRIVATE_KEY_LENGTH)):
        return None
    return _serialize(point, compressed=False)


def multiply_point(public: bytes, scalar: Material) -> bytes:
    """Return the 65 bytes of `scalar` * `public`; raise UsageError unless the scalar is 32 bytes from 1 to n - 1."""
    point = _parse(public)
    if not lib.secp256k1_ec_pubkey_tweak_mul(_CONTEXT, point, reveal_exactly(scalar, PRIVATE_KEY_LENGTH)):
        raise UsageError("the scalar is not from 1 to n - 1")
    return _serialize(point, compressed=False)


def add_points(one: bytes, other: bytes) -> bytes | None:
    """Return the 65 bytes of the sum of two points; None when it is no point."""
    total, parts = ffi.new("secp256k1_pubkey *"), (_parse(one), _parse(other))
    if not lib.secp256k1_ec_pubkey_combine(_CONTEXT, total, parts, len(parts)):
        return None
    return _serialize(total, compressed=False)


def sign_ecdsa_der(private: Material, digest: bytes) -> bytes:
    """Sign a 32-byte digest: DER of at most 72 bytes beginning with 30, nonce of RFC 6979 with SHA-256, s at most n/2."""
    data = reveal_exactly(private, PRIVATE_KEY_LENGTH)
    _check_digest(digest)
    signature = ffi.new("secp256k1_ecdsa_signature *")
    # no nonce function named: the library's own is RFC 6979
    if not lib.secp256k1_ecdsa_sign(_CONTEXT, signature, digest, data, ffi.NULL, ffi.NULL):
        raise UsageError("the private key is not from 1 to n - 1")
    text = ffi.new("unsigned char[72]")
    length = ffi.new("size_t *", MAX_SIGNATURE_LENGTH)
    lib.secp256k1_ecdsa_signature_serialize_der(_CONTEXT, text, length, signature)
    return bytes(ffi.buffer(text, length[0]))


def sign_ecdsa_recoverable(private: Material, digest: bytes) -> tuple[bytes, int]:
    """Sign as `sign_ecdsa_der` does, and return the recovery id (0 to 3) too: its lowest bit is the parity of the nonce's point."""
    data = reveal_exactly(private, PRIVATE_KEY_LENGTH)
    _check_digest(digest)
    signature = ffi.new("secp256k1_ecdsa_recoverable_signature *")
    if not lib.secp256k1_ecdsa_sign_recoverable(_CONTEXT, signature, digest, data, ffi.NULL, ffi.NULL):
        raise UsageError("the private key is not from 1 to n - 1")
    recovery, plain = ffi.new("int *"), ffi.new("secp256k1_ecdsa_signature *")
    lib.secp256k1_ecdsa_recoverable_signature_serialize_compact(
        _CONTEXT, ffi.new("unsigned char[64]"), recovery, signature
    )
    lib.secp256k1_ecdsa_recoverable_signature_convert(_CONTEXT, plain, signature)
    text = ffi.new("unsigned char[72]")
    length = ffi.new("size_t *", MAX_SIGNATURE_LENGTH)
    lib.secp256k1_ecdsa_signature_serialize_der(_CONTEXT, text, length, plain)
    return bytes(ffi.buffer(text, length[0])), int(recovery[0])


def verify_ecdsa_der(public: bytes, digest: bytes, signature: bytes, *, allow_high_s: bool = False) -> bool:
    """Tell whether `signature` (strict DER) is one of `public` over a 32-byte digest.

    A signature with s above n/2 is the mirror image of a good one; it counts only with `allow_high_s`. Anything that is
    not strict DER is False; a bad public key or digest length is UsageError.
    """
    point = _parse(public)
    _check_digest(digest)
    parsed = ffi.new("secp256k1_ecdsa_signature *")
    if not lib.secp256k1_ecdsa_signature_parse_der(_CONTEXT, parsed, signature, len(signature)):
        return False
    if allow_high_s:
        lib.secp256k1_ecdsa_signature_normalize(_CONTEXT, parsed, parsed)
    return bool(lib.secp256k1_ecdsa_verify(_CONTEXT, parsed, digest, point))


def ecdh(private: Material, public: bytes) -> Secret:
    """Return the SHA-256 (32 bytes) of the compressed point `private` * `public` (wire-protocol D.2).

    A bad key on either side raises UsageError.
    """
    point = _parse(public)
    shared = ffi.new("unsigned char[32]")
    # no hash function named: the library's own is SHA-256 of the compressed point
    if not lib.secp256k1_ecdh(_CONTEXT, shared, point, reveal_exactly(private, PRIVATE_KEY_LENGTH), ffi.NULL, ffi.NULL):
        raise UsageError("the private key is not from 1 to n - 1")
    secret = Secret(ffi.buffer(shared))
    ffi.memmove(shared, bytes(32), 32)
    return secret


def _check_digest(digest: bytes) -> None:
    if len(digest) != DIGEST_LENGTH:
        raise UsageError(f"the digest has {len(digest)} bytes, not {DIGEST_LENGTH}")


def _parse(public: bytes) -> ffi.CData:
    """Return the library's point of a 33- or 65-byte public key; raise UsageError when it is none."""
    form = (len(public), public[0]) if public else (0, 0)
    point = ffi.new("secp256k1_pubkey *")
    if form not in ((33, 2), (33, 3), (65, 4)) or not lib.secp256k1_ec_pubkey_parse(
        _CONTEXT, point, public, len(public)
    ):
        raise UsageError("the public key is not a point of secp256k1")
    return point


def _serialize(point: ffi.CData, *, compressed: bool) -> bytes:
    """Return a library's point as 33 or 65 bytes."""
    size = COMPRESSED_LENGTH if compressed else UNCOMPRESSED_LENGTH
    text = ffi.new("unsigned char[]", size)
    length = ffi.new("size_t *", size)
    flags = lib.SECP256K1_EC_COMPRESSED if compressed else lib.SECP256K1_EC_UNCOMPRESSED
    lib.secp256k1_ec_pubkey_serialize(_CONTEXT, text, length, point, flags)
    return bytes(ffi.buffer(text, length[0]))
