"""Number theory for native apps, on Python's integers: roots, inverses, primes. Every loop ends, whatever the numbers are.

Constant time is not claimed.
"""

from __future__ import annotations

from hashlib import sha512
from typing import Final

from tallystick.device.native.cx_error import CxError, CxStatus

__all__ = ["inverse", "is_prime", "next_prime", "polynomial_product", "square_root"]

_SMALL_PRIMES: Final = tuple(n for n in range(2, 2000) if all(n % d for d in range(2, int(n**0.5) + 1)))
_ROUNDS: Final = 40


def inverse(value: int, modulus: int) -> int:
    """Return the inverse of `value` modulo `modulus`; raise CxError, NOT_INVERTIBLE, when there is none."""
    try:
        return pow(value, -1, modulus)
    except ValueError:
        raise CxError(CxStatus.NOT_INVERTIBLE) from None


def square_root(value: int, prime: int) -> int | None:
    """Return a root of `value` modulo an odd prime, or None where there is none (Tonelli and Shanks).

    For a modulus that is no prime, too, the answer is None or a root.
    """
    value %= prime
    odd, twos = prime - 1, 0
    while odd and not odd & 1:
        odd, twos = odd >> 1, twos + 1
    root, rest = pow(value, (odd + 1) // 2, prime), pow(value, odd, prime)
    if twos > 1 and value:
        root = _shanks(root, rest, prime, odd, twos)
    return root if root * root % prime == value else None


def _shanks(root: int, rest: int, prime: int, odd: int, twos: int) -> int:
    """Mend a root by the powers of two in the order of the group: at most `twos` times."""
    other = next((n for n in _SMALL_PRIMES if pow(n, (prime - 1) // 2, prime) == prime - 1), None)
    if other is None:
        return 0
    step, left = pow(other, odd, prime), twos
    for _ in range(twos):
        if rest == 1:
            break
        order, power = 0, rest
        while power != 1 and order < left:
            power, order = power * power % prime, order + 1
        if order >= left:
            return 0
        factor = pow(step, 1 << (left - order - 1), prime)
        step = factor * factor % prime
        root, rest, left = root * factor % prime, rest * step % prime, order
    return root


def is_prime(value: int) -> bool:
    """Tell whether `value` is a prime (Miller and Rabin, 40 rounds).

    The bases are drawn from a hash of the number, so nobody can look for a number that passes bases known before.
    """
    if value < 2:
        return False
    for prime in _SMALL_PRIMES:
        if value % prime == 0:
            return value == prime
    seed = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return all(
        _is_strong(value, 2 + int.from_bytes(sha512(seed + bytes((turn,))).digest(), "big") % (value - 3))
        for turn in range(_ROUNDS)
    )


def _is_strong(value: int, base: int) -> bool:
    """Tell whether `value` could be a prime, by one base."""
    odd, twos = value - 1, 0
    while not odd & 1:
        odd, twos = odd >> 1, twos + 1
    power = pow(base, odd, value)
    if power in {1, value - 1}:
        return True
    for _ in range(twos - 1):
        power = power * power % value
        if power == value - 1:
            return True
    return False


def next_prime(value: int) -> int:
    """Return the first prime above `value`; by Chebyshev's theorem it is below twice that."""
    if value < 2:
        return 2
    value += 1 + (value & 1)
    while not is_prime(value):
        value += 2
    return value


def polynomial_product(one: int, other: int, modulus: int) -> int:
    """Return the product of two polynomials over GF(2), whose coefficients are bits, modulo a third that is not 0."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        one, other = one << 1, other >> 1
    length = modulus.bit_length()
    while product.bit_length() >= length:
        product ^= modulus << (product.bit_length() - length)
    return product
