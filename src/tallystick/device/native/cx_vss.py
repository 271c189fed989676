"""Shares of a secret that can be verified, over P-384 (``ox_vss.h``): Pedersen's scheme of 1991.

Two polynomials of one degree: the first has the secret at 0, the second hides it. A share is both at one place, a commitment binds a
coefficient of both to two points whose logarithms nobody knows. How real systems make coefficients of a seed is not public, so here they
are made in a way of our own; shares and commitments are what the header says of them, whoever made them.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tallystick.device.native.cx_curve import Point
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_fast import curve_of

__all__ = ["NUMBER_BYTES", "Share", "combine", "commit", "matches", "polynomials", "split"]

#: a number below the order, and a coordinate
NUMBER_BYTES: Final = 48
_CURVE: Final = curve_of(0x23)
_ORDER: Final = _CURVE.domain.order
_LABEL: Final = b"verifiable shares over P-384"

Polynomial = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Both polynomials at `index` (32 bits, not 0): numbers below the order of P-384."""

    index: int
    value: int = field(repr=False)
    blinding: int = field(repr=False)


def polynomials(seed: bytes, secret: bytes, *, threshold: int) -> tuple[Polynomial, Polynomial]:
    """Return the coefficients of both polynomials, lowest first, as many as `threshold`; the first of all is the secret, big endian.

    All others come of the seed and the secret by HMAC-SHA-512, so that one seed for two secrets tells nothing of either.
    """

    def coefficient(polynomial: int, at: int) -> int:
        told = _LABEL + bytes((polynomial, at, len(secret))) + secret
        return int.from_bytes(hmac.digest(seed, told, "sha512"), "big") % _ORDER

    first = (int.from_bytes(secret, "big"), *(coefficient(0, at) for at in range(1, threshold)))
    return first, tuple(coefficient(1, at) for at in range(threshold))


def split(made: tuple[Polynomial, Polynomial], count: int) -> list[Share]:
    """Return the shares at 1, 2, ... `count`."""
    return [
        Share(index=index, value=_at(made[0], index), blinding=_at(made[1], index)) for index in range(1, count + 1)
    ]


def _at(polynomial: Polynomial, place: int) -> int:
    total = 0
    for coefficient in reversed(polynomial):
        total = (total * place + coefficient) % _ORDER
    return total


def commit(made: tuple[Polynomial, Polynomial], point: Point) -> list[Point]:
    """Return a commitment to each pair of coefficients: so many times the generator, and so many times `point`."""
    return [_CURVE.combine((_CURVE.base, one), (point, other)) for one, other in zip(*made, strict=True)]


def combine(shares: Sequence[Share]) -> int:
    """Return the secret, by Lagrange at 0; raise CxError, INVALID_PARAMETER, for an index that is 0 or there twice."""
    places = [share.index for share in shares]
    if 0 in places or len(set(places)) != len(places):
        raise CxError(CxStatus.INVALID_PARAMETER)
    total = 0
    for share in shares:
        above = below = 1
        for place in places:
            if place != share.index:
                above = above * place % _ORDER
                below = below * (place - share.index) % _ORDER
        total += share.value * above * pow(below, -1, _ORDER)
    return total % _ORDER


def matches(commitments: Sequence[Point], share: Point, index: int) -> bool:
    """Tell whether the commitment to a share is what the commitments to the coefficients make it at `index`."""
    total: Point = None
    for commitment in reversed(commitments):
        total = _CURVE.combine((total, index), (commitment, 1))
    return total == share
