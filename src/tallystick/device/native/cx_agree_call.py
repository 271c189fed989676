"""Functions of the shared library that agree on a secret: ``lcx_ecdh.h`` (native-apps 1, way two)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_fast import x448, x25519
from tallystick.device.native.cx_guard import EXCEPTION, alone
from tallystick.device.native.cx_key import coordinates, point_bytes, read_key
from tallystick.device.native.machine import Handler, Machine

__all__ = ["LIBRARY"]

_MASK_FORM: Final = 7 << 12
_POINT, _X = 1 << 12, 2 << 12
_X25519_BYTES, _X448_BYTES = 32, 56


def _agree(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdh_no_throw(key, mode, point, its length, secret, its room): the point, 04 x y, or its x alone."""
    private, mode, pointer, length, target, room = arguments[:6]
    key = read_key(machine, private)
    curve = key.curve
    size, form = curve.domain.size_bytes, mode & _MASK_FORM
    needed = {_POINT: 1 + 2 * size, _X: size}.get(form)
    if curve.domain.shape is Shape.EDWARDS:
        return EXCEPTION
    if needed is None or length != 1 + 2 * size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if room < needed:
        return EXCEPTION
    public = coordinates(machine.memory.read(pointer, length), size)
    if not curve.contains(public):
        raise CxError(CxStatus.EC_INVALID_POINT)
    shared = point_bytes(curve.multiply(public, key.number), size)
    machine.memory.write(target, shared if form == _POINT else shared[1 : 1 + size])
    return CxStatus.OK


def _coordinate(machine: Machine, arguments: tuple[int, ...], size: int) -> int:
    """cx_x25519(u, k, length), cx_x448(u, k, length): u little endian; the result, as the SDK exports it, big endian."""
    target, pointer, length = arguments[:3]
    if length != size:
        raise CxError(CxStatus.INVALID_PARAMETER)
    private, coordinate = machine.memory.read(pointer, size), machine.memory.read(target, size)
    if not any(private):
        raise CxError(CxStatus.EC_INFINITE_POINT)
    function = x25519 if size == _X25519_BYTES else x448
    machine.memory.write(target, bytes(reversed(function(private, coordinate))))
    return CxStatus.OK


def _x25519(machine: Machine, arguments: tuple[int, ...]) -> int:
    return _coordinate(machine, arguments, _X25519_BYTES)


def _x448(machine: Machine, arguments: tuple[int, ...]) -> int:
    return _coordinate(machine, arguments, _X448_BYTES)


LIBRARY: Final[Mapping[str, Handler]] = {
    "cx_ecdh_no_throw": alone(_agree),
    "cx_x25519": alone(_x25519),
    "cx_x448": alone(_x448),
}
