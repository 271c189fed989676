"""System calls on points of curves (native-apps 2).

A point in an app's memory is its curve (u8 at 0) and the handles of three numbers (u32 at 4, 8, 12): x, y and z. What the OS
leaves there is affine, z = 1; the neutral element is (0, 1, 0). What it finds may have any z, as ``ox_ec.h`` allows: Jacobian for
Weierstrass curves, else homogeneous. A point that is not on its curve is refused before anything is computed with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.device.native.cx_bn import Number
from tallystick.device.native.cx_bn_call import put_bool, put_word
from tallystick.device.native.cx_curve import Curve, Point
from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.cx_ladder import x448, x25519
from tallystick.device.native.machine import Handler, Machine
from tallystick.device.native.memory import BadPointer

__all__ = ["HANDLERS", "scalar"]

_OK: Final = CxStatus.OK
_POINT_BYTES: Final = 16
_MAX_SCALAR_BYTES: Final = 256
_SECP256K1: Final = 0x21


@dataclass(frozen=True, slots=True)
class _Held:
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
        return _OK if point else CxStatus.EC_INFINITE_POINT

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


def _held(machine: Machine, pointer: int) -> _Held:
    """Return the point that an app points to; raise CxError or BadPointer."""
    number, *handles = machine.memory.words(pointer, 4)
    machine.numbers.check()
    return _Held(curve_of(number), *(machine.numbers[handle] for handle in handles))


def _pay(machine: Machine, held: _Held, factor: int) -> None:
    """Let work that takes long count as many calls: a bit of a scalar as one, thirty where libsecp256k1 does it."""
    machine.calls += factor.bit_length() >> (5 if held.curve.domain.number == _SECP256K1 else 0)


def scalar(machine: Machine, pointer: int, length: int) -> int:
    """Return a scalar (big endian, at most 256 bytes) that an app points to; raise CxError or BadPointer."""
    if length > _MAX_SCALAR_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    return int.from_bytes(read_buffer(machine, pointer, length), "big")


def _generator_point(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdomain_generator_bn(curve, point): the point is one of that curve already."""
    curve, held = curve_of(arguments[0]), _held(machine, arguments[1])
    if held.curve is not curve:
        raise CxError(CxStatus.EC_INVALID_POINT)
    return held.put(curve.base)


def _allocate(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_alloc(point, curve): three numbers, or none of them."""
    pointer, number = arguments
    machine.numbers.check()
    size = curve_of(number).domain.size_bytes
    handles: list[int] = []
    try:
        handles.extend(machine.numbers.allocate(size) for _ in range(3))
        words = b"".join(handle.to_bytes(4, "little") for handle in handles)
        machine.memory.write(pointer, bytes((number & 0xFF,)))
        machine.memory.write(pointer + 4, words)
    except (CxError, BadPointer):
        for handle in handles:
            machine.numbers.release(handle)
        raise
    return _OK


def _destroy(machine: Machine, arguments: tuple[int, ...]) -> int:
    if not arguments[0]:
        return _OK
    machine.numbers.check()
    for handle in machine.memory.words(arguments[0], 4)[1:]:
        machine.numbers.release(handle)
    machine.memory.write(arguments[0], bytes(_POINT_BYTES))
    return _OK


def _set(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_init(point, x, its length, y, its length)."""
    pointer, x, x_length, y, y_length = arguments
    held = _held(machine, pointer)
    held.x.fit(int.from_bytes(read_buffer(machine, x, x_length), "big"))
    held.y.fit(int.from_bytes(read_buffer(machine, y, y_length), "big"))
    held.z.value = 1
    return _OK


def _set_numbers(machine: Machine, arguments: tuple[int, ...]) -> int:
    held, x, y = _held(machine, arguments[0]), machine.numbers[arguments[1]], machine.numbers[arguments[2]]
    held.x.fit(x.value)
    held.y.fit(y.value)
    held.z.value = 1
    return _OK


def _export(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_export(point, x, its length, y, its length): either may be left out."""
    pointer, *targets = arguments
    for coordinate, at in zip(_held(machine, pointer).coordinates(), (0, 2), strict=True):
        target, length = targets[at], targets[at + 1]
        if target:
            _put(machine, target, length, coordinate)
    return _OK


def _put(machine: Machine, target: int, length: int, value: int) -> None:
    """Write the lowest `length` bytes of a number, or zeros before it."""
    if length > _MAX_SCALAR_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    machine.memory.write(target, (value & ((1 << 8 * length) - 1)).to_bytes(length, "big"))


def _export_numbers(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_export_bn(point, handle of x *, handle of y *): either may be left out."""
    for coordinate, target in zip(_held(machine, arguments[0]).coordinates(), arguments[1:], strict=True):
        if target:
            machine.numbers[machine.memory.words(target, 1)[0]].fit(coordinate)
    return _OK


def _compress(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_compress(point, coordinate, its length, sign *): y of an Edwards curve, else x, and the other one's lowest bit."""
    pointer, target, length, sign = arguments
    held = _held(machine, pointer)
    x, y = held.coordinates()
    kept, other = (y, x) if held.curve.domain.shape is Shape.EDWARDS else (x, y)
    _put(machine, target, length, kept)
    put_word(machine, sign, other & 1)
    return _OK


def _decompress(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_decompress(point, coordinate, its length, sign)."""
    pointer, source, length, sign = arguments
    held = _held(machine, pointer)
    return held.put(held.curve.lift(scalar(machine, source, length), odd=bool(sign)))


def _add(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_add(r, p, q)."""
    result, one, other = (_held(machine, pointer) for pointer in arguments)
    if one.curve is not other.curve or one.curve is not result.curve:
        raise CxError(CxStatus.EC_INVALID_POINT)
    return result.put(one.curve.add(one.point(), other.point()))


def _negate(machine: Machine, arguments: tuple[int, ...]) -> int:
    held = _held(machine, arguments[0])
    return held.put(held.curve.negate(held.point()))


def _multiply(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_scalarmul(point, scalar, its length), and its kin that hide what they do from probes."""
    held, factor = _held(machine, arguments[0]), scalar(machine, arguments[1], arguments[2])
    _pay(machine, held, factor)
    return held.put(held.curve.multiply(held.point(), factor))


def _multiply_number(machine: Machine, arguments: tuple[int, ...]) -> int:
    held, factor = _held(machine, arguments[0]), machine.numbers[arguments[1]].value
    _pay(machine, held, factor)
    return held.put(held.curve.multiply(held.point(), factor))


def _combine(machine: Machine, pointers: tuple[int, ...], first: int, second: int) -> int:
    result, one, other = (_held(machine, pointer) for pointer in pointers)
    if one.curve is not other.curve or one.curve is not result.curve:
        raise CxError(CxStatus.EC_INVALID_POINT)
    _pay(machine, one, first * second)
    return result.put(one.curve.combine((one.point(), first), (other.point(), second)))


def _double_multiply(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_double_scalarmul(r, p, q, k, its length, l, its length): r = k p + l q; p and q stay as they are."""
    *pointers, first, first_length, second, second_length = arguments
    return _combine(
        machine, tuple(pointers), scalar(machine, first, first_length), scalar(machine, second, second_length)
    )


def _double_multiply_numbers(machine: Machine, arguments: tuple[int, ...]) -> int:
    *pointers, first, second = arguments
    return _combine(machine, tuple(pointers), machine.numbers[first].value, machine.numbers[second].value)


def _compare(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_cmp(p, q, equal *)."""
    one, other = _held(machine, arguments[0]), _held(machine, arguments[1])
    same = one.curve is other.curve and one.coordinates() == other.coordinates()
    put_bool(machine, arguments[2], value=same)
    return _OK


def _is_on_curve(machine: Machine, arguments: tuple[int, ...]) -> int:
    held = _held(machine, arguments[0])
    put_bool(machine, arguments[1], value=held.curve.contains(held.coordinates()))
    return _OK


def _is_neutral(machine: Machine, arguments: tuple[int, ...]) -> int:
    put_bool(machine, arguments[1], value=not _held(machine, arguments[0]).z.value)
    return _OK


def _coordinate(function: Callable[[bytes, bytes], bytes], size: int) -> Handler:
    """Return the handler of X25519 or X448 (RFC 7748).

    The number is u as its bytes are sent, so little endian; the result is left as the number it is.
    """

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        handle, pointer, length = arguments
        number = machine.numbers[handle]
        if length != size or number.value.bit_length() > 8 * size:
            raise CxError(CxStatus.INVALID_PARAMETER)
        private = read_buffer(machine, pointer, length)
        if not any(private):
            raise CxError(CxStatus.EC_INFINITE_POINT)
        number.fit(int.from_bytes(function(private, number.value.to_bytes(size, "big")), "little"))
        return _OK

    return handler


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_ecdomain_generator_bn": _generator_point,
    "cx_ecpoint_alloc": _allocate,
    "cx_ecpoint_destroy": _destroy,
    "cx_ecpoint_init": _set,
    "cx_ecpoint_init_bn": _set_numbers,
    "cx_ecpoint_export": _export,
    "cx_ecpoint_export_bn": _export_numbers,
    "cx_ecpoint_compress": _compress,
    "cx_ecpoint_decompress": _decompress,
    "cx_ecpoint_add": _add,
    "cx_ecpoint_neg": _negate,
    "cx_ecpoint_scalarmul": _multiply,
    "cx_ecpoint_rnd_scalarmul": _multiply,
    "cx_ecpoint_rnd_fixed_scalarmul": _multiply,
    "cx_ecpoint_scalarmul_bn": _multiply_number,
    "cx_ecpoint_rnd_scalarmul_bn": _multiply_number,
    "cx_ecpoint_double_scalarmul": _double_multiply,
    "cx_ecpoint_double_scalarmul_bn": _double_multiply_numbers,
    "cx_ecpoint_cmp": _compare,
    "cx_ecpoint_is_on_curve": _is_on_curve,
    "cx_ecpoint_is_at_infinity": _is_neutral,
    "cx_ecpoint_x25519": _coordinate(x25519, 32),
    "cx_ecpoint_x448": _coordinate(x448, 56),
}
