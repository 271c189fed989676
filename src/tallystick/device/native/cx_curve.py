"""Points of any curve of the SDK, on Python's integers: what no library here offers (native-apps 2).

A point is its two affine coordinates, None the neutral element. Real implementations stand before this where they can
(`tallystick.device.native.cx_fast`). Constant time is not claimed: this is an emulator's arithmetic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from tallystick.device.native.cx_domain import Domain, Shape
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_number import square_root

__all__ = ["Curve", "Edwards", "Montgomery", "Point", "Weierstrass"]

Point = tuple[int, int] | None
#: three homogeneous or Jacobian coordinates
_Triple = tuple[int, int, int]
_WINDOW: Final = 4


class Curve(ABC):
    """The group of one curve. Points that are handed in are on the curve: `contains` tells."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.p = domain.p

    @property
    def base(self) -> tuple[int, int]:
        """The generator."""
        return self.domain.base[0] % self.p, self.domain.base[1] % self.p

    @abstractmethod
    def contains(self, point: Point) -> bool:
        """Tell whether `point` is one of the curve, its coordinates below p."""

    @abstractmethod
    def negate(self, point: Point) -> Point:
        """Return the opposite of a point."""

    @abstractmethod
    def lift(self, coordinate: int, *, odd: bool) -> tuple[int, int]:
        """Return the point of one coordinate (y for Edwards curves, else x) whose other one is odd, or is even.

        Raises:
            CxError: there is none, NO_RESIDUE.

        """

    @abstractmethod
    def combine(self, *terms: tuple[Point, int]) -> Point:
        """Return the sum of points, each taken as often as the number with it says (not negative)."""

    def add(self, one: Point, other: Point) -> Point:
        """Return the sum of two points."""
        return self.combine((one, 1), (other, 1))

    def multiply(self, point: Point, scalar: int) -> Point:
        """Return a point taken `scalar` times."""
        return self.combine((point, scalar))

    def _root(self, square: int, *, odd: bool) -> int:
        root = square_root(square, self.p)
        if root is None or (not root and odd):
            raise CxError(CxStatus.NO_RESIDUE)
        return root if root & 1 == odd else self.p - root

    def _below_p(self, point: tuple[int, int]) -> bool:
        return point[0] < self.p and point[1] < self.p


def _ladder(
    terms: list[tuple[_Triple, int]],
    neutral: _Triple,
    add: Callable[[_Triple, _Triple], _Triple],
    double: Callable[[_Triple], _Triple],
) -> _Triple:
    """Add up points taken so and so often, by windows of four bits over all scalars at once."""
    tables = []
    for point, scalar in terms:
        table = [neutral, point]
        for _ in range(2, 1 << _WINDOW):
            table.append(add(table[-1], point))
        tables.append((table, scalar))
    total = neutral
    for at in range((max((scalar.bit_length() for _, scalar in terms), default=0) - 1) // _WINDOW, -1, -1):
        for _ in range(_WINDOW):
            total = double(total)
        for table, scalar in tables:
            digit = scalar >> _WINDOW * at & ((1 << _WINDOW) - 1)
            if digit:
                total = add(total, table[digit])
    return total


class Weierstrass(Curve):
    """y^2 = x^3 + a x + b."""

    def contains(self, point: Point) -> bool:
        """Tell whether `point` is one of the curve, its coordinates below p."""
        if point is None:
            return True
        x, y = point
        return self._below_p(point) and (y * y - (x * x + self.domain.a) * x - self.domain.b) % self.p == 0

    def negate(self, point: Point) -> Point:
        """Return the opposite of a point."""
        return point and (point[0], -point[1] % self.p)

    def lift(self, coordinate: int, *, odd: bool) -> tuple[int, int]:
        """Return the point of one coordinate whose other one is odd, or is even; raise CxError, NO_RESIDUE."""
        x = coordinate % self.p
        return x, self._root(((x * x + self.domain.a) * x + self.domain.b) % self.p, odd=odd)

    def combine(self, *terms: tuple[Point, int]) -> Point:
        """Return the sum of points, each taken as often as the number with it says."""
        affine = [((*point, 1), scalar) for point, scalar in terms if point]
        x, y, z = _ladder(affine, (1, 1, 0), self._add, self._double)
        if not z:
            return None
        inverse = pow(z, -1, self.p)
        square = inverse * inverse % self.p
        return x * square % self.p, y * square * inverse % self.p

    def _add(self, one: _Triple, other: _Triple) -> _Triple:
        """Add in Jacobian coordinates."""
        if not one[2] or not other[2]:
            return one if one[2] else other
        p = self.p
        x1, y1, z1 = one
        x2, y2, z2 = other
        zz1, zz2 = z1 * z1 % p, z2 * z2 % p
        u1, u2 = x1 * zz2 % p, x2 * zz1 % p
        s1, s2 = y1 * zz2 * z2 % p, y2 * zz1 * z1 % p
        h, r = u2 - u1, s2 - s1
        if not h:
            return (1, 1, 0) if r else self._double(one)
        hh = h * h % p
        hhh, v = hh * h % p, u1 * hh % p
        x = (r * r - hhh - 2 * v) % p
        return x, (r * (v - x) - s1 * hhh) % p, z1 * z2 * h % p

    def _double(self, point: _Triple) -> _Triple:
        p = self.p
        x, y, z = point
        if not y or not z:
            return 1, 1, 0
        yy = y * y % p
        s = 4 * x * yy % p
        zz = z * z % p
        m = (3 * x * x + self.domain.a * zz * zz) % p
        nx = (m * m - 2 * s) % p
        return nx, (m * (s - nx) - 8 * yy * yy) % p, 2 * y * z % p


class Edwards(Curve):
    """a x^2 + y^2 = 1 + b x^2 y^2."""

    def contains(self, point: Point) -> bool:
        """Tell whether `point` is one of the curve, its coordinates below p."""
        if point is None:
            return True
        xx, yy = point[0] * point[0], point[1] * point[1]
        return self._below_p(point) and (self.domain.a * xx + yy - 1 - self.domain.b * xx * yy) % self.p == 0

    def negate(self, point: Point) -> Point:
        """Return the opposite of a point."""
        return point and (-point[0] % self.p, point[1])

    def lift(self, coordinate: int, *, odd: bool) -> tuple[int, int]:
        """Return the point of one coordinate whose other one is odd, or is even; raise CxError, NO_RESIDUE."""
        y = coordinate % self.p
        below = (self.domain.b * y * y - self.domain.a) % self.p
        return self._root((y * y - 1) * pow(below, -1, self.p) % self.p if below else 0, odd=odd), y

    def combine(self, *terms: tuple[Point, int]) -> Point:
        """Return the sum of points, each taken as often as the number with it says."""
        affine = [((*point, 1), scalar) for point, scalar in terms if point]
        x, y, z = _ladder(affine, (0, 1, 1), self._add, lambda point: self._add(point, point))
        inverse = pow(z, -1, self.p)
        point = (x * inverse % self.p, y * inverse % self.p)
        return None if point == (0, 1) else point

    def _add(self, one: _Triple, other: _Triple) -> _Triple:
        """Add in homogeneous coordinates; the formula holds for doubling, too."""
        p = self.p
        x1, y1, z1 = one
        x2, y2, z2 = other
        a = z1 * z2 % p
        b, c, d = a * a % p, x1 * x2 % p, y1 * y2 % p
        e = self.domain.b * c * d % p
        f, g = b - e, b + e
        return (
            a * f * ((x1 + y1) * (x2 + y2) - c - d) % p,
            a * g * (d - self.domain.a * c) % p,
            f * g % p,
        )


class Montgomery(Curve):
    """Worked on as the Weierstrass curve that it is another form of; `b` is 1 for all there are."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        p = self.p
        self._shift = domain.a * pow(3, -1, p) % p
        a = (1 - domain.a * self._shift) % p
        b = (2 * self._shift**3 - self._shift) % p
        self._twin = Weierstrass(
            Domain(
                number=domain.number,
                name=domain.name,
                shape=Shape.WEIERSTRASS,
                bits=domain.bits,
                size_bytes=domain.size_bytes,
                cofactor=domain.cofactor,
                a=a,
                b=b,
                p=p,
                base=((domain.base[0] + self._shift) % p, domain.base[1]),
                order=domain.order,
            )
        )

    def contains(self, point: Point) -> bool:
        """Tell whether `point` is one of the curve, its coordinates below p."""
        if point is None:
            return True
        x, y = point
        return self._below_p(point) and (y * y - ((x + self.domain.a) * x + 1) * x) % self.p == 0

    def negate(self, point: Point) -> Point:
        """Return the opposite of a point."""
        return point and (point[0], -point[1] % self.p)

    def lift(self, coordinate: int, *, odd: bool) -> tuple[int, int]:
        """Return the point of one coordinate whose other one is odd, or is even; raise CxError, NO_RESIDUE."""
        x = coordinate % self.p
        return x, self._root(((x + self.domain.a) * x + 1) * x % self.p, odd=odd)

    def combine(self, *terms: tuple[Point, int]) -> Point:
        """Return the sum of points, each taken as often as the number with it says."""
        shifted = [(point and ((point[0] + self._shift) % self.p, point[1]), scalar) for point, scalar in terms]
        total = self._twin.combine(*shifted)
        return total and ((total[0] - self._shift) % self.p, total[1])
