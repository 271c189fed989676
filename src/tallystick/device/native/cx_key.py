"""Keys in an app's memory, laid out as the SDK has them: curve u8 at 0, length u32 at 4, bytes at 8 (``lcx_ecfp.h``).

A private key is as long as the curve's field, or twice that where it was expanded; a public key is 04 and both coordinates, big endian.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tallystick.device.native.cx_bn_call import put_word
from tallystick.device.native.cx_curve import Curve
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.machine import Machine

__all__ = ["Key", "coordinates", "point_bytes", "put_key", "read_key"]

_BYTES_AT: Final = 8
_MAX_BYTES: Final = 161


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of an app, private or public."""

    curve: Curve
    value: bytes = field(repr=False)

    @property
    def number(self) -> int:
        """The private key as a number."""
        return int.from_bytes(self.value, "big")

    @property
    def point(self) -> tuple[int, int]:
        """The point of a public key; raise CxError, EC_INVALID_POINT, when it is none of its curve."""
        point = coordinates(self.value, self.curve.domain.size_bytes)
        if not self.curve.contains(point):
            raise CxError(CxStatus.EC_INVALID_POINT)
        return point


def read_key(machine: Machine, pointer: int) -> Key:
    """Return the key that an app points to.

    Raises:
        BadPointer: not all of it is the app's to read.
        CxError: EC_INVALID_CURVE, or INVALID_PARAMETER for a length that no key has.

    """
    number, size = machine.memory.words(pointer, 2)
    curve = curve_of(number)
    if size > _MAX_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return Key(curve=curve, value=machine.memory.read(pointer + _BYTES_AT, size))


def put_key(machine: Machine, pointer: int, number: int, value: bytes) -> None:
    """Write a key of the curve `number` where the app points to; raise BadPointer."""
    machine.memory.write(pointer, bytes((number & 0xFF,)))
    put_word(machine, pointer + 4, len(value))
    machine.memory.write(pointer + _BYTES_AT, value)


def point_bytes(point: tuple[int, int] | None, size_bytes: int) -> bytes:
    """Return 04 and both coordinates; raise CxError, EC_INFINITE_POINT, for the neutral element."""
    if point is None:
        raise CxError(CxStatus.EC_INFINITE_POINT)
    return b"\x04" + b"".join(coordinate.to_bytes(size_bytes, "big") for coordinate in point)


def coordinates(raw: bytes, size_bytes: int) -> tuple[int, int]:
    """Return the coordinates of a point in its long form; what the first byte says is not looked at, as in the SDK."""
    return int.from_bytes(raw[1 : 1 + size_bytes], "big"), int.from_bytes(
        raw[1 + size_bytes : 1 + 2 * size_bytes], "big"
    )
