"""BLS signatures by call, against vectors of others, and what is refused."""

import json
import struct
from pathlib import Path

import pytest
from cx_machine import WILD, Cx

from tallystick.device.native.cx_bls import add, compress, decompress, multiply
from tallystick.device.native.cx_domain import DOMAINS
from tallystick.device.native.cx_error import CxError, CxStatus

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "native_bls.json").read_text())
SALT = b"BLS-SIG-KEYGEN-SALT-"
PLAIN, AUGMENTED, DERIVE = 0x0, 0xA, 0x80
HASH_BYTES, SIGNATURE_BYTES, KEY_BYTES = 192, 96, 48


class Bls(Cx):
    """A machine with the calls of BLS."""

    def generate(self, mode, secret, *, salt=SALT, told=b"", room=KEY_BYTES):
        """Return the address of a private key and the public key's bytes, or the error."""
        private, public = self.room(80), self.put(bytes(KEY_BYTES))
        words = (
            mode, self.put(secret), len(secret), self.put(salt), len(salt), self.put(told), len(told), private, public, room,
        )  # fmt: skip
        status = self.system("cx_bls12381_key_gen", *words)
        return status or (private, self.read(public, KEY_BYTES))

    def hash(self, message, tag):
        """Return the address of a hash to sign."""
        target = self.room(HASH_BYTES)
        text = self.put(message)
        assert self.system("cx_hash_to_field", text, len(message), self.put(tag), len(tag), target, HASH_BYTES) == 0
        return target

    def sign(self, private, hashed):
        """Return a signature."""
        target = self.room(SIGNATURE_BYTES)
        assert self.system("ox_bls12381_sign", private, hashed, HASH_BYTES, target, SIGNATURE_BYTES) == 0
        return self.read(target, SIGNATURE_BYTES)


@pytest.mark.parametrize("row", VECTORS["hash"]["vectors"], ids=lambda row: row["note"])
def test_hash_is_the_point_of_wycheproof(row):
    """A hash signed with the key 1 is the point that the message is hashed to."""
    cx = Bls()
    private, _ = cx.generate(PLAIN, bytes(31) + b"\1")
    hashed = cx.hash(bytes.fromhex(row["message"]), VECTORS["hash"]["tag"].encode())
    assert cx.sign(private, hashed).hex() == row["point"]


@pytest.mark.parametrize("row", VECTORS["sign"]["vectors"], ids=lambda row: row["seed"][:8])
def test_signature_is_that_of_another_implementation(row):
    """A key that is derived, its public key, and its signature are those of Chia's implementation."""
    cx = Bls()
    augmented = row["dst"].endswith("AUG_")
    private, public = cx.generate(DERIVE | (AUGMENTED if augmented else PLAIN), bytes.fromhex(row["seed"]))
    assert public.hex() == (row["public_key"] if augmented else bytes(KEY_BYTES).hex())
    message = (public if augmented else b"") + bytes.fromhex(row["message"])
    assert cx.sign(private, cx.hash(message, row["dst"].encode())).hex() == row["signature"]


def test_signatures_add_up():
    """The sum of two signatures over one hash is the signature by the sum of the keys."""
    cx = Bls()
    hashed = cx.hash(b"word", b"tag")
    parts = [cx.sign(cx.generate(PLAIN, bytes(31) + bytes((key,)))[0], hashed) for key in (3, 4, 7)]
    total = cx.room(SIGNATURE_BYTES)
    for first, part in ((1, parts[0]), (0, parts[1])):
        assert cx.system("cx_bls12381_aggregate", cx.put(part), SIGNATURE_BYTES, first, total, SIGNATURE_BYTES) == 0
    assert cx.read(total, SIGNATURE_BYTES) == parts[2]


def test_points_come_back():
    """A point of 96 bytes is itself again, the neutral element too; its opposite differs in one bit."""
    point = decompress(bytes.fromhex(VECTORS["hash"]["vectors"][0]["point"]))
    order = DOMAINS[0x39].order
    assert multiply(point, order) is None
    assert multiply(point, order + 1) == point
    opposite = multiply(point, order - 1)
    assert add(point, opposite) is None
    assert compress(opposite)[0] ^ compress(point)[0] == 0x20
    for one in (point, opposite, None, multiply(point, 5)):
        assert decompress(compress(one)) == one


@pytest.mark.parametrize(
    "raw",
    [b"", bytes(96), b"\x80" + bytes(95), b"\xc0" + bytes(94) + b"\1", b"\xe0" + bytes(95), b"\x9f" + b"\xff" * 95, b"\x80" * 95],
    ids=lambda raw: raw[:2].hex() + f"-{len(raw)}",
)  # fmt: skip
def test_bytes_that_are_no_point_are_refused(raw):
    """Wrong lengths, flags, coordinates beyond the field and off the curve are no point."""
    with pytest.raises(CxError):
        decompress(raw)


def test_sizes_are_checked():
    """Every length that the header fixes is asked for."""
    cx = Bls()
    private, _ = cx.generate(PLAIN, b"\1" * 32)
    hashed, target = cx.hash(b"", b""), cx.room(100)
    assert cx.generate(PLAIN, b"\1" * 33) == CxStatus.INVALID_PARAMETER_SIZE
    assert cx.generate(DERIVE, b"\1" * 31) == CxStatus.INVALID_PARAMETER
    assert cx.generate(PLAIN, b"\1" * 32, told=bytes(63)) == CxStatus.INVALID_PARAMETER_SIZE
    assert cx.generate(AUGMENTED, b"\1" * 32, room=47) == CxStatus.INVALID_PARAMETER_SIZE
    assert cx.generate(AUGMENTED, bytes(32)) == CxStatus.EC_INFINITE_POINT
    assert cx.system("ox_bls12381_sign", private, hashed, 191, target, 96) == CxStatus.INVALID_PARAMETER
    assert cx.system("ox_bls12381_sign", private, hashed, 192, target, 95) == CxStatus.INVALID_PARAMETER
    wrong = cx.put(struct.pack("<II", 0x21, 32) + bytes(32))
    assert cx.system("ox_bls12381_sign", wrong, hashed, 192, target, 96) == CxStatus.INVALID_PARAMETER_SIZE
    assert cx.system("cx_hash_to_field", target, 1, target, 256, target, 192) == CxStatus.INVALID_PARAMETER
    assert cx.system("cx_hash_to_field", target, 1, target, 5, target, 191) == CxStatus.INVALID_PARAMETER
    assert cx.system("cx_bls12381_aggregate", target, 95, 1, target, 96) == CxStatus.INVALID_PARAMETER
    assert cx.system("cx_bls12381_aggregate", hashed, 96, 1, target, 96) == CxStatus.INTERNAL_ERROR


@pytest.mark.parametrize("pointer", WILD)
def test_wild_pointers_are_an_answer(pointer):
    """Pointers that are not the app's are refused, wherever they stand."""
    cx = Bls()
    for name in ("cx_bls12381_key_gen", "cx_hash_to_field", "ox_bls12381_sign", "cx_bls12381_aggregate"):
        assert cx.system(name, *[pointer] * 10) != 0
    private, _ = cx.generate(PLAIN, b"\1" * 32)
    assert cx.system("ox_bls12381_sign", private, pointer, 192, cx.room(96), 96) == CxStatus.INVALID_PARAMETER
