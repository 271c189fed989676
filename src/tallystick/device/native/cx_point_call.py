"""System calls on points of curves (native-apps 2); how points lie in an app's memory says `cx_point`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tallystick.device.native.cx_bn_call import put_bool, put_word
from tallystick.device.native.cx_domain import Shape
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer
from tallystick.device.native.cx_fast import curve_of, x448, x25519
from tallystick.device.native.cx_point import POINT_BYTES, held_point, pay, put_coordinate, scalar
from tallystick.device.native.machine import Handler, Machine
from tallystick.device.native.memory import BadPointer

__all__ = ["HANDLERS"]

_OK: Final = CxStatus.OK


def _generator_point(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecdomain_generator_bn(curve, point): the point is one of that curve already."""
    curve, held = curve_of(arguments[0]), held_point(machine, arguments[1])
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
    machine.memory.write(arguments[0], bytes(POINT_BYTES))
    return _OK


def _set(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_init(point, x, its length, y, its length)."""
    pointer, x, x_length, y, y_length = arguments
    held = held_point(machine, pointer)
    held.x.fit(int.from_bytes(read_buffer(machine, x, x_length), "big"))
    held.y.fit(int.from_bytes(read_buffer(machine, y, y_length), "big"))
    held.z.value = 1
    return _OK


def _set_numbers(machine: Machine, arguments: tuple[int, ...]) -> int:
    held, x, y = held_point(machine, arguments[0]), machine.numbers[arguments[1]], machine.numbers[arguments[2]]
    held.x.fit(x.value)
    held.y.fit(y.value)
    held.z.value = 1
    return _OK


def _export(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_export(point, x, its length, y, its length): either may be left out."""
    pointer, *targets = arguments
    for coordinate, at in zip(held_point(machine, pointer).coordinates(), (0, 2), strict=True):
        target, length = targets[at], targets[at + 1]
        if target:
            put_coordinate(machine, target, length, coordinate)
    return _OK


def _export_numbers(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_export_bn(point, handle of x *, handle of y *): either may be left out."""
    for coordinate, target in zip(held_point(machine, arguments[0]).coordinates(), arguments[1:], strict=True):
        if target:
            machine.numbers[machine.memory.words(target, 1)[0]].fit(coordinate)
    return _OK


def _compress(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_compress(point, coordinate, its length, sign *): y of an Edwards curve, else x, and the other one's lowest bit."""
    pointer, target, length, sign = arguments
    held = held_point(machine, pointer)
    x, y = held.coordinates()
    kept, other = (y, x) if held.curve.domain.shape is Shape.EDWARDS else (x, y)
    put_coordinate(machine, target, length, kept)
    put_word(machine, sign, other & 1)
    return _OK


def _decompress(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_decompress(point, coordinate, its length, sign)."""
    pointer, source, length, sign = arguments
    held = held_point(machine, pointer)
    return held.put(held.curve.lift(scalar(machine, source, length), odd=bool(sign)))


def _add(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_add(r, p, q)."""
    result, one, other = (held_point(machine, pointer) for pointer in arguments)
    if one.curve is not other.curve or one.curve is not result.curve:
        raise CxError(CxStatus.EC_INVALID_POINT)
    return result.put(one.curve.add(one.point(), other.point()))


def _negate(machine: Machine, arguments: tuple[int, ...]) -> int:
    held = held_point(machine, arguments[0])
    return held.put(held.curve.negate(held.point()))


def _multiply(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_ecpoint_scalarmul(point, scalar, its length), and its kin that hide what they do from probes."""
    held, factor = held_point(machine, arguments[0]), scalar(machine, arguments[1], arguments[2])
    pay(machine, held, factor)
    return held.put(held.curve.multiply(held.point(), factor))


def _multiply_number(machine: Machine, arguments: tuple[int, ...]) -> int:
    held, factor = held_point(machine, arguments[0]), machine.numbers[arguments[1]].value
    pay(machine, held, factor)
    return held.put(held.curve.multiply(held.point(), factor))


def _combine(machine: Machine, pointers: tuple[int, ...], first: int, second: int) -> int:
    result, one, other = (held_point(machine, pointer) for pointer in pointers)
    if one.curve is not other.curve or one.curve is not result.curve:
        raise CxError(CxStatus.EC_INVALID_POINT)
    pay(machine, one, first * second)
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
    one, other = held_point(machine, arguments[0]), held_point(machine, arguments[1])
    same = one.curve is other.curve and one.coordinates() == other.coordinates()
    put_bool(machine, arguments[2], value=same)
    return _OK


def _is_on_curve(machine: Machine, arguments: tuple[int, ...]) -> int:
    held = held_point(machine, arguments[0])
    put_bool(machine, arguments[1], value=held.curve.contains(held.coordinates()))
    return _OK


def _is_neutral(machine: Machine, arguments: tuple[int, ...]) -> int:
    put_bool(machine, arguments[1], value=not held_point(machine, arguments[0]).z.value)
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
