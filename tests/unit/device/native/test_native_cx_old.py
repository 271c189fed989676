"""Cryptography that firmware before API levels had beside that of today: DES and Groestl, by standards and beside a real library."""

import os
import random
import struct
from pathlib import Path
from types import MappingProxyType

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cx_machine import Cx, RealCx

from tallystick.crypto.groestl import groestl
from tallystick.device.native.cx_error import CxStatus
from tallystick.device.native.table_two import CALLS
from tallystick.device.native.worker import UnicornCpu

LAST, DECRYPT, VERIFY, ENCRYPT, SIGN = 1, 0, 2, 4, 6
ZEROS, ONE_AND_ZEROS = 1 << 3, 2 << 3
ECB, CBC_CHAIN, CTR = 0, 1 << 6, 2 << 6
#: the shared library of Nano S 2.1, where there is one
REAL = Path(os.environ.get("TALLYSTICK_ELFS", "nowhere")) / "nanos-cx-2.1.elf"
#: nothing of this app's
WILD = (0, 0x30000000, 0xFFFFFFFF, 0x20001400)


class OldCx(Cx):
    """An app of Nano S 2.1."""

    names = MappingProxyType({number: call.name for number, call in CALLS.items()})

    def __init__(self):
        super().__init__(level=None, model="nanos")

    def des(self, key, mode, data, *, vector=b"", room=80, before=b""):
        """Return what comes of data, or the error."""
        return des(self, key, mode, data, vector=vector, room=room, before=before)


def des(cx, key, mode, data, *, vector=b"", room=80, before=b""):
    """Run DES with a vector or without; return what comes of data, or the error."""
    at, out, length = cx.put(bytes(25)), cx.put(before.ljust(80, b"\xaa")), cx.word(room)
    assert cx.call("cx_des_init_key_no_throw", cx.put(key), len(key), at) == 0
    source = (cx.put(data), len(data), out, length)
    if vector:
        status = cx.call("cx_des_iv_no_throw", at, mode, cx.put(vector), len(vector), *source)
    else:
        status = cx.call("cx_des_no_throw", at, mode, *source)
    return status or cx.read(out, cx.number(length))


@pytest.mark.parametrize(
    ("key", "plain", "secret"),
    [
        # a worked example of DES in many textbooks, and NIST SP 800-67, B.1
        ("133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405"),
        (
            "0123456789abcdef23456789abcdef01456789abcdef0123",
            "54686520717566636b2062726f776e20666f78206a756d70",
            "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900",
        ),
    ],
)
def test_blocks_are_those_of_the_standard(key, plain, secret):
    """DES and triple DES, whole messages and single blocks, there and back."""
    cx = OldCx()
    key, plain, secret = (bytes.fromhex(value) for value in (key, plain, secret))
    assert cx.des(key, ENCRYPT | ECB, plain) == secret
    assert cx.des(key, DECRYPT | ECB, secret) == plain
    at, out = cx.put(bytes((len(key),)) + key), cx.room(8)
    for name, one, other in (("cx_des_enc_block", plain, secret), ("cx_des_dec_block", secret, plain)):
        assert cx.call(name, at, cx.put(one[:8]), out) == 0
        assert cx.read(out, 8) == other[:8]


def test_units_key_goes_both_ways_and_is_forgotten():
    """The chip's unit takes a key for one operation, works block by block, and without a key answers an error."""
    cx = OldCx()
    plain, secret = bytes.fromhex("0123456789abcdef"), bytes.fromhex("85e813540f0ab405")
    key, out = cx.put(b"\x08" + bytes.fromhex("133457799bbcdff1")), cx.room(8)
    for mode, one, other in ((ENCRYPT, plain, secret), (DECRYPT, secret, plain)):
        assert cx.system("cx_des_set_key_hw", key, mode) == 0
        assert cx.system("cx_des_block_hw", cx.put(one), out) == 0
        assert cx.read(out, 8) == other
    assert cx.system("cx_des_reset_hw") == 0
    assert cx.system("cx_des_block_hw", out, out) == CxStatus.INTERNAL_ERROR
    assert cx.system("cx_des_set_key_hw", cx.put(b"\x09" + bytes(24)), ENCRYPT) == CxStatus.INVALID_PARAMETER
    for pointer in WILD:
        assert cx.system("cx_des_set_key_hw", pointer, ENCRYPT) == CxStatus.INVALID_PARAMETER


@pytest.mark.parametrize("size", [8, 16, 24])
def test_chains_are_those_of_openssl(size):
    """CBC is OpenSSL's, with a vector and without; a MAC is its last block, and verifies."""
    cx, key, vector, data = OldCx(), bytes(range(1, 1 + size)), bytes(range(8)), bytes(range(40))
    whole = {8: key * 3, 16: key + key[:8], 24: key}[size]
    for start in (vector, b""):
        context = Cipher(TripleDES(whole), CBC(start or bytes(8))).encryptor()
        expected = context.update(data)
        assert cx.des(key, ENCRYPT | CBC_CHAIN | LAST, data, vector=start) == expected
        assert cx.des(key, DECRYPT | CBC_CHAIN | LAST, expected, vector=start) == data
        assert cx.des(key, SIGN | CBC_CHAIN | LAST, data, vector=start) == expected[-8:]
        assert cx.des(key, VERIFY | CBC_CHAIN | LAST, data, vector=start, before=expected[-8:]) == expected[-8:]
        assert cx.des(key, VERIFY | CBC_CHAIN | LAST, data, vector=start, before=expected[-9:-1]) == b""


@pytest.mark.parametrize("padding", [ZEROS, ONE_AND_ZEROS])
@pytest.mark.parametrize("size", range(1, 18))
def test_padding_comes_off_again(padding, size):
    """What was padded is whole blocks, and without a padding of zeros the data itself after decryption."""
    cx, data = OldCx(), bytes(range(1, 1 + size))
    secret = cx.des(b"eightkey", ENCRYPT | CBC_CHAIN | padding | LAST, data)
    plain = cx.des(b"eightkey", DECRYPT | CBC_CHAIN | padding | LAST, secret)
    assert plain == (data if padding == ONE_AND_ZEROS else data + bytes(-size % 8))


def test_what_des_cannot_do_is_an_answer():
    """Other keys, modes, vectors and sizes, and a padding that is none, are refused."""
    cx, key, refused = OldCx(), b"eightkey", CxStatus.INVALID_PARAMETER
    assert cx.call("cx_des_init_key_no_throw", cx.put(key), 9, cx.room(25)) == refused
    assert cx.des(key, ENCRYPT | ECB, b"seven b") == refused
    assert cx.des(key, DECRYPT | ECB | LAST, b"seven b") == refused
    assert cx.des(key, ENCRYPT | 3 << 6, bytes(8)) == refused
    assert cx.des(key, SIGN | ECB, bytes(8)) == refused
    assert cx.des(key, ENCRYPT | 3 << 3, bytes(8)) == refused
    assert cx.des(key, ENCRYPT | CTR, bytes(8)) == refused
    assert cx.des(key, ENCRYPT | CBC_CHAIN, bytes(8), vector=b"short") == refused
    assert cx.des(key, ENCRYPT | ECB, bytes(16), room=15) == refused
    assert cx.des(key, ENCRYPT | ECB | ONE_AND_ZEROS, bytes(16), room=23) == refused
    assert cx.des(key, SIGN | CBC_CHAIN, bytes(16), room=7) == refused
    assert cx.des(key, DECRYPT | ECB | ONE_AND_ZEROS, bytes(8)) == refused
    assert cx.des(key, ENCRYPT | ECB, b"", room=3) == b"\xaa" * 3


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_running_groestl_is_that_at_once(bits):
    """A hash in pieces, moved between them, is the digest, and a context says its size."""
    cx, data = OldCx(), bytes(range(200))
    context, out = cx.put(bytes(304)), cx.room(64)
    assert cx.call("cx_groestl_init_no_throw", context, bits) == 0
    for piece in (data[:1], data[1:130], data[130:]):
        assert cx.call("cx_hash_update", context, cx.put(piece), len(piece)) == 0
        context = cx.put(cx.read(context, 304))
    assert cx.call("cx_hash_get_size", context) == bits // 8
    assert cx.call("cx_groestl", context, LAST, 0, 0, out, bits // 8 - 1) == CxStatus.INVALID_PARAMETER
    assert cx.call("cx_hash_final", context, out) == 0
    assert cx.read(out, bits // 8) == groestl(data, bits)


def test_groestl_has_its_sizes_and_contexts():
    """Other sizes and contexts that cannot be one are refused, and firmware without it does not know it."""
    cx = OldCx()
    context = cx.put(bytes(304))
    for bits in (0, 160, 257, 0xFFFFFFFF):
        assert cx.call("cx_groestl_init_no_throw", context, bits) == CxStatus.INVALID_PARAMETER
    assert cx.call("cx_hash_init_ex", context, 8, 32) == 0
    good = cx.read(context, 304)
    for at, wrong in ((8, 31), (152, 28), (284, 64), (288, 16), (292, 14), (296, 128), (148, 1)):
        bad = bytearray(good)
        bad[at : at + 4] = struct.pack("<I", wrong)
        assert cx.call("cx_hash_update", cx.put(bytes(bad)), cx.put(b"x"), 1) == CxStatus.INVALID_PARAMETER, at
    today = Cx()
    assert today.call("cx_hash_init_ex", today.put(bytes(424)), 8, 32) == CxStatus.INVALID_PARAMETER
    assert today.call("cx_hash_get_info", 8) == 0


@pytest.mark.parametrize("pointer", WILD)
def test_wild_pointers_are_an_answer(pointer):
    """Pointers that are not the app's are refused, wherever they stand."""
    cx = OldCx()
    key, eight, context = cx.put(b"\x08eightkey"), cx.put(bytes(8)), cx.put(bytes(304))
    assert cx.call("cx_groestl_init_no_throw", context, 256) == 0
    calls = (
        ("cx_des_init_key_no_throw", (eight, 8, key), (0, 2)),
        ("cx_des_iv_no_throw", (key, ENCRYPT, eight, 8, eight, 8, eight, cx.word(8)), (0, 2, 4, 6, 7)),
        ("cx_des_enc_block", (key, eight, eight), (0, 1, 2)),
        ("cx_groestl_init_no_throw", (context, 256), (0,)),
        ("cx_groestl_update", (context, eight, 8), (0, 1)),
        ("cx_groestl_final", (context, cx.room(32)), (0, 1)),
    )
    for name, arguments, places in calls:
        for place in places:
            wrong = (*arguments[:place], pointer, *arguments[place + 1 :])
            assert cx.call(name, *wrong) == CxStatus.INVALID_PARAMETER, (name, place)


def state_of(cx, context):
    """Return what a context of Groestl says: what lies in its block behind the bytes that wait is nothing."""
    raw = cx.read(context, 304)
    return raw[4 : 156 + struct.unpack_from("<I", raw, 284)[0]], raw[284:]


def groestls(cx, rng):
    """Digests of every size and length around a block, in pieces; contexts on the way and at the end."""
    for bits in (224, 256, 384, 512):
        for size in (0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 121, 128, 200):
            cx.fresh()
            data, context, out = rng.randbytes(size), cx.put(rng.randbytes(304)), cx.room(64)
            yield cx.call("cx_groestl_init_no_throw", context, bits)
            cut = rng.randrange(size + 1)
            for piece in (data[:cut], data[cut:]):
                yield cx.call("cx_groestl_update", context, cx.put(piece), len(piece)), state_of(cx, context)
            yield cx.call("cx_groestl_final", context, out), cx.read(out, 64), state_of(cx, context)
            yield cx.call("cx_groestl_get_output_size", context)


def ciphers(cx, rng):
    """Every mode, padding and chain on data of many lengths, with each size of key."""
    for key_bytes in (8, 16, 24):
        for operation in (DECRYPT, ENCRYPT, SIGN, VERIFY):
            for chain in (ECB, CBC_CHAIN, CTR, 3 << 6):
                for padding in (0, ZEROS, ONE_AND_ZEROS, 3 << 3):
                    for size in (0, 1, 7, 8, 9, 16, 23, 24):
                        # behind the end of data, a real library reads on
                        if operation == DECRYPT and size % 8 and chain != CTR:
                            continue
                        cx.fresh()
                        vector = rng.choice((b"", rng.randbytes(8)))
                        yield des(
                            cx, rng.randbytes(key_bytes), operation | chain | padding | LAST,
                            rng.randbytes(size), vector=vector, room=rng.choice((8, 24, 32)),
                        )  # fmt: skip
    for name in ("cx_des_enc_block", "cx_des_dec_block"):
        out = cx.room(8)
        cx.call(name, cx.put(b"\x10" + rng.randbytes(24)), cx.put(rng.randbytes(8)), out)
        yield cx.read(out, 8)


@pytest.mark.parametrize("scenario", [groestls, ciphers])
def test_answers_are_those_of_the_real_library(scenario):
    """Whatever the code of Nano S 2.1 answers to random input, and leaves in memory, is what is answered here."""
    if not REAL.exists():
        pytest.skip("TALLYSTICK_ELFS names no folder with the library of Nano S 2.1")
    real = RealCx(level=None, model="nanos", cpu=UnicornCpu(), library=REAL.read_bytes())
    ours, theirs = (list(scenario(cx, random.Random(1))) for cx in (OldCx(), real))
    for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert one == other, at
