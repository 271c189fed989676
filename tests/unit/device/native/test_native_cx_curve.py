"""The curves of the SDK: their groups, and what system calls do with points."""

import random
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cx_machine import Cx
from ecdsa import curves as other_curves
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.device.native.cx_curve import Edwards, Montgomery, Weierstrass
from tallystick.device.native.cx_domain import DOMAINS, Shape
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.cx_number import is_prime

NUMBERS = sorted(DOMAINS)
names = pytest.mark.parametrize("number", NUMBERS, ids=lambda number: DOMAINS[number].name)
OTHERS = {
    0x21: "SECP256k1", 0x22: "NIST256p", 0x23: "NIST384p", 0x24: "NIST521p", 0x31: "BRAINPOOLP256t1",
    0x32: "BRAINPOOLP256r1", 0x33: "BRAINPOOLP320t1", 0x34: "BRAINPOOLP320r1", 0x35: "BRAINPOOLP384t1",
    0x36: "BRAINPOOLP384r1", 0x37: "BRAINPOOLP512t1", 0x38: "BRAINPOOLP512r1",
}  # fmt: skip


def plain(number):
    """Return a curve that works without any library."""
    shapes = {Shape.WEIERSTRASS: Weierstrass, Shape.EDWARDS: Edwards, Shape.MONTGOMERY: Montgomery}
    return shapes[DOMAINS[number].shape](DOMAINS[number])


def some_point(curve, seed):
    """Return a point of the group of the generator."""
    return curve.multiply(curve.base, random.Random(seed).randrange(1, curve.domain.order))


def lifted(curve, value):
    """Return the point of a coordinate, or why there is none."""
    try:
        return curve.lift(value, odd=False)
    except CxError as error:
        return error.status


@names
def test_parameters_are_those_of_a_curve(number):
    """Field and order are primes, the generator is on the curve, and taken as often as its order it is nothing."""
    curve = curve_of(number)
    assert is_prime(curve.p)
    assert is_prime(curve.domain.order)
    assert curve.contains(curve.base)
    assert curve.multiply(curve.base, curve.domain.order) is None
    assert plain(number).multiply(curve.base, curve.domain.order) is None
    assert (curve.p.bit_length() + 7) // 8 <= curve.domain.size_bytes


@pytest.mark.parametrize("number", sorted(OTHERS), ids=OTHERS.get)
def test_parameters_are_those_of_another_implementation(number):
    """Each NIST and Brainpool curve is the one that a foreign library knows by its name."""
    theirs, ours = getattr(other_curves, OTHERS[number]), DOMAINS[number]
    assert (ours.p, ours.a % ours.p, ours.b, ours.order) == (
        theirs.curve.p(), theirs.curve.a() % ours.p, theirs.curve.b() % ours.p, theirs.order,
    )  # fmt: skip
    assert ours.base == (theirs.generator.x(), theirs.generator.y())


@names
def test_group_laws_hold(number):
    """Sums commute, opposites cancel, scalars add up; with a library as without one."""
    curve, own = curve_of(number), plain(number)
    one, other = some_point(curve, 1), some_point(curve, 2)
    total = curve.add(one, other)
    assert curve.contains(total)
    assert total == own.add(other, one)
    assert curve.add(one, curve.negate(one)) is None
    assert curve.add(one, one) == own.multiply(one, 2) == own.combine((one, 1), (one, 1))
    assert curve.combine((one, 5), (None, 7), (other, 0)) == own.multiply(one, 5)
    assert curve.combine((curve.base, 11), (one, 3)) == own.add(own.multiply(curve.base, 11), own.multiply(one, 3))
    assert curve.multiply(one, 0) is None
    assert curve.multiply(one, curve.domain.order + 2) == curve.add(one, one)


@names
def test_point_is_found_by_one_coordinate(number):
    """A point comes back from its coordinate and the parity of the other one; what is off the curve is told."""
    curve = curve_of(number)
    point = some_point(curve, 3)
    kept, other = (point[1], point[0]) if curve.domain.shape is Shape.EDWARDS else point
    assert curve.lift(kept, odd=bool(other & 1)) == point
    mirrored = curve.lift(kept, odd=not other & 1)
    assert mirrored == curve.negate(point)
    assert not curve.contains((point[0], (point[1] + 1) % curve.p))
    assert not curve.contains((point[0] + curve.p, point[1]))
    found = [lifted(curve, value) for value in range(2, 40)]
    assert CxStatus.NO_RESIDUE in found
    assert all(point is CxStatus.NO_RESIDUE or curve.contains(point) for point in found)


@pytest.mark.parametrize(
    ("number", "curve"),
    [(0x22, ec.SECP256R1()), (0x23, ec.SECP384R1()), (0x24, ec.SECP521R1()), (0x21, ec.SECP256K1())],
)
@given(st.integers(1, 2**250))
@settings(max_examples=10, deadline=None)
def test_multiples_are_those_of_openssl(number, curve, scalar):
    """A multiple of the generator is that of OpenSSL, by our own arithmetic."""
    public = ec.derive_private_key(scalar, curve).public_key().public_numbers()
    assert plain(number).multiply(plain(number).base, scalar) == (public.x, public.y)


def numbers_of(cx, pointer):
    """Return the words of a point in the app's memory."""
    return struct.unpack("<4I", cx.read(pointer, 16))


class Points(Cx):
    """A machine with its unit locked for one curve."""

    def __init__(self, number):
        super().__init__()
        self.curve = curve_of(number)
        self.size = self.curve.domain.size_bytes
        assert self.system("cx_bn_lock", self.size, 0) == 0

    def new(self, point=None):
        """Return the address of a new point; the generator is made by its own call."""
        pointer = self.room(16)
        assert self.system("cx_ecpoint_alloc", pointer, self.curve.domain.number) == 0
        if point == "base":
            assert self.system("cx_ecdomain_generator_bn", self.curve.domain.number, pointer) == 0
        elif point:
            raw = [self.put(coordinate.to_bytes(self.size, "big")) for coordinate in point]
            assert self.system("cx_ecpoint_init", pointer, raw[0], self.size, raw[1], self.size) == 0
        return pointer

    def point(self, pointer):
        """Return the coordinates of a point, or what the call says of it."""
        x, y = self.room(self.size), self.room(self.size)
        status = self.system("cx_ecpoint_export", pointer, x, self.size, y, self.size)
        return status or tuple(int.from_bytes(self.read(at, self.size), "big") for at in (x, y))

    def flag(self, name, *arguments):
        """Return the bool that a call writes."""
        target = self.put(b"\xee")
        assert self.system(name, *arguments, target) == 0
        return bool(self.read(target, 1)[0])


@names
def test_calls_work_on_points(number):
    """Sums, opposites, multiples and comparisons by call are those of the group."""
    cx = Points(number)
    curve = cx.curve
    one, other = some_point(curve, 4), some_point(curve, 5)
    p, q, r = cx.new(one), cx.new(other), cx.new()
    assert cx.system("cx_ecpoint_add", r, p, q) == 0
    assert cx.point(r) == curve.add(one, other)
    assert cx.flag("cx_ecpoint_is_on_curve", r)
    assert not cx.flag("cx_ecpoint_cmp", r, p)
    scalar = random.Random(6).randbytes(cx.size)
    times = int.from_bytes(scalar, "big")
    for name in ("scalarmul", "rnd_scalarmul", "rnd_fixed_scalarmul"):
        target = cx.new("base")
        assert cx.system(f"cx_ecpoint_{name}", target, cx.put(scalar), cx.size) == 0
        assert cx.point(target) == curve.multiply(curve.base, times)
        for handle in (target, p):
            assert cx.system("cx_ecpoint_neg", handle) == 0
            assert cx.system("cx_ecpoint_neg", handle) == 0
        assert cx.system("cx_ecpoint_destroy", target) == 0
        assert cx.read(target, 16) == bytes(16)
    pointer = cx.word(0)
    assert cx.system("cx_bn_alloc_init", pointer, cx.size, cx.put(scalar), cx.size) == 0
    handle = cx.number(pointer)
    assert cx.system("cx_ecpoint_double_scalarmul_bn", r, p, q, handle, handle) == 0
    assert cx.point(r) == curve.combine((one, times), (other, times))
    arguments = (cx.put(scalar), cx.size, cx.put(b"\3"), 1)
    assert cx.system("cx_ecpoint_double_scalarmul", r, p, q, *arguments) == 0
    assert cx.point(r) == curve.combine((one, times), (other, 3))
    for name in ("scalarmul_bn", "rnd_scalarmul_bn"):
        target = cx.new(one)
        assert cx.system(f"cx_ecpoint_{name}", target, handle) == 0
        assert cx.point(target) == curve.multiply(one, times)
        assert cx.system("cx_ecpoint_destroy", target) == 0


@names
def test_point_is_compressed_and_restored(number):
    """Compressing and decompressing by call are each other's inverse."""
    cx = Points(number)
    pointer, target, sign = cx.new(some_point(cx.curve, 7)), cx.room(cx.size), cx.word(9)
    before = cx.point(pointer)
    assert cx.system("cx_ecpoint_compress", pointer, target, cx.size, sign) == 0
    other = cx.new()
    assert cx.system("cx_ecpoint_decompress", other, target, cx.size, cx.number(sign)) == 0
    assert cx.point(other) == before
    assert cx.flag("cx_ecpoint_cmp", pointer, other)


@names
def test_neutral_element_is_told(number):
    """What cancels out is the neutral element, which is told and not exported."""
    cx = Points(number)
    p, r = cx.new("base"), cx.new()
    assert cx.system("cx_ecpoint_scalarmul", p, cx.put(bytes(4)), 4) == CxStatus.EC_INFINITE_POINT
    assert cx.flag("cx_ecpoint_is_at_infinity", p)
    assert cx.point(p) == CxStatus.EC_INFINITE_POINT
    q = cx.new("base")
    assert not cx.flag("cx_ecpoint_is_at_infinity", q)
    assert cx.system("cx_ecpoint_add", r, p, q) == 0
    assert cx.point(r) == cx.curve.base
    assert cx.system("cx_ecpoint_neg", q) == 0
    assert cx.system("cx_ecpoint_add", p, r, q) == CxStatus.EC_INFINITE_POINT


@names
def test_point_off_the_curve_computes_nothing(number):
    """A point that is none is seen, and every calculation with it is refused."""
    cx = Points(number)
    x, y = cx.curve.base
    p, q, r = cx.new((x, (y + 1) % cx.curve.p)), cx.new("base"), cx.new()
    assert not cx.flag("cx_ecpoint_is_on_curve", p)
    scalar = cx.put(b"\2")
    for call in (
        ("cx_ecpoint_scalarmul", p, scalar, 1), ("cx_ecpoint_add", r, p, q), ("cx_ecpoint_neg", p),
        ("cx_ecpoint_double_scalarmul", r, q, p, scalar, 1, scalar, 1),
    ):  # fmt: skip
        assert cx.system(*call) == CxStatus.EC_INVALID_POINT


def test_points_of_two_curves_do_not_mix():
    """A sum of points of different curves is refused."""
    cx = Points(0x21)
    p, q = cx.new("base"), cx.room(16)
    cx.system("cx_ecpoint_alloc", q, 0x22)
    assert cx.system("cx_ecdomain_generator_bn", 0x22, q) == 0
    assert cx.system("cx_ecdomain_generator_bn", 0x21, q) == CxStatus.EC_INVALID_POINT
    assert cx.system("cx_ecpoint_add", cx.new(), p, q) == CxStatus.EC_INVALID_POINT
    assert not cx.flag("cx_ecpoint_cmp", p, q)


@names
def test_coordinates_with_any_z_are_taken(number):
    """A point that an app made with another z is the same point."""
    cx = Points(number)
    curve, z = cx.curve, 7
    jacobian = curve.domain.shape is Shape.WEIERSTRASS
    x, y = curve.base
    pointer = cx.new((x * (z**2 if jacobian else z) % curve.p, y * (z**3 if jacobian else z) % curve.p))
    assert cx.system("cx_bn_set_u32", numbers_of(cx, pointer)[3], z) == 0
    assert cx.point(pointer) == curve.base
    assert cx.flag("cx_ecpoint_is_on_curve", pointer)


def test_forged_handles_of_a_point_are_refused():
    """A point that names numbers which are none is an error, not ours."""
    cx = Points(0x21)
    for words in ((0x21, 0, 1, 2), (0x21, 0xFFFFFFFF, 0, 0), (0x99, 0, 0, 0), (0, 0, 0, 0)):
        pointer = cx.put(struct.pack("<4I", *words))
        assert cx.system("cx_ecpoint_scalarmul", pointer, cx.put(b"\2"), 1) in {
            CxStatus.INVALID_PARAMETER, CxStatus.EC_INVALID_CURVE,
        }  # fmt: skip
    assert cx.system("cx_ecpoint_scalarmul", cx.new("base"), cx.put(b"\2"), 257) == CxStatus.INVALID_PARAMETER_SIZE


@names
def test_parameters_are_told(number):
    """Length in bytes, size in bits, and each parameter as bytes and as a number."""
    cx = Points(number)
    domain, target = cx.curve.domain, cx.word(0)
    assert cx.system("cx_ecdomain_parameters_length", number, target) == 0
    assert cx.number(target) == domain.size_bytes
    assert cx.system("cx_ecdomain_size", number, target) == 0
    assert cx.number(target) == domain.bits
    x, y = cx.room(cx.size), cx.room(cx.size)
    assert cx.system("cx_ecdomain_generator", number, x, y, cx.size) == 0
    expected = (domain.a % domain.p, domain.b % domain.p, domain.p, *cx.curve.base, domain.order)
    assert tuple(int.from_bytes(cx.read(at, cx.size), "big") for at in (x, y)) == cx.curve.base
    for which, value in enumerate(expected, 1):
        assert cx.system("cx_ecdomain_parameter", number, which, x, cx.size) == 0
        assert int.from_bytes(cx.read(x, cx.size), "big") == value
    assert cx.system("cx_ecdomain_parameter", number, 3, x, cx.size - 1) == CxStatus.INVALID_PARAMETER
    assert cx.system("cx_ecdomain_parameter", number, 8, x, cx.size) == CxStatus.INVALID_PARAMETER
    assert cx.system("cx_ecdomain_generator", number, x, y, cx.size - 1) == CxStatus.INVALID_PARAMETER
    assert cx.system("cx_ecdomain_parameter", number, 7, x, cx.size) == 0
    assert int.from_bytes(cx.read(x, 4), "big") == domain.cofactor


def test_curve_that_is_none_is_told():
    """A number that no curve has is an error of its own."""
    cx = Points(0x21)
    for call in (("parameters_length", 0x99, cx.word(0)), ("size", 0x20, cx.word(0)), ("generator", 0, 0, 0, 32)):
        assert cx.system(f"cx_ecdomain_{call[0]}", *call[1:]) == CxStatus.EC_INVALID_CURVE
    assert cx.system("cx_ecpoint_alloc", cx.room(16), 0x70) == CxStatus.EC_INVALID_CURVE


def test_point_without_room_takes_nothing():
    """When three numbers are not to be had, none is taken."""
    cx = Points(0x24)
    made = 0
    while cx.system("cx_ecpoint_alloc", cx.room(16), 0x24) == 0:
        made += 1
    assert made == 2048 // 80 // 3
    left = 2048 - made * 240
    assert cx.system("cx_bn_alloc", cx.word(0), left // 80 * 80) == 0


@pytest.mark.parametrize(("number", "module"), [(0x71, Ed25519PrivateKey), (0x72, Ed448PrivateKey)])
def test_edwards_public_keys_are_those_of_openssl(number, module):
    """Through the library's function, a private key gives the public key that OpenSSL has."""
    curve = curve_of(number)
    size, raw = curve.domain.size_bytes, random.Random(8).randbytes(curve.domain.size_bytes)
    cx = Cx()
    private, public = cx.put(struct.pack("<II", number, size) + raw), cx.room(140)
    assert cx.call("cx_eddsa_get_public_key_no_throw", private, 5 if number == 0x71 else 11, public, 0, 0, 0, 0) == 0
    assert cx.call("cx_edwards_compress_point_no_throw", number, public + 8, 1 + 2 * size) == 0
    assert cx.read(public + 8, 1 + size) == b"\2" + module.from_private_bytes(raw).public_key().public_bytes_raw()
    assert cx.call("cx_edwards_decompress_point_no_throw", number, public + 8, 1 + 2 * size) == 0
    assert cx.read(public + 8, 1) == b"\4"
