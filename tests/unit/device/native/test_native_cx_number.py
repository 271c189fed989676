"""Numbers that an app holds by handle, against Python's own; and everything that an app may do wrong with them."""

import pytest
from cx_machine import WILD, Cx
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.device.native.cx_bn import MAX_BYTES, MAX_NUMBERS
from tallystick.device.native.cx_call import HANDLERS
from tallystick.device.native.cx_error import CxStatus
from tallystick.device.native.cx_number import is_prime, next_prime, polynomial_product, square_root

P256K1 = 2**256 - 2**32 - 977
SIZE = 32
NUMBERS = st.integers(0, 2**256 - 1)
ODD = st.integers(1, 2**255 - 1).map(lambda half: 2 * half + 1)


class Unit(Cx):
    """A machine whose arithmetic unit is locked."""

    def __init__(self, word=SIZE, **options):
        super().__init__(**options)
        assert self.system("cx_bn_lock", word, 0) == 0

    def new(self, value=0, size=SIZE):
        """Return the handle of a new number."""
        pointer = self.word(0)
        raw = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
        assert self.system("cx_bn_alloc_init", pointer, size, self.put(raw), len(raw)) == 0
        return self.number(pointer)

    def value(self, handle, size=SIZE):
        """Return what a handle holds, by exporting it."""
        target = self.room(size)
        assert self.system("cx_bn_export", handle, target, size) == 0
        return int.from_bytes(self.read(target, size), "big")

    def told(self, name, *arguments, size=4):
        """Return what a call writes to its last pointer."""
        target = self.word(0xEEEEEEEE)
        assert self.system(name, *arguments, target) == 0
        return int.from_bytes(self.read(target, size), "little")


@given(NUMBERS, NUMBERS)
@settings(max_examples=60, deadline=None)
def test_plain_arithmetic_is_that_of_integers(a, b):
    """Sums, differences, products and bits are those of integers, cut to the number's size; what is cut is told."""
    unit = Unit()
    one, other, result, wide = unit.new(a), unit.new(b), unit.new(), unit.new(size=64)
    assert unit.system("cx_bn_add", result, one, other) == (CxStatus.CARRY if a + b >> 256 else 0)
    assert unit.value(result) == (a + b) % 2**256
    assert unit.system("cx_bn_sub", result, one, other) == (CxStatus.CARRY if a < b else 0)
    assert unit.value(result) == (a - b) % 2**256
    assert unit.system("cx_bn_mul", wide, one, other) == 0
    assert unit.value(wide, 64) == a * b
    for name, expected in (("xor", a ^ b), ("or", a | b), ("and", a & b)):
        assert unit.system(f"cx_bn_{name}", result, one, other) == 0
        assert unit.value(result) == expected
    assert unit.told("cx_bn_cmp", one, other) == ((a > b) - (a < b)) % 2**32
    assert unit.told("cx_bn_cmp_u32", one, 7) == ((a > 7) - (a < 7)) % 2**32
    assert unit.told("cx_bn_cnt_bits", one) == a.bit_length()
    assert unit.told("cx_bn_get_u32", one) == a % 2**32
    assert unit.told("cx_bn_is_odd", one, size=1) == a & 1
    assert unit.told("cx_bn_nbytes", wide) == 64


@given(NUMBERS, st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_bits_are_found_set_cleared_and_shifted(a, at):
    """Single bits and shifts are those of integers; what is shifted out on the left is lost."""
    unit = Unit()
    number = unit.new(a)
    assert unit.told("cx_bn_tst_bit", number, at, size=1) == a >> at & 1
    assert unit.system("cx_bn_set_bit", number, at) == 0
    assert unit.value(number) == a | 1 << at
    assert unit.system("cx_bn_clr_bit", number, at) == 0
    assert unit.value(number) == a & ~(1 << at)
    for name, expected in (("shr", a >> at), ("shl", (a << at) % 2**256)):
        other = unit.new(a)
        assert unit.system(f"cx_bn_{name}", other, at) == 0
        assert unit.value(other) == expected


@given(NUMBERS, NUMBERS, ODD)
@settings(max_examples=60, deadline=None)
def test_modular_arithmetic_is_that_of_integers(a, b, n):
    """Every modular operation, plain and in Montgomery's form, is that of integers."""
    unit = Unit()
    one, other, modulus, result = (unit.new(value) for value in (a, b, n, 0))
    for name, expected in (("add", (a + b) % n), ("sub", (a - b) % n), ("mul", a * b % n), ("pow_bn", pow(a, b, n))):
        assert unit.system(f"cx_bn_mod_{name}", result, one, other, modulus) == 0
        assert unit.value(result) == expected
    exponent = unit.put(b.to_bytes(32, "big"))
    for name in ("pow", "pow2"):
        assert unit.system(f"cx_bn_mod_{name}", result, one, exponent, 32, modulus) == 0
        assert unit.value(result) == pow(a, b, n)
    assert unit.system("cx_bn_reduce", result, one, modulus) == 0
    assert unit.value(result) == a % n
    context = unit.room(8)
    assert unit.system("cx_mont_alloc", context, SIZE) == 0
    assert unit.system("cx_mont_init", context, modulus) == 0
    form, second = unit.new(), unit.new()
    assert unit.system("cx_mont_to_montgomery", form, one, context) == 0
    assert unit.value(form) == a * 2**256 % n
    assert unit.system("cx_mont_to_montgomery", second, other, context) == 0
    assert unit.system("cx_mont_mul", result, form, second, context) == 0
    assert unit.system("cx_mont_from_montgomery", result, result, context) == 0
    assert unit.value(result) == a * b % n
    for call in (("cx_mont_pow", exponent, 32), ("cx_mont_pow_bn", other)):
        assert unit.system(call[0], result, form, *call[1:], context) == 0
        assert unit.system("cx_mont_from_montgomery", result, result, context) == 0
        assert unit.value(result) == pow(a, b, n)


@given(st.integers(1, P256K1 - 1), st.booleans())
@settings(max_examples=30, deadline=None)
def test_roots_and_inverses_are_those_of_a_field(a, sign):
    """Modulo a prime, inverses multiply to one and roots square to what they are of, with the parity that is asked for."""
    unit = Unit()
    number, prime, result = unit.new(a), unit.new(P256K1), unit.new()
    assert unit.system("cx_bn_mod_invert_nprime", result, number, prime) == 0
    assert unit.value(result) * a % P256K1 == 1
    square = unit.new(a * a % P256K1)
    assert unit.system("cx_bn_mod_sqrt", result, square, prime, int(sign)) == 0
    root = unit.value(result)
    assert root in {a, P256K1 - a}
    assert root & 1 == sign
    context = unit.room(8)
    unit.system("cx_mont_alloc", context, SIZE)
    assert unit.system("cx_mont_init", context, prime) == 0
    unit.system("cx_mont_to_montgomery", number, number, context)
    assert unit.system("cx_mont_invert_nprime", result, number, context) == 0
    unit.system("cx_mont_from_montgomery", result, result, context)
    assert unit.value(result) * a % P256K1 == 1


def test_inverse_of_a_word_clears_its_modulus():
    """The inverse of 32 bits is found, and the modulus is 0 afterwards, as the SDK's header says; what has none is told."""
    unit = Unit()
    result, modulus = unit.new(), unit.new(15)
    assert unit.system("cx_bn_mod_u32_invert", result, 7, modulus) == 0
    assert (unit.value(result), unit.value(modulus)) == (13, 0)
    assert unit.system("cx_bn_mod_u32_invert", result, 5, unit.new(15)) == CxStatus.NOT_INVERTIBLE


@pytest.mark.parametrize("prime", [3, 5, 7, 13, 17, 2**255 - 19, 2**251 + 17 * 2**192 + 1, P256K1])
def test_square_root_exists_for_half_of_a_field(prime):
    """For primes of every form, a number has a root or is found to have none."""
    for value in range(1, min(prime, 200)):
        root = square_root(value, prime)
        assert (root is not None) == (pow(value, (prime - 1) // 2, prime) == 1)
        assert root is None or root * root % prime == value


@given(st.integers(3, 2**128).map(lambda n: n | 1), NUMBERS)
@settings(max_examples=80, deadline=None)
def test_square_root_ends_for_any_modulus(modulus, value):
    """A modulus that is no prime gives a root or none, and never hangs."""
    root = square_root(value, modulus)
    assert root is None or root * root % modulus == value % modulus


@given(st.integers(0, 3000))
def test_primes_are_those_of_the_sieve(value):
    """Small primes are just those without divisors, and the next one is the first behind."""
    primes = {n for n in range(2, 3100) if all(n % d for d in range(2, int(n**0.5) + 1))}
    assert is_prime(value) == (value in primes)
    assert next_prime(value) == min(prime for prime in primes if prime > value)


@pytest.mark.parametrize("number", [561, 3215031751, 318665857834031151167461, 2**521 - 1, 2**61 - 1, (2**61 - 1) ** 2])
def test_numbers_that_fool_weak_tests_are_told_apart(number):
    """Carmichael numbers and strong pseudoprimes are not primes; Mersenne's are."""
    assert is_prime(number) == (number in {2**521 - 1, 2**61 - 1})


def test_primes_by_call():
    """The calls tell primes, and go on to the next one, until it does not fit."""
    unit = Unit(16)
    number = unit.new(2**127 - 1, 16)
    assert unit.told("cx_bn_is_prime", number, size=1) == 1
    number = unit.new(90, 16)
    assert unit.system("cx_bn_next_prime", number) == 0
    assert unit.value(number) == 97
    assert unit.system("cx_bn_next_prime", unit.new(2**128 - 1, 16)) == CxStatus.OVERFLOW


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(1, 2**64 - 1))
def test_polynomials_are_a_ring(a, b, n):
    """Products of polynomials over GF(2) commute, are below the modulus, and 1 changes nothing."""
    product = polynomial_product(a, b, n)
    assert product == polynomial_product(b, a, n)
    assert product.bit_length() < n.bit_length() or product == 0
    assert polynomial_product(product, 1, n) == product


def test_polynomial_product_of_aes():
    """57 times 83 is c1 in the field of AES (FIPS 197, 4.2)."""
    unit = Unit()
    result = unit.new()
    arguments = (unit.new(0x57), unit.new(0x83), unit.new(0x11B), unit.new())
    assert unit.system("cx_bn_gf2_n_mul", result, *arguments) == 0
    assert unit.value(result) == 0xC1


def test_unit_is_locked_and_forgets():
    """Nothing works unlocked, a second lock is refused, and after unlocking handles lead nowhere."""
    cx = Cx()
    pointer = cx.word(0)
    assert cx.system("cx_bn_is_locked") == 0
    assert cx.system("cx_bn_alloc", pointer, 32) == CxStatus.NOT_LOCKED
    assert cx.number(pointer) == 0xFFFFFFFF
    assert cx.system("cx_bn_unlock") == CxStatus.NOT_LOCKED
    assert cx.system("cx_bn_lock", 32, 0) == 0
    assert cx.system("cx_bn_lock", 32, 0) == CxStatus.NOT_UNLOCKED
    assert cx.system("cx_bn_is_locked") == 1
    assert cx.system("cx_bn_alloc", pointer, 32) == 0
    handle = cx.number(pointer)
    assert cx.system("cx_bn_set_u32", handle, 5) == 0
    assert cx.system("cx_bn_unlock") == 0
    assert cx.system("cx_bn_set_u32", handle, 5) == CxStatus.NOT_LOCKED
    assert cx.system("cx_bn_lock", 32, 0) == 0
    assert cx.system("cx_bn_set_u32", handle, 5) == CxStatus.INVALID_PARAMETER


@pytest.mark.parametrize("size", [1, 31, 32, 33, 66, 2048])
def test_memory_of_numbers_is_limited(size):
    """Numbers are had in whole words until the bytes or the handles are used up; one that goes makes room for one."""
    cx = Cx()
    cx.system("cx_bn_lock", 32, 0)
    pointer, count = cx.word(0), 0
    while cx.system("cx_bn_alloc", pointer, size) == 0:
        count += 1
    assert count == min(MAX_NUMBERS, MAX_BYTES // (-(-size // 32) * 32))
    assert cx.system("cx_bn_alloc", pointer, size) == CxStatus.MEMORY_FULL
    assert cx.number(pointer) == 0xFFFFFFFF
    assert cx.system("cx_bn_destroy", cx.word(0)) == 0
    assert cx.system("cx_bn_alloc", pointer, size) == 0
    assert cx.number(pointer) == 0


@pytest.mark.parametrize("size", [2049, 1 << 31, 0xFFFFFFFF])
def test_sizes_beyond_memory_are_refused(size):
    """A size that nobody has is an error, and takes no memory here either."""
    cx = Cx()
    assert cx.system("cx_bn_lock", size, 0) == CxStatus.INVALID_PARAMETER_SIZE
    cx.system("cx_bn_lock", 32, 0)
    pointer = cx.word(0)
    assert cx.system("cx_bn_alloc", pointer, size) == CxStatus.MEMORY_FULL
    assert cx.system("cx_bn_alloc", pointer, 32) == 0
    assert cx.system("cx_bn_export", cx.number(pointer), pointer, size) == CxStatus.INVALID_PARAMETER_SIZE


def test_value_longer_than_any_memory_is_refused():
    """A value is read from the app's memory, and there is not that much of it."""
    unit = Unit()
    assert unit.system("cx_bn_init", unit.new(), unit.room(4), 0xFFFFFFFF) == CxStatus.INVALID_PARAMETER


def test_value_that_does_not_fit_is_refused():
    """A number takes what it has room for: zeros before a value count for nothing."""
    unit = Unit(16)
    number = unit.new(size=16)
    assert unit.system("cx_bn_init", number, unit.put(b"\1" + bytes(16)), 17) == CxStatus.INVALID_PARAMETER_SIZE
    assert unit.system("cx_bn_init", number, unit.put(bytes(4) + b"\xff" * 16), 20) == 0
    assert unit.value(number) == 2**128 - 1
    assert unit.system("cx_bn_mul", number, number, number) == CxStatus.INVALID_PARAMETER_SIZE
    assert unit.system("cx_bn_copy", number, unit.new(1 << 200, 32)) == CxStatus.INVALID_PARAMETER_SIZE
    for name, at in (("tst_bit", 128), ("set_bit", 128), ("clr_bit", 128), ("shr", 129), ("shl", 129)):
        assert unit.system(f"cx_bn_{name}", number, at, unit.word(0)) == CxStatus.INVALID_PARAMETER


@pytest.mark.parametrize("value", [0, 4])
def test_modulus_that_is_none_is_an_error(value):
    """Zero divides nothing, and an even number is no modulus for what needs an odd one."""
    unit = Unit()
    one, modulus = unit.new(3), unit.new(value)
    for name in ("cx_bn_mod_mul", "cx_bn_mod_pow_bn", "cx_bn_mod_add"):
        assert (unit.system(name, one, one, one, modulus) != 0) == (not value or name != "cx_bn_mod_add")
    assert unit.system("cx_bn_mod_invert_nprime", one, one, modulus) == CxStatus.INVALID_PARAMETER
    assert unit.system("cx_bn_mod_sqrt", one, one, modulus, 0) == CxStatus.INVALID_PARAMETER
    context = unit.room(8)
    unit.system("cx_mont_alloc", context, SIZE)
    assert unit.system("cx_mont_init", context, modulus) == CxStatus.INVALID_PARAMETER
    assert unit.system("cx_mont_mul", one, one, one, context) == CxStatus.INVALID_PARAMETER


def test_work_of_one_call_is_bounded():
    """Moduli, exponents and candidates for primes larger than RSA needs are refused before any work is done."""
    unit = Unit(1024)
    big, other = unit.new(2**8191 | 1, 1024), unit.new(3, 1024)
    assert unit.system("cx_bn_mod_pow_bn", other, other, other, big) == CxStatus.INVALID_PARAMETER_SIZE
    assert unit.system("cx_bn_mod_pow_bn", other, other, big, other) == CxStatus.INVALID_PARAMETER_SIZE
    assert unit.system("cx_bn_is_prime", big, unit.word(0)) == CxStatus.INVALID_PARAMETER_SIZE
    assert unit.system("cx_bn_next_prime", big) == CxStatus.INVALID_PARAMETER_SIZE


def test_randomness_is_the_oss():
    """A random number is what the OS draws; one below a limit is never 0 and never the limit."""
    unit = Unit(random=bytes(range(1, 255)))
    number = unit.new()
    assert unit.system("cx_bn_rand", number) == 0
    assert unit.value(number) == int.from_bytes(bytes(range(1, 33)), "big")
    assert unit.system("cx_bn_rng", number, unit.new(2)) == 0
    assert unit.value(number) == 1
    assert unit.system("cx_bn_rng", number, unit.new(P256K1)) == 0
    assert 0 < unit.value(number) < P256K1
    assert unit.system("cx_bn_rng", number, unit.new(1)) == CxStatus.INVALID_PARAMETER


@pytest.mark.parametrize("name", sorted(HANDLERS))
@pytest.mark.parametrize("junk", [*WILD, 1, 64, 65])
def test_call_with_junk_is_an_answer(name, junk):
    """Handles and pointers that are none give an answer of the SDK, whatever the call; nothing is raised."""
    unit = Unit()
    assert 0 <= unit.system(name, *[junk] * 7) < 2**32
    assert 0 <= Cx().system(name, *[junk] * 7) < 2**32
