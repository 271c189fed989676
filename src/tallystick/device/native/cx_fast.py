"""Curves by their number in the SDK: on libsecp256k1 and OpenSSL for what these do, on Python's integers for the rest.

libsecp256k1 does all of secp256k1; OpenSSL multiplies the generators of the NIST curves and of Brainpool's r1 curves, and does
X25519 and X448 (RFC 7748). Scalars and coordinates of these are little endian, 32 and 56 bytes; a result may be all zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tallystick.crypto import secp256k1
from tallystick.device.native.cx_curve import Curve, Edwards, Montgomery, Point, Weierstrass
from tallystick.device.native.cx_domain import DOMAINS, Domain, Shape
from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["curve_of", "x448", "x25519"]

_SECP256K1: Final = 0x21
_OPENSSL: Final[Mapping[int, Callable[[], ec.EllipticCurve]]] = {
    0x22: ec.SECP256R1,
    0x23: ec.SECP384R1,
    0x24: ec.SECP521R1,
    0x32: ec.BrainpoolP256R1,
    0x36: ec.BrainpoolP384R1,
    0x38: ec.BrainpoolP512R1,
}


class _Secp256k1(Weierstrass):
    """All by libsecp256k1; scalars may be reduced, since the group has no other elements."""

    def combine(self, *terms: tuple[Point, int]) -> Point:
        """Return the sum of points, each taken as often as the number with it says."""
        parts = [self._times(point, scalar % self.domain.order) for point, scalar in terms if point]
        total: bytes | None = None
        for part in parts:
            total = part if total is None else total if part is None else secp256k1.add_points(total, part)
        return None if total is None else (int.from_bytes(total[1:33], "big"), int.from_bytes(total[33:], "big"))

    def _times(self, point: tuple[int, int], scalar: int) -> bytes | None:
        if not scalar:
            return None
        raw = scalar.to_bytes(32, "big")
        if point == self.domain.base:
            return secp256k1.public_key(raw, compressed=False)
        public = b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
        return public if scalar == 1 else secp256k1.multiply_point(public, raw)


class _OpenSsl(Weierstrass):
    """The generator by OpenSSL, other points by ourselves."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self._curve = _OPENSSL[domain.number]()

    def combine(self, *terms: tuple[Point, int]) -> Point:
        """Return the sum of points, each taken as often as the number with it says."""
        done = [self._base_times(scalar) if point == self.domain.base else (point, scalar) for point, scalar in terms]
        if all(scalar == 1 for _, scalar in done) and len(done) == 1:
            return done[0][0]
        return super().combine(*done)

    def _base_times(self, scalar: int) -> tuple[Point, int]:
        scalar %= self.domain.order
        if not scalar:
            return None, 1
        public = ec.derive_private_key(scalar, self._curve).public_key().public_numbers()
        return (public.x, public.y), 1


_SHAPES: Final[Mapping[Shape, Callable[[Domain], Curve]]] = {
    Shape.WEIERSTRASS: Weierstrass,
    Shape.EDWARDS: Edwards,
    Shape.MONTGOMERY: Montgomery,
}


def _make(domain: Domain) -> Curve:
    if domain.number == _SECP256K1:
        return _Secp256k1(domain)
    if domain.number in _OPENSSL:
        return _OpenSsl(domain)
    return _SHAPES[domain.shape](domain)


_CURVES: Final[Mapping[int, Curve]] = MappingProxyType({number: _make(domain) for number, domain in DOMAINS.items()})


def curve_of(number: int) -> Curve:
    """Return the curve of a number of the SDK, whose lowest byte counts; raise CxError, EC_INVALID_CURVE, for one that is none."""
    curve = _CURVES.get(number & 0xFF)
    if curve is None:
        raise CxError(CxStatus.EC_INVALID_CURVE)
    return curve


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
