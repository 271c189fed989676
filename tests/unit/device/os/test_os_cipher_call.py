"""Calls that compute with an app's own keys: worked values, and what is no key or block."""

import pytest

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import sha256
from tallystick.device.os.cipher_call import calculate
from tallystick.wire.call_cipher import Agree, Cipher, PublicOf, SignWith, Verify
from tallystick.wire.syscall import CallStatus, Outcome

ONE, TWO = (number.to_bytes(32, "big") for number in (1, 2))
DIGEST = sha256(b"message")
BLOCK = bytes(range(16))


def value(request):
    """Return the value of a call that must succeed."""
    outcome = calculate(request)
    assert outcome.status is CallStatus.OK
    return outcome.value


def test_public_of_one_is_the_generator():
    """The public key of 1 is the point everybody begins with (SEC 2, 2.4.1)."""
    assert value(PublicOf(ONE)).hex() == (
        "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
    )


def test_a_signature_holds_for_its_key_and_digest_alone():
    """What SIGN_WITH makes, VERIFY accepts; with its S mirrored, too; for another digest or key it does not."""
    public, signature = value(PublicOf(ONE)), value(SignWith(ONE, DIGEST))
    assert value(Verify(public, DIGEST, signature)) is True
    assert value(Verify(public, sha256(b"other"), signature)) is False
    assert value(Verify(value(PublicOf(TWO)), DIGEST, signature)) is False
    at = 4 + signature[3] + 2
    mirrored = secp256k1.ORDER - int.from_bytes(signature[at:], "big")
    body = signature[2 : at - 2] + b"\x02\x21" + mirrored.to_bytes(33, "big")
    assert value(Verify(public, DIGEST, bytes((0x30, len(body))) + body)) is True


def test_two_sides_agree_on_one_secret():
    """Both compute the hash of the compressed common point."""
    both = value(Agree(ONE, value(PublicOf(TWO)))), value(Agree(TWO, value(PublicOf(ONE))))
    assert both[0] == both[1] == sha256(secp256k1.public_key(TWO))


def test_cipher_is_aes_cbc():
    """One block of the published vectors (NIST SP 800-38A, F.2.1), and back."""
    key, plain = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    cipher = value(Cipher(True, key, BLOCK, plain))
    assert cipher.hex() == "7649abac8119b246cee98e9b12e9197d"
    assert value(Cipher(False, key, BLOCK, cipher)) == plain


@pytest.mark.parametrize(
    "request_",
    [
        PublicOf(bytes(32)),
        PublicOf(secp256k1.ORDER.to_bytes(32, "big")),
        PublicOf(b"\x01"),
        SignWith(bytes(32), DIGEST),
        SignWith(ONE, DIGEST[:-1]),
        Verify(b"\x04" + bytes(64), DIGEST, b"\x30"),
        Verify(secp256k1.public_key(ONE), DIGEST, b"\x30"),
        Agree(ONE, b"\x04" + bytes(63) + b"\x01"),
        Agree(bytes(32), secp256k1.public_key(ONE, compressed=False)),
        Agree(ONE, secp256k1.public_key(ONE)),
        Cipher(True, bytes(15), BLOCK, BLOCK),
        Cipher(True, bytes(32), BLOCK, BLOCK),
        Cipher(True, BLOCK, BLOCK[:-1], BLOCK),
        Cipher(False, BLOCK, BLOCK, BLOCK[:-1]),
        Cipher(False, BLOCK, BLOCK, b""),
        Cipher(True, BLOCK, BLOCK, bytes(4112)),
    ],
)
def test_what_is_no_key_point_or_block_is_a_bad_argument(request_):
    """Values no codec has looked at, as an app in the same process may give them, are refused and raise nothing."""
    assert calculate(request_) == Outcome(CallStatus.BAD_ARGUMENT)


@pytest.mark.parametrize(
    "request_", [PublicOf(TWO), SignWith(TWO, DIGEST), Agree(TWO, DIGEST), Cipher(True, TWO[16:], BLOCK, TWO)]
)
def test_no_call_shows_its_key(request_):
    """The private key and the plain text of a call are not in its repr."""
    assert str(TWO[-4:])[2:-1] not in repr(request_)
