"""System calls that tell the parameters of curves: ``ox_ec.h`` (native-apps 2). Sizes are in bits, lengths in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.device.native.cx_bn_call import put_word
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.machine import Handler, Machine

__all__ = ["HANDLERS"]

_OK: Final = CxStatus.OK
_COFACTOR_BYTES: Final = 4
_A, _B, _FIELD, _X, _Y, _ORDER, _COFACTOR = range(1, 8)


def _length(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdomain_parameters_length(curve, length *): in bytes."""
    put_word(machine, arguments[1], curve_of(arguments[0]).domain.size_bytes)
    return _OK


def _size(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdomain_size(curve, size *): in bits."""
    put_word(machine, arguments[1], curve_of(arguments[0]).domain.bits)
    return _OK


def _value(number: int, which: int) -> tuple[int, int]:
    """Return a parameter and its length in bytes; raise CxError."""
    curve = curve_of(number)
    domain = curve.domain
    values = {
        _A: domain.a % domain.p,
        _B: domain.b % domain.p,
        _FIELD: domain.p,
        _X: curve.base[0],
        _Y: curve.base[1],
        _ORDER: domain.order,
        _COFACTOR: domain.cofactor,
    }
    if which & 0xFF not in values:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return values[which & 0xFF], _COFACTOR_BYTES if which & 0xFF == _COFACTOR else domain.size_bytes


def _parameter(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdomain_parameter(curve, which, buffer, its length): as long as the field, the cofactor four bytes."""
    number, which, pointer, room = arguments
    value, size = _value(number, which)
    if room < curve_of(number).domain.size_bytes:
        raise CxError(CxStatus.INVALID_PARAMETER)
    machine.memory.write(pointer, value.to_bytes(size, "big"))
    return _OK


def _parameter_number(machine: Machine, arguments: tuple[int, ...]) -> int:
    number, which, handle = arguments
    machine.numbers[handle].fit(_value(number, which)[0])
    return _OK


def _generator(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdomain_generator(curve, x, y, length)."""
    number, *pointers, room = arguments
    curve = curve_of(number)
    if room < curve.domain.size_bytes:
        raise CxError(CxStatus.INVALID_PARAMETER)
    for pointer, coordinate in zip(pointers, curve.base, strict=True):
        machine.memory.write(pointer, coordinate.to_bytes(curve.domain.size_bytes, "big"))
    return _OK


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_ecdomain_parameters_length": _length,
    "cx_ecdomain_size": _size,
    "cx_ecdomain_parameter": _parameter,
    "cx_ecdomain_parameter_bn": _parameter_number,
    "cx_ecdomain_generator": _generator,
}
