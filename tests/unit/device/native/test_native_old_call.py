"""Cryptography as system calls of firmware 1.6: the standards' answers, lengths as results, exceptions in place of errors."""

import hashlib
import hmac
import struct

import pytest
from test_native_era import Old, call

from tallystick.crypto import ed25519, p256, secp256k1
from tallystick.device.native import old_call, old_hmac_call
from tallystick.device.native.table_nanos_16 import CALLS
from tallystick.wire.syscall import Outcome

NUMBERS = {each.name: number for number, each in CALLS.items()}
#: addresses of an app's RAM, and of data behind its code
RAM, OUT, DATA = 0x20001800, 0x20001A00, 0xC0D00300
KEY = bytes(31) + b"\x05"
PRIVATE = struct.pack("<2I", 0x21, 32) + KEY
DIGEST = hashlib.sha256(b"message").digest()
LAST = 1


def run(*calls, data=b"", answers=()):
    """Make calls by name one after the other, `data` behind the code; return the run, and its last result and answer."""
    code = b"".join(call(NUMBERS[name], *arguments) for name, *arguments in calls)
    code += b"\xff\xde\x00\xbf"
    assert len(code) <= DATA - 0xC0D00000
    return Old("1.6", code + bytes(DATA - 0xC0D00000 - len(code)) + data, *answers)


def result(made):
    """Return what the last call gave."""
    return made.words(made.array, 2)[1]


@pytest.mark.parametrize(
    ("init", "number", "size", "digest"),
    [
        ("cx_sha256_init", 3, 32, hashlib.sha256),
        ("cx_sha224_init", 2, 28, hashlib.sha224),
        ("cx_sha512_init", 5, 64, hashlib.sha512),
        ("cx_sha384_init", 4, 48, hashlib.sha384),
    ],
)
def test_running_hash_is_that_of_the_standard(init, number, size, digest):
    """A hash is begun, fed and ended; the first call gives the algorithm's number, the last one the digest's length."""
    assert result(run((init, RAM))) == number
    made = run(
        (init, RAM), ("cx_hash", RAM, 0, DATA, 3, 0, 0), ("cx_hash", RAM, LAST, DATA + 3, 4, OUT, size), data=b"message"
    )
    assert result(made) == size
    assert made.cpu.read(OUT, size) == digest(b"message").digest()


def test_hash_and_mac_at_once_are_those_of_the_standard():
    """SHA-256, SHA-512 and HMAC in one call each give their lengths."""
    made = run(("cx_hash_sha256", DATA, 7, OUT, 32), data=b"message")
    assert (result(made), made.cpu.read(OUT, 32)) == (32, DIGEST)
    made = run(("cx_hash_sha512", DATA, 7, OUT, 64), data=b"message")
    assert (result(made), made.cpu.read(OUT, 64)) == (64, hashlib.sha512(b"message").digest())
    made = run(("cx_hmac_sha256", DATA, 3, DATA + 3, 4, OUT, 32), data=b"message")
    assert (result(made), made.cpu.read(OUT, 32)) == (32, hmac.digest(b"mes", b"sage", "sha256"))
    made = run(("cx_hmac_sha512_init", RAM, DATA, 3), ("cx_hmac", RAM, LAST, DATA + 3, 4, OUT, 64), data=b"message")
    assert (result(made), made.cpu.read(OUT, 64)) == (64, hmac.digest(b"mes", b"sage", "sha512"))


@pytest.mark.parametrize("key_bytes", [0, 1, 64, 65, 128, 129])
@pytest.mark.parametrize(
    ("name", "number", "size", "room"), [("ripemd160", 1, 20, 161), ("sha256", 3, 32, 173), ("sha512", 5, 64, 333)]
)
def test_running_mac_is_that_of_the_standard(name, number, size, room, key_bytes):
    """HMAC in steps is that at once, stays within the room that apps of 1.x have for it, and begins anew with its key."""
    data = bytes(range(key_bytes)) + b"message"
    rest = DATA + key_bytes
    expected = hmac.new(data[:key_bytes], b"message", name).digest()
    init = (f"cx_hmac_{name}_init", RAM, DATA, key_bytes)
    made = run(init, data=data)
    assert result(made) == number
    assert made.cpu.read(RAM + room, 16) == bytes(16)
    steps = [("cx_hmac", RAM, 0, rest, 3, 0, 0), ("cx_hmac", RAM, LAST, rest + 3, 4, OUT, size)]
    made = run(init, *steps, data=data)
    assert (result(made), made.cpu.read(OUT, size)) == (size, expected)
    made = run(init, *steps, ("cx_hmac", RAM, LAST, rest, 7, OUT + 64, 64), data=data)
    assert made.cpu.read(OUT + 64, size) == expected
    again = (init[0], RAM, 0, 0)
    made = run(init, steps[0], again, ("cx_hmac", RAM, LAST, rest, 7, OUT, size), data=data)
    assert made.cpu.read(OUT, size) == expected


@pytest.mark.parametrize(
    "wrong", [(RAM, LAST, DATA, 7, OUT, 31), (RAM, 0, DATA, 0xFFFFFFFF, 0, 0), (OUT, 0, DATA, 7, 0, 0)]
)
def test_mac_that_cannot_go_on_is_an_exception(wrong):
    """Too little room, data without end, and what is no running MAC throw."""
    made = run(("cx_hmac_sha256_init", RAM, DATA, 3), ("cx_hmac", *wrong), data=b"message")
    assert made.crash.startswith("cx_hmac ended with exception 0x2")


def test_pbkdf2_is_that_of_the_standard():
    """PBKDF2 with the number of its hash gives the key."""
    made = run(("cx_pbkdf2", 5, DATA, 3, DATA + 3, 4, 10, OUT, 64), data=b"message")
    assert made.cpu.read(OUT, 64) == hashlib.pbkdf2_hmac("sha512", b"mes", b"sage", 10)


@pytest.mark.parametrize(("curve", "module"), [(0x21, secp256k1), (0x22, p256)])
def test_keys_are_made_on_real_curves(curve, module):
    """A private key laid out by the app gives the public key of the real implementation."""
    made = run(
        ("cx_ecfp_init_private_key", curve, DATA, 32, RAM), ("cx_ecfp_generate_pair", curve, OUT, RAM, 1), data=KEY
    )
    assert made.cpu.read(OUT + 8, 65) == module.public_key(KEY, compressed=False)


def test_signature_is_one_and_verifies():
    """ECDSA by RFC 6979 gives DER and its length; the verification says yes to it and no to another digest."""
    data = PRIVATE + DIGEST
    sign = ("cx_ecdsa_sign", DATA, 0x601, 3, DATA + 40, 32, OUT, 72, 0)
    made = run(sign, data=data)
    size = result(made)
    signature = made.cpu.read(OUT, size)
    public = secp256k1.public_key(KEY, compressed=False)
    assert secp256k1.verify_ecdsa_der(public, DIGEST, signature)
    laid_out = struct.pack("<2I", 0x21, 65) + public
    verify = ("cx_ecdsa_verify", DATA, 0, 3, DATA + 76, 32, DATA + 108, size)
    for digest, holds in ((DIGEST, 1), (DIGEST[::-1], 0)):
        assert result(run(verify, data=laid_out + bytes(3) + digest + signature)) == holds


def test_shared_secret_is_a_point_or_its_x():
    """ECDH gives 65 bytes of a point, or 32 of its x, and says so."""
    public = secp256k1.public_key(bytes(31) + b"\x07", compressed=False)
    whole = run(("cx_ecdh", DATA, 1 << 12, DATA + 40, 65, OUT, 65), data=PRIVATE + public)
    alone = run(("cx_ecdh", DATA, 2 << 12, DATA + 40, 65, OUT, 32), data=PRIVATE + public)
    point = secp256k1.public_key(bytes(31) + b"\x23", compressed=False)
    assert (result(whole), whole.cpu.read(OUT, 65)) == (65, point)
    assert (result(alone), alone.cpu.read(OUT, 32)) == (32, point[1:33])


def test_numbers_are_compared_and_added():
    """Comparison gives a sign, a sum its carry, and zero is found."""
    data = b"\0\0\x01" + b"\0\0\x02" + b"\xff\xff\xff" + bytes(3)
    compared = [
        struct.unpack("<i", struct.pack("<I", result(run(("cx_math_cmp", DATA + one, DATA + other, 3), data=data))))[0]
        for one, other in ((0, 3), (3, 0), (0, 0))
    ]
    assert (compared[0] < 0, compared[1] > 0, compared[2]) == (True, True, 0)
    made = run(("cx_math_add", OUT, DATA + 6, DATA, 3), data=data)
    assert (result(made), made.cpu.read(OUT, 3)) == (1, bytes(3))
    assert result(run(("cx_math_add", OUT, DATA, DATA + 3, 3), data=data)) == 0
    made = run(("cx_math_sub", OUT, DATA, DATA + 3, 3), data=data)
    assert (result(made), made.cpu.read(OUT, 3)) == (1, b"\xff\xff\xff")
    assert [result(run(("cx_math_is_zero", DATA + at, 3), data=data)) for at in (9, 0)] == [1, 0]
    assert [result(run(("cx_math_is_prime", DATA + at, 3), data=b"\0\0\x0d\0\0\x0c")) for at in (0, 3)] == [1, 0]


def test_aes_gives_its_length():
    """AES-128 in one block, with a key that was laid out: FIPS-197, appendix B."""
    key, block = (
        bytes.fromhex(text) for text in ("2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734")
    )
    made = run(
        ("cx_aes_init_key", DATA, 16, RAM), ("cx_aes", RAM, 0x01 | 0x04, DATA + 16, 16, OUT, 16), data=key + block
    )
    assert (result(made), made.cpu.read(OUT, 16).hex()) == (16, "3925841d02dc09fbdc118597196a0b32")


@pytest.mark.parametrize(("name", "size"), [("cx_rng_u8", 1), ("cx_rng_u32", 4)])
def test_random_numbers_are_the_oss(name, size):
    """A random number is bytes of the OS."""
    assert result(run((name,), answers=(Outcome(value=b"\x05" * size),))) == int.from_bytes(b"\x05" * size, "little")


@pytest.mark.parametrize(
    "wrong",
    [
        ("cx_ecfp_init_private_key", 0x99, DATA, 32, RAM),
        ("cx_ecfp_init_private_key", 0x21, 0x30000000, 32, RAM),
        ("cx_ecdsa_sign", DATA, 0x601, 3, DATA + 40, 32, OUT, 3, 0),
        ("cx_hash", RAM, LAST, DATA, 0xFFFFFFFF, OUT, 32),
        ("cx_rng", OUT, 0xFFFFFFFF),
        ("cx_math_is_zero", DATA, 0xFFFFFFFF),
        ("cx_math_powm", OUT, DATA, DATA, 32, DATA, 0xFFFFFFFF),
    ],
)
def test_what_fails_is_an_exception(wrong):
    """Wrong curves, pointers, sizes and rooms throw, and nothing of ours breaks."""
    made = run(wrong, data=PRIVATE + DIGEST)
    assert made.crash.startswith(f"{wrong[0]} ended with exception 0x2")


def test_every_handler_is_a_call_of_that_firmware():
    """Every name is one of firmware 1.x."""
    assert {*old_call.HANDLERS, *old_hmac_call.HANDLERS} - set(NUMBERS) == {"cx_pbkdf2_sha512"}


def test_ed25519_has_its_older_number():
    """Curve 41 of firmware 1.x: a private key gives the public key of the real implementation, and once that point is itself."""
    made = run(
        ("cx_ecfp_init_private_key", 0x41, DATA, 32, RAM),
        ("cx_ecfp_generate_pair", 0x41, OUT, RAM, 1),
        ("cx_ecfp_scalar_mult", 0x41, OUT + 8, 65, DATA + 32, 32),
        data=KEY + bytes(31) + b"\x01",
    )
    x, y = (made.cpu.read(OUT + at, 32) for at in (9, 41))
    sign = bytes((x[31] & 1) << 7 if at == 31 else 0 for at in range(32))
    assert bytes(one | other for one, other in zip(y[::-1], sign, strict=True)) == ed25519.public_key(KEY)
