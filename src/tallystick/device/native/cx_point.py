"""Points as native apps hold them, and scalars (native-apps 2).

A point in an app's memory is its curve (u8 at 0) and the handles of three numbers (u32 at 4, 8, 12): x, y and z. What the OS
leaves there is affine, z = 1; the neutral element is (0, 1, 0). What it finds may have any z, as ``ox_ec.h`` allows: Jacobian for
Weierstrass curves, else homogeneous. A point that is not on its curve is refused before anything is computed with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.device.native.cx_bn import Number
from tallystick.device.native.cx_curve import Curve, Point
from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.machine import Machine

__all__ = ["POINT_BYTES", "HeldPoint", "held_point", "pay", "put_coordinate", "scalar"]

#: of a point in an app's memory
POINT_BYTES: Final = 16
_MAX_SCALAR_BYTES: Final = 256
_SECP256K1: Final = 0x21


@dataclass(frozen=True, slots=True)
class HeldPoint:
    """A point as the app holds it: a curve and three numbers."""

    curve: Curve
    x: Number
    y: Number
    z: Number

    def coordinates(self) -> tuple[int, int]:
        """Return x and y with z = 1; raise CxError, EC_INFINITE_POINT, for the neutral element."""
        if not self.z.value:
            raise CxError(CxStatus.EC_INFINITE_POINT)
        if self.z.value != 1:
            self._normalize()
        return self.x.value, self.y.value

    def point(self) -> Point:
        """Return a point of the curve; raise CxError, EC_INVALID_POINT, for what is none."""
        point = self.coordinates() if self.z.value else None
        if not self.curve.contains(point):
            raise CxError(CxStatus.EC_INVALID_POINT)
        return point

    def put(self, point: Point) -> int:
        """Take a point, and return what the call answers: the neutral element is told."""
        x, y = point or (0, 1)
        self.x.fit(x)
        self.y.fit(y)
        self.z.value = int(point is not None)
        return CxStatus.OK if point else CxStatus.EC_INFINITE_POINT

    def _normalize(self) -> None:
        p = self.curve.p
        try:
            inverse = pow(self.z.value, -1, p)
        except ValueError:
            raise CxError(CxStatus.EC_INVALID_POINT) from None
        jacobian = self.curve.domain.shape is Shape.WEIERSTRASS
        self.x.fit(self.x.value * (inverse**2 if jacobian else inverse) % p)
        self.y.fit(self.y.value * (inverse**3 if jacobian else inverse) % p)
        self.z.value = 1


def held_point(machine: Machine, pointer: int) -> HeldPoint:
    """Return the point that an app points to; raise CxError or BadPointer."""
    number, *handles = machine.memory.words(pointer, 4)
    machine.numbers.check()
    return HeldPoint(curve_of(number), *(machine.numbers[handle] for handle in handles))


def pay(machine: Machine, held: HeldPoint, factor: int) -> None:
    """Let work that takes long count as many calls: a bit of a scalar as one, thirty where libsecp256k1 does it."""
    machine.calls += factor.bit_length() >> (5 if held.curve.domain.number == _SECP256K1 else 0)


def scalar(machine: Machine, pointer: int, length: int) -> int:
    """Return a scalar (big endian, at most 256 bytes) that an app points to; raise CxError or BadPointer."""
    if length > _MAX_SCALAR_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    return int.from_bytes(read_buffer(machine, pointer, length), "big")


def put_coordinate(machine: Machine, target: int, length: int, value: int) -> None:
    """Write the lowest `length` bytes (at most 256) of a number, big endian, zeros before it; raise CxError or BadPointer."""
    if length > _MAX_SCALAR_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    machine.memory.write(target, (value & ((1 << 8 * length) - 1)).to_bytes(length, "big"))
