"""System calls on numbers held by handle: modular arithmetic, primes, Montgomery form (native-apps 2).

Moduli are of at most 512 bytes and candidates for primes of at most 256: what a 4096-bit RSA key needs, and what one call may
cost. A call that names a number twice works on what was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tallystick.device.native.cx_bn_call import put_bool, put_word
from tallystick.device.native.cx_error import CxError, CxStatus, read_buffer
from tallystick.device.native.cx_number import inverse, is_prime, next_prime, polynomial_product, square_root
from tallystick.device.native.machine import Handler, Machine

__all__ = ["HANDLERS"]

_OK: Final = CxStatus.OK
_MAX_BYTES: Final = 512
_MAX_PRIME_BYTES: Final = 256
#: work that takes long counts as many calls: by the product of the lengths, or the length squared, in bits, and these powers of two
_POWER_SHIFT, _PRIME_SHIFT, _NEXT_SHIFT = 11, 7, 3


def _modulus(machine: Machine, handle: int, *, odd: CxStatus | None = None) -> int:
    """Return a modulus; raise CxError, with `odd` for an even one."""
    value = machine.numbers[handle].value
    if not value:
        raise CxError(CxStatus.INVALID_PARAMETER)
    if value.bit_length() > 8 * _MAX_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    if odd is not None and not value & 1:
        raise CxError(odd)
    return value


def _modular(operation: Callable[[int, int], int], *, odd: CxStatus | None = None) -> Handler:
    """Return the handler of r = a (operation) b mod n."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> int:
        result, one, other, modulus = arguments
        value = operation(machine.numbers[one].value, machine.numbers[other].value)
        machine.numbers[result].fit(value % _modulus(machine, modulus, odd=odd))
        return _OK

    return handler


def _reduce(machine: Machine, arguments: tuple[int, ...]) -> int:
    result, value, modulus = arguments
    machine.numbers[result].fit(machine.numbers[value].value % _modulus(machine, modulus))
    return _OK


def _square_root(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_mod_sqrt(r, a, n, sign): the root whose lowest bit is that of `sign`."""
    result, value, modulus, sign = arguments
    prime = _modulus(machine, modulus, odd=CxStatus.INVALID_PARAMETER)
    root = square_root(machine.numbers[value].value, prime)
    if root is None:
        raise CxError(CxStatus.NO_RESIDUE)
    machine.numbers[result].fit(root if root & 1 == bool(sign) or not root else prime - root)
    return _OK


def _power(machine: Machine, result: int, base: int, exponent: int, modulus: int) -> int:
    n = _modulus(machine, modulus, odd=CxStatus.INVALID_PARAMETER)
    if exponent.bit_length() > 8 * _MAX_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    machine.calls += exponent.bit_length() * n.bit_length() >> _POWER_SHIFT
    machine.numbers[result].fit(pow(machine.numbers[base].value, exponent, n))
    return _OK


def _power_number(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_mod_pow_bn(r, a, e, n)."""
    result, base, exponent, modulus = arguments
    return _power(machine, result, base, machine.numbers[exponent].value, modulus)


def _power_bytes(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_mod_pow(r, a, e, length of e, n)."""
    result, base, pointer, length, modulus = arguments
    exponent = int.from_bytes(read_buffer(machine, pointer, length), "big")
    return _power(machine, result, base, exponent, modulus)


def _invert(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_mod_invert_nprime(r, a, n), for a prime n."""
    result, value, modulus = arguments
    machine.numbers[result].fit(
        inverse(machine.numbers[value].value, _modulus(machine, modulus, odd=CxStatus.INVALID_PARAMETER))
    )
    return _OK


def _invert_u32(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_mod_u32_invert(r, a, n): as the header says, n is 0 afterwards."""
    result, value, modulus = arguments
    inverted = inverse(value, _modulus(machine, modulus))
    machine.numbers[modulus].value = 0
    machine.numbers[result].fit(inverted)
    return _OK


def _candidate(machine: Machine, handle: int) -> int:
    value = machine.numbers[handle].value
    if value.bit_length() > 8 * _MAX_PRIME_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    return value


def _is_prime(machine: Machine, arguments: tuple[int, ...]) -> int:
    value = _candidate(machine, arguments[0])
    machine.calls += value.bit_length() ** 2 >> _PRIME_SHIFT
    put_bool(machine, arguments[1], value=is_prime(value))
    return _OK


def _next_prime(machine: Machine, arguments: tuple[int, ...]) -> int:
    number, value = machine.numbers[arguments[0]], _candidate(machine, arguments[0])
    machine.calls += value.bit_length() ** 2 >> _NEXT_SHIFT
    if number.cut(next_prime(value)):
        raise CxError(CxStatus.OVERFLOW)
    return _OK


def _polynomial_product(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_bn_gf2_n_mul(r, a, b, n, constant): in GF(2)[x] modulo n; the constant, which only speeds chips up, is not read."""
    result, one, other, modulus, _constant = arguments
    n = _modulus(machine, modulus)
    machine.numbers[result].fit(polynomial_product(machine.numbers[one].value, machine.numbers[other].value, n))
    return _OK


def _context(machine: Machine, pointer: int) -> tuple[int, int]:
    """Return the modulus of a Montgomery context (handles of n and of h), odd, and R = 2 to the bits of its number."""
    handle = machine.memory.words(pointer, 2)[0]
    return _modulus(machine, handle, odd=CxStatus.INVALID_PARAMETER), 1 << machine.numbers[handle].bits


def _montgomery_allocate(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_alloc(context, length)."""
    pointer, length = arguments
    for at in (0, 4):
        put_word(machine, pointer + at, machine.numbers.allocate(length))
    return _OK


def _montgomery_begin(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_init(context, n): the second constant is R squared mod n."""
    pointer, modulus = arguments
    first, second = machine.memory.words(pointer, 2)
    n = _modulus(machine, modulus, odd=CxStatus.INVALID_PARAMETER)
    machine.numbers[first].fit(n)
    machine.numbers[second].fit(pow(2, 2 * machine.numbers[first].bits, n))
    return _OK


def _montgomery_begin_with(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_init2(context, n, h)."""
    pointer, modulus, constant = arguments
    first, second = machine.memory.words(pointer, 2)
    machine.numbers[first].fit(_modulus(machine, modulus, odd=CxStatus.INVALID_PARAMETER))
    machine.numbers[second].fit(machine.numbers[constant].value)
    return _OK


def _to_montgomery(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_to_montgomery(x, z, context): x = z R mod n."""
    result, value, pointer = arguments
    n, r = _context(machine, pointer)
    machine.numbers[result].fit(machine.numbers[value].value * r % n)
    return _OK


def _from_montgomery(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_from_montgomery(z, x, context): z = x / R mod n."""
    result, value, pointer = arguments
    n, r = _context(machine, pointer)
    machine.numbers[result].fit(machine.numbers[value].value * pow(r, -1, n) % n)
    return _OK


def _montgomery_product(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_mul(r, a, b, context): a b / R mod n."""
    result, one, other, pointer = arguments
    n, r = _context(machine, pointer)
    machine.numbers[result].fit(machine.numbers[one].value * machine.numbers[other].value * pow(r, -1, n) % n)
    return _OK


def _raise(machine: Machine, result: int, base: int, exponent: int, pointer: int) -> int:
    n, r = _context(machine, pointer)
    if exponent.bit_length() > 8 * _MAX_BYTES:
        raise CxError(CxStatus.INVALID_PARAMETER_SIZE)
    machine.calls += exponent.bit_length() * n.bit_length() >> _POWER_SHIFT
    plain = machine.numbers[base].value * pow(r, -1, n)
    machine.numbers[result].fit(pow(plain, exponent, n) * r % n)
    return _OK


def _montgomery_power(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_pow(r, a, e, length of e, context)."""
    result, base, exponent, length, pointer = arguments
    return _raise(machine, result, base, int.from_bytes(read_buffer(machine, exponent, length), "big"), pointer)


def _montgomery_power_number(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_pow_bn(r, a, e, context)."""
    result, base, exponent, pointer = arguments
    return _raise(machine, result, base, machine.numbers[exponent].value, pointer)


def _montgomery_inverse(machine: Machine, arguments: tuple[int, ...]) -> int:
    """cx_mont_invert_nprime(r, a, context): of a number in Montgomery form, in Montgomery form."""
    result, value, pointer = arguments
    n, r = _context(machine, pointer)
    machine.numbers[result].fit(inverse(machine.numbers[value].value * pow(r, -1, n), n) * r % n)
    return _OK


HANDLERS: Final[Mapping[str, Handler]] = {
    "cx_bn_mod_add": _modular(int.__add__),
    "cx_bn_mod_sub": _modular(int.__sub__),
    "cx_bn_mod_mul": _modular(int.__mul__, odd=CxStatus.INVALID_PARAMETER_VALUE),
    "cx_bn_reduce": _reduce,
    "cx_bn_mod_sqrt": _square_root,
    "cx_bn_mod_pow_bn": _power_number,
    "cx_bn_mod_pow": _power_bytes,
    "cx_bn_mod_pow2": _power_bytes,
    "cx_bn_mod_invert_nprime": _invert,
    "cx_bn_mod_u32_invert": _invert_u32,
    "cx_bn_is_prime": _is_prime,
    "cx_bn_next_prime": _next_prime,
    "cx_bn_gf2_n_mul": _polynomial_product,
    "cx_mont_alloc": _montgomery_allocate,
    "cx_mont_init": _montgomery_begin,
    "cx_mont_init2": _montgomery_begin_with,
    "cx_mont_to_montgomery": _to_montgomery,
    "cx_mont_from_montgomery": _from_montgomery,
    "cx_mont_mul": _montgomery_product,
    "cx_mont_pow": _montgomery_power,
    "cx_mont_pow_bn": _montgomery_power_number,
    "cx_mont_invert_nprime": _montgomery_inverse,
}
