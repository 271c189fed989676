"""EdDSA (RFC 8032) with any of the hashes that the SDK allows, on keys that may be expanded already (``lcx_eddsa.h``).

The private key is as long as the field, or twice that: then it is the scalar, little endian, and the prefix. Curves other than
ed25519 are pruned as Ed448 is, as the SDK does it. A public key is 04 and both coordinates, big endian.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_curve import Curve, Point
from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_sponge import SpongeDigest

__all__ = [
    "Expanded",
    "challenge_head",
    "check_curve",
    "digest",
    "encode_point",
    "expand",
    "finish",
    "is_good",
    "nonce_head",
    "sign",
]

_ED25519, _ED448 = 0x71, 0x72
_MAX_FIXED: Final = 64
_DOM4: Final = b"SigEd448\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """What a private key is hashed to: the secret scalar, and the prefix that nonces are made with."""

    scalar: int = field(repr=False)
    prefix: bytes = field(repr=False)


def check_curve(curve: Curve) -> int:
    """Return the length of the field of an Edwards curve, bytes; raise CxError, INVALID_PARAMETER, for another one."""
    if curve.domain.shape is not Shape.EDWARDS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return curve.domain.size_bytes


def digest(md: int, data: bytes, size_bytes: int) -> bytes:
    """Return a digest of so many bytes; raise CxError, INVALID_PARAMETER, for a hash that does not give them."""
    if md == Md.SHAKE256:
        return hashlib.shake_256(data).digest(size_bytes)
    if size_bytes == _MAX_FIXED:
        if md == Md.SHA512:
            return hashlib.sha512(data).digest()
        if md == Md.SHA3:
            return hashlib.sha3_512(data).digest()
        if md == Md.BLAKE2B:
            return hashlib.blake2b(data).digest()
        if md == Md.KECCAK:
            sponge = SpongeDigest.start(Md.KECCAK, size_bits=8 * size_bytes, output_bytes=size_bytes)
            sponge.update(data)
            return sponge.final()
    raise CxError(CxStatus.INVALID_PARAMETER)


def expand(curve: Curve, md: int, private: bytes) -> Expanded:
    """Return what a private key is made of; raise CxError, INVALID_PARAMETER, for a curve, key or hash that does not fit."""
    size = check_curve(curve)
    if len(private) not in {size, 2 * size}:
        raise CxError(CxStatus.INVALID_PARAMETER)
    # asked for an expanded key, too: the hash is one of those that fit
    raw = bytearray(digest(md, private, 2 * size))
    if len(private) == 2 * size:
        raw = bytearray(private)
    elif curve.domain.number == _ED25519:
        raw[0] &= 0xF8
        raw[31] = raw[31] & 0x7F | 0x40
    else:
        raw[0] &= 0xFC
        raw[56] = 0
        raw[55] |= 0x80
    return Expanded(scalar=int.from_bytes(raw[:size], "little"), prefix=bytes(raw[size : 2 * size]))


def encode_point(curve: Curve, point: Point) -> bytes:
    """Return y little endian with the sign of x in its highest bit (RFC 8032, 5.1.2)."""
    x, y = point or (0, 1)
    size = curve.domain.size_bytes
    return (y | (x & 1) << (8 * size - 1)).to_bytes(size, "little")


def _domain(curve: Curve) -> bytes:
    return _DOM4 if curve.domain.number == _ED448 else b""


def nonce_head(curve: Curve, secret: Expanded) -> bytes:
    """Return what is hashed before the message, for the nonce."""
    return _domain(curve) + secret.prefix


def challenge_head(curve: Curve, commitment: bytes, public: bytes) -> bytes:
    """Return what is hashed before the message, for the challenge: R and the public key, encoded."""
    return _domain(curve) + commitment + public


def finish(curve: Curve, nonce: int, challenge: bytes, secret: int) -> bytes:
    """Return the second half of a signature: nonce + challenge * secret, little endian."""
    order = curve.domain.order
    total = (nonce + int.from_bytes(challenge, "little") % order * secret) % order
    return total.to_bytes(curve.domain.size_bytes, "little")


def sign(curve: Curve, md: int, private: bytes, message: bytes) -> bytes:
    """Return the signature over a message, twice as long as the field; raise CxError, INVALID_PARAMETER."""
    secret = expand(curve, md, private)
    size = 2 * curve.domain.size_bytes
    nonce = int.from_bytes(digest(md, nonce_head(curve, secret) + message, size), "little") % curve.domain.order
    commitment = encode_point(curve, curve.multiply(curve.base, nonce))
    public = encode_point(curve, curve.multiply(curve.base, secret.scalar))
    challenge = digest(md, challenge_head(curve, commitment, public) + message, size)
    return commitment + finish(curve, nonce, challenge, secret.scalar)


def is_good(curve: Curve, public: tuple[int, int], challenge: bytes, signature: bytes) -> bool:
    """Tell whether a signature of the right length holds: s B = R + challenge A, with s below the order and R encoded in one way.

    Raises:
        CxError: the public key is no point, EC_INVALID_POINT.

    """
    size = curve.domain.size_bytes
    s = int.from_bytes(signature[size:], "little")
    if not curve.contains(public):
        raise CxError(CxStatus.EC_INVALID_POINT)
    if s >= curve.domain.order:
        return False
    times = int.from_bytes(challenge, "little") % curve.domain.order
    point = curve.combine((curve.base, s), (curve.negate(public), times))
    return encode_point(curve, point) == signature[:size]
