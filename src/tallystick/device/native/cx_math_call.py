"""Functions of the shared library on numbers that lie in the app's memory: ``lcx_math.h`` (native-apps 1, way two).

Each takes the arithmetic unit, puts its numbers (big endian) there, and does what one system call does; so sizes and answers are theirs.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from tallystick.device.native.cx_bn import NumberPool
from tallystick.device.native.cx_bn_call import HANDLERS as PLAIN
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_guard import alone
from tallystick.device.native.cx_mod_call import HANDLERS as MODULAR
from tallystick.device.native.machine import Handler, Machine

__all__ = ["LIBRARY"]

_OK: Final = CxStatus.OK
_CALLS: Final[Mapping[str, Handler]] = {**PLAIN, **MODULAR}
_FINE: Final = frozenset((CxStatus.OK, CxStatus.CARRY))


@contextmanager
def _unit(machine: Machine, size: int) -> Generator[NumberPool, None, None]:
    machine.numbers.lock(size)
    try:
        yield machine.numbers
    finally:
        machine.numbers.unlock()


def _load(machine: Machine, pointer: int, size: int) -> int:
    """Return the handle of a number that an app points to; raise CxError or BadPointer."""
    handle = machine.numbers.allocate(size)
    machine.numbers[handle].fit(int.from_bytes(machine.memory.read(pointer, size), "big"))
    return handle


def _store(machine: Machine, handle: int, pointer: int, size: int) -> int:
    raw = machine.numbers[handle].value & ((1 << 8 * size) - 1)
    machine.memory.write(pointer, raw.to_bytes(size, "big"))
    return _OK


def _do(machine: Machine, call: str, *arguments: int) -> None:
    status = _CALLS[call](machine, arguments)
    if status not in _FINE:
        raise CxError(CxStatus.INTERNAL_ERROR)


def _plain(call: str, *, grows: int = 1) -> Handler:
    """Return the handler of (r, a, b, length): r is `grows` times as long, a carry is forgotten."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        result, one, other, size = arguments[:4]
        with _unit(machine, size) as pool:
            handles = pool.allocate(grows * size), _load(machine, one, size), _load(machine, other, size)
            _do(machine, call, *handles)
            return _store(machine, handles[0], result, grows * size)

    return handler


def _modular(call: str, operands: int) -> Handler:
    """Return the handler of (r, operands, modulus, length)."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        result, *pointers = arguments[: 2 + operands]
        size = arguments[2 + operands]
        with _unit(machine, size) as pool:
            handles = pool.allocate(size), *(_load(machine, pointer, size) for pointer in pointers)
            _do(machine, call, *handles)
            return _store(machine, handles[0], result, size)

    return handler


def _compare(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_math_cmp_no_throw(a, b, length, difference *)."""
    one, other, size, pointer = arguments[:4]
    with _unit(machine, size):
        _do(machine, "cx_bn_cmp", _load(machine, one, size), _load(machine, other, size), pointer)
    return _OK


def _reduce(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_math_modm_no_throw(v, its length, m, its length): v = v mod m."""
    value, value_size, modulus, size = arguments[:4]
    with _unit(machine, value_size) as pool:
        handles = pool.allocate(value_size), _load(machine, value, value_size), _load(machine, modulus, size)
        _do(machine, "cx_bn_reduce", *handles)
        return _store(machine, handles[0], value, value_size)


def _power(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_math_powm_no_throw(r, a, e, length of e, m, length)."""
    result, base, exponent, exponent_size, modulus, size = arguments[:6]
    with _unit(machine, size) as pool:
        handles = _load(machine, base, size), _load(machine, modulus, size), pool.allocate(size)
        _do(machine, "cx_bn_mod_pow2", handles[2], handles[0], exponent, exponent_size, handles[1])
        return _store(machine, handles[2], result, size)


def _invert_word(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_math_invintm_no_throw(r, a, m, length), with `a` of 32 bits."""
    result, value, modulus, size = arguments[:4]
    with _unit(machine, size) as pool:
        handles = pool.allocate(size), _load(machine, modulus, size)
        _do(machine, "cx_bn_mod_u32_invert", handles[0], value, handles[1])
        return _store(machine, handles[0], result, size)


def _is_prime(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_math_is_prime_no_throw(r, length, prime *)."""
    value, size, pointer = arguments[:3]
    with _unit(machine, size):
        _do(machine, "cx_bn_is_prime", _load(machine, value, size), pointer)
    return _OK


def _next_prime(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_math_next_prime_no_throw(r, length)."""
    value, size = arguments[:2]
    with _unit(machine, size):
        handle = _load(machine, value, size)
        _do(machine, "cx_bn_next_prime", handle)
        return _store(machine, handle, value, size)


LIBRARY: Final[Mapping[str, Handler]] = {
    name: alone(handler)
    for name, handler in {
        "cx_math_cmp_no_throw": _compare,
        "cx_math_add_no_throw": _plain("cx_bn_add"),
        "cx_math_sub_no_throw": _plain("cx_bn_sub"),
        "cx_math_mult_no_throw": _plain("cx_bn_mul", grows=2),
        "cx_math_addm_no_throw": _modular("cx_bn_mod_add", 2),
        "cx_math_subm_no_throw": _modular("cx_bn_mod_sub", 2),
        "cx_math_multm_no_throw": _modular("cx_bn_mod_mul", 2),
        "cx_math_modm_no_throw": _reduce,
        "cx_math_powm_no_throw": _power,
        "cx_math_invprimem_no_throw": _modular("cx_bn_mod_invert_nprime", 1),
        "cx_math_invintm_no_throw": _invert_word,
        "cx_math_is_prime_no_throw": _is_prime,
        "cx_math_next_prime_no_throw": _next_prime,
    }.items()
}
