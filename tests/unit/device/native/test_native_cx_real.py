"""Functions on curves and numbers against the real library's own code, run by the emulated processor with our system calls.

The library is a file of a Speculos install, which is never ours to give: without one there is nothing to compare with.
Results, answers and all bytes that are written are the same, on random arguments, good and bad.
"""

import random
import struct

import pytest
from cx_machine import Cx, RealCx, real_library

from tallystick.device.native.cx_der import encode
from tallystick.device.native.cx_domain import DOMAINS, Shape
from tallystick.device.native.cx_eddsa import encode_point
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.worker import UnicornCpu

LIBRARY = real_library()
pytestmark = pytest.mark.skipif(not LIBRARY, reason="no shared library: no Speculos is installed")
names = pytest.mark.parametrize("number", sorted(DOMAINS), ids=lambda number: DOMAINS[number].name)
#: ECDSA on them never ends in the real library
PAIRING = (0x39, 0x52)
TRUE_RANDOM, RFC6979, PROVIDED, AS_IT_FALLS = 2 << 9, 3 << 9, 4 << 9, 1 << 6
SPARE = b"\xee" * 16


class Pair:
    """Our function and the real one, each on memory of its own, with the same randomness."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def same(self, name, build):
        """Make the call that `build` lays out (arguments, buffers to look at), and return what both gave."""
        drawn, results = self.rng.randbytes(256), []
        for cx in (Cx(random=drawn), RealCx(random=drawn, cpu=UnicornCpu(), library=LIBRARY)):
            arguments, written = build(cx)
            status = cx.call(name, *arguments) & 0xFFFFFFFF
            results.append((status, [cx.read(at, size) for at, size in written]))
        assert results[0] == results[1], name
        return results[0]

    def key(self, number):
        """Return a private and a public key, as bytes."""
        curve = curve_of(number)
        size, scalar = curve.domain.size_bytes, self.rng.randrange(1, curve.domain.order)
        point = curve.multiply(curve.base, scalar)
        return scalar.to_bytes(size, "big"), b"\4" + b"".join(one.to_bytes(size, "big") for one in point)


def laid(cx, number, raw):
    """Return the address of a key."""
    return cx.put(struct.pack("<II", number, len(raw)) + raw + bytes(8))


def output(cx, size, content=b""):
    """Return the address of a buffer, and how it is looked at."""
    at = cx.put(content.ljust(size, b"\xee") + SPARE)
    return at, (at, size + len(SPARE))


@names
def test_keys_and_points(number):
    """Keys are laid out and made, points added, multiplied and compressed, as by the real code."""
    pair, size = Pair(number), DOMAINS[number].size_bytes
    private, public = pair.key(number)
    _, other = pair.key(number)
    shape = DOMAINS[number].shape

    def made(name, *arguments, room, content=b"", at=0):
        def build(cx):
            target, look = output(cx, room, content)
            values = [cx.put(one) if isinstance(one, bytes) else one for one in arguments]
            values.insert(at, target)
            return values, [look]

        return pair.same(name, build)

    for raw in (private, private[:-1]):
        made("cx_ecfp_init_private_key_no_throw", number, raw, len(raw), room=80, at=3)
    for raw in (public, public[:-1], b"\2" + public[1 : 1 + size], b"\3" + public[1:]):
        made("cx_ecfp_init_public_key_no_throw", number, raw, len(raw), room=160, at=3)
    made("cx_ecfp_add_point_no_throw", number, public, other, room=150, at=1)
    made("cx_ecfp_add_point_no_throw", number, public, public, room=150, at=1)
    for scalar in (pair.rng.randbytes(size), b"\5", bytes(size)):
        made("cx_ecfp_scalar_mult_no_throw", number, scalar, len(scalar), room=150, content=public, at=1)
    made("cx_edwards_compress_point_no_throw", number, len(public), room=150, content=public, at=1)
    if shape is Shape.EDWARDS:
        point = tuple(int.from_bytes(public[1 + at * size : 1 + (at + 1) * size], "big") for at in (0, 1))
        short = b"\2" + encode_point(curve_of(number), point)
        made("cx_edwards_decompress_point_no_throw", number, len(public), room=150, content=short, at=1)
    for keep in (0, 1):
        for md in (5, 11, 6, 3) if shape is Shape.EDWARDS else (5,):

            def build(cx, keep=keep, md=md):
                first, look = output(cx, 150)
                second = laid(cx, number, private) if keep else cx.put(b"\xee" * 90)
                return (number, first, second, keep, md), [look, (second, 80)]

            pair.same("cx_ecfp_generate_pair2_no_throw", build)


@names
def test_agreement(number):
    """ECDH gives the real secret, in either form, and refuses what the real one refuses."""
    pair = Pair(number)
    private, _ = pair.key(number)
    _, public = pair.key(number)
    for mode in (1 << 12, 2 << 12, 0, 3 << 12):
        for point in (public, public[:-1], b"\4" + bytes(len(public) - 1)):

            def build(cx, mode=mode, point=point):
                target, look = output(cx, 150)
                return (laid(cx, number, private), mode, cx.put(point), len(point), target, len(public)), [look]

            pair.same("cx_ecdh_no_throw", build)


@pytest.mark.parametrize("number", [0x21, 0x22, 0x24, 0x31, 0x34, 0x51, 0x53], ids=lambda number: DOMAINS[number].name)
def test_ecdsa(number):
    """Signatures of every mode, hash and length of digest are the real ones, byte for byte, and verify as there."""
    pair = Pair(number)
    private, public = pair.key(number)
    for mode in (RFC6979, TRUE_RANDOM, PROVIDED, RFC6979 | AS_IT_FALLS, 0):
        for md, length in ((3, 32), (5, 64), (1, 20), (4, 80), (9, 32), (2, 0)):
            digest = pair.rng.randbytes(length)
            nonce = pair.key(number)[0]

            def build(cx, mode=mode, md=md, digest=digest, nonce=nonce):
                target, look = output(cx, 160, nonce.ljust(160, b"\0"))
                room, info = cx.word(160), cx.word(0x77)
                arguments = (laid(cx, number, private), mode, md, cx.put(digest), len(digest), target, room, info)
                return arguments, [look, (room, 4), (info, 4)]

            status, (text, room, _info) = pair.same("cx_ecdsa_sign_no_throw", build)
            if status:
                continue
            text = text[: int.from_bytes(room, "little")]
            for signature in (text, text[:-1], text[:-1] + bytes((text[-1] ^ 1,))):

                def check(cx, digest=digest, signature=signature):
                    arguments = (cx.put(digest), len(digest), cx.put(signature), len(signature))
                    return (laid(cx, number, public), *arguments), []

                good, _ = pair.same("cx_ecdsa_verify_no_throw", check)
                assert good == (signature is text and length <= 8 + 2 * DOMAINS[number].size_bytes)


@pytest.mark.parametrize("form", [0, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("number", [0x21, 0x22])
def test_schnorr(number, form):
    """Signatures of each form are the real ones, and verify as there."""
    pair = Pair(number * 8 + form)
    private, public = pair.key(number)
    for mode in (TRUE_RANDOM, PROVIDED):
        for length in (0, 32, 100):
            message, nonce = pair.rng.randbytes(length), pair.key(number)[0]

            def build(cx, mode=mode, message=message, nonce=nonce):
                target, room = cx.put(nonce.ljust(100, b"\0")), cx.word(100)
                arguments = (
                    laid(cx, number, private),
                    mode | form << 12,
                    3,
                    cx.put(message),
                    len(message),
                    target,
                    room,
                )
                return arguments, [(target, 64), (room, 4)]

            def safe(cx, build=build):
                arguments, written = build(cx)
                return arguments, written

            if form == 0 and number != 0x21:
                pair.same("cx_ecschnorr_sign_no_throw", safe)
                continue
            cx = Cx()
            arguments, _ = build(cx)
            if cx.call("cx_ecschnorr_sign_no_throw", *arguments):
                continue
            text = cx.read(arguments[5], cx.number(arguments[6]))
            status, _ = pair.same("cx_ecschnorr_sign_no_throw", safe)
            assert status == 0
            for signature in (text, text[:-1] + bytes((text[-1] ^ 1,))):

                def check(cx, message=message, signature=signature):
                    words = (cx.put(message), len(message), cx.put(signature), len(signature))
                    return (laid(cx, number, public), form << 12, 3, *words), []

                good, _ = pair.same("cx_ecschnorr_verify", check)
                assert good == (signature is text)


@pytest.mark.parametrize("number", [0x71, 0x72, 0x73, 0x74, 0x21], ids=lambda number: DOMAINS[number].name)
@pytest.mark.parametrize("md", [5, 6, 7, 9, 11, 3])
def test_eddsa(number, md):
    """Public keys and signatures with each hash, of keys as they are and expanded, are the real ones."""
    pair, size = Pair(number * 16 + md), DOMAINS[number].size_bytes
    for private in (pair.rng.randbytes(size), pair.rng.randbytes(2 * size), pair.rng.randbytes(size - 1)):
        message = pair.rng.randbytes(40)

        def public(cx, private=private):
            target, look = output(cx, 140)
            a, h = output(cx, 60), output(cx, 60)
            return (laid(cx, number, private), md, target, a[0], size, h[0], size), [look, a[1], h[1]]

        def signed(cx, private=private, message=message):
            target, look = output(cx, 120)
            return (laid(cx, number, private), md, cx.put(message), len(message), target, 2 * size), [look]

        status, (key, *_) = pair.same("cx_eddsa_get_public_key_no_throw", public)
        answer, (text,) = pair.same("cx_eddsa_sign_no_throw", signed)
        if status or answer:
            continue
        text = text[: 2 * size]
        for signature in (text, text[:-1], bytes((text[0] ^ 1,)) + text[1:]):

            def check(cx, key=key, message=message, signature=signature):
                words = (cx.put(message), len(message), cx.put(signature), len(signature))
                return (cx.put(key), md, *words), []

            pair.same("cx_eddsa_verify_no_throw", check)


@pytest.mark.parametrize(("name", "size"), [("cx_x25519", 32), ("cx_x448", 56)])
def test_x_functions(name, size):
    """X25519 and X448 are the real ones, with zeros, ones and lengths that are none."""
    pair = Pair(size)
    for private in (pair.rng.randbytes(size), bytes(size), pair.rng.randbytes(size - 1), b"\xff" * size):
        for coordinate in (pair.rng.randbytes(size), bytes(size), b"\1" + bytes(size - 1), b"\xff" * size):

            def build(cx, private=private, coordinate=coordinate):
                target, look = output(cx, size, coordinate)
                return (target, cx.put(private), len(private)), [look]

            pair.same(name, build)


def test_der():
    """Signatures are written and read, and refused, as by the real code."""
    pair = Pair(7)
    for _ in range(60):
        r, s = (pair.rng.choice((bytes(32), pair.rng.randbytes(32), bytes(5) + pair.rng.randbytes(150))) for _ in "rs")
        room = pair.rng.choice((70, 72, 400))
        pair.same(
            "cx_ecfp_encode_sig_der",
            lambda cx, r=r, s=s, room=room: ((cx.room(420), room, cx.put(r), len(r), cx.put(s), len(s)), []),
        )
        text = bytearray(encode(r, s))
        if pair.rng.random() < 0.7:
            text[pair.rng.randrange(min(8, len(text)))] ^= 1 << pair.rng.randrange(8)

        def build(cx, text=bytes(text)):
            found = [cx.word(0) for _ in range(4)]
            return (cx.put(text), len(text), 66, *found), []

        pair.same("cx_ecfp_decode_sig_der", build)


@pytest.mark.parametrize("size", [1, 5, 16, 32, 48, 66, 128])
def test_math(size):
    """Arithmetic on bytes is that of the real code, for odd moduli and even ones."""
    pair = Pair(size)
    for _ in range(4):
        a, b, m = (pair.rng.choice((pair.rng.randbytes(size), bytes(size - 1) + b"\3")) for _ in "abm")
        modulus = int.from_bytes(m, "big") or 1
        below = [(int.from_bytes(raw, "big") % modulus).to_bytes(size, "big") for raw in (a, b)]

        def made(name, *arguments, room=size, content=b""):
            def build(cx):
                target, look = output(cx, room, content)
                return [target, *(cx.put(one) if isinstance(one, bytes) else one for one in arguments)], [look]

            pair.same(name, build)

        for name in ("add", "sub"):
            made(f"cx_math_{name}_no_throw", a, b, size)
        made("cx_math_mult_no_throw", a, b, size, room=2 * size)
        for name in ("addm", "subm", "multm"):
            made(f"cx_math_{name}_no_throw", *below, m, size)
        made("cx_math_modm_no_throw", size, m, size, content=a)
        made("cx_math_powm_no_throw", below[0], b[:4], len(b[:4]), m, size)
        made("cx_math_invprimem_no_throw", below[0], m, size)
        made("cx_math_invintm_no_throw", pair.rng.randrange(1 << 32), m, size)
        made("cx_math_next_prime_no_throw", size, content=a)
        pair.same("cx_math_is_prime_no_throw", lambda cx, a=a: ((cx.put(a), size, at := cx.put(b"\xee")), [(at, 1)]))
        pair.same(
            "cx_math_cmp_no_throw", lambda cx, a=a, b=b: ((cx.put(a), cx.put(b), size, at := cx.word(9)), [(at, 4)])
        )
