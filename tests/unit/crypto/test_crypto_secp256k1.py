"""secp256k1: RFC 6979 vectors, low s, strict reading of keys and signatures, and an independent library."""

import hashlib
import json
from pathlib import Path

import ecdsa
import pytest
from ecdsa.util import sigdecode_der, sigencode_der, sigencode_der_canonize
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import bip32, bip39, secp256k1
from tallystick.crypto.secret import Secret
from tallystick.errors import UsageError

FOLDER = Path(__file__).parents[2] / "vectors"
RFC6979 = json.loads((FOLDER / "crypto_rfc6979_secp256k1.json").read_text())["vectors"]
COSMOS = json.loads((FOLDER / "cosmos_worked.json").read_text())
ORDER = secp256k1.ORDER
GENERATOR = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

bounded = settings(max_examples=25, deadline=None)
privates = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
digests = st.binary(min_size=32, max_size=32)
ONE = (1).to_bytes(32, "big")


@pytest.mark.parametrize("vector", RFC6979, ids=lambda vector: vector["message"][:20])
def test_signature_of_rfc_6979(vector):
    """Each published signature comes out byte for byte, and holds."""
    private = bytes.fromhex(vector["private"])
    digest = hashlib.sha256(vector["message"].encode()).digest()
    signature = secp256k1.sign_ecdsa_der(private, digest)
    assert signature.hex() == vector["signature"]
    assert secp256k1.verify_ecdsa_der(secp256k1.public_key(private), digest, signature)


def test_signature_of_the_cosmos_worked_value():
    """The amino document of cosmos-app 6 gives the signature that cosmjs made of it."""
    account, amino = COSMOS["accounts"][COSMOS["amino"]["account"]], COSMOS["amino"]
    node = bip32.derive(bip32.master(bip39.seed(account["sentence"])), account["path"])
    digest = hashlib.sha256(amino["document"].encode()).digest()
    assert digest.hex() == amino["sha256"]
    assert secp256k1.sign_ecdsa_der(node.private_key, digest).hex() == amino["signature"]


@given(privates, digests)
@bounded
def test_signature_agrees_with_an_independent_library(private, digest):
    """Any key and digest give the signature of an independent RFC 6979, which verifies: DER, 30 first, low s."""
    signature = secp256k1.sign_ecdsa_der(Secret(private), digest)
    other = ecdsa.SigningKey.from_string(private, curve=ecdsa.SECP256k1)
    assert signature == other.sign_digest_deterministic(digest, hashlib.sha256, sigencode=sigencode_der_canonize)
    assert other.verifying_key.verify_digest(signature, digest, sigdecode=sigdecode_der)
    assert signature[0] == 0x30
    assert len(signature) <= secp256k1.MAX_SIGNATURE_LENGTH
    r, s = sigdecode_der(signature, ORDER)
    assert 0 < r < ORDER
    assert 0 < s <= ORDER // 2


@given(privates, digests)
@bounded
def test_high_s_counts_only_when_allowed(private, digest):
    """The mirrored signature is refused by default and accepted where the caller allows it."""
    public = secp256k1.public_key(private)
    r, s = sigdecode_der(secp256k1.sign_ecdsa_der(private, digest), ORDER)
    mirrored = sigencode_der(r, ORDER - s, ORDER)
    assert not secp256k1.verify_ecdsa_der(public, digest, mirrored)
    assert secp256k1.verify_ecdsa_der(public, digest, mirrored, allow_high_s=True)


@given(privates, digests, digests, st.booleans())
@bounded
def test_signature_does_not_hold_for_other_key_or_digest(private, digest, other, allow_high_s):
    """A signature holds for its own key and digest only."""
    public = secp256k1.public_key(private)
    stranger = secp256k1.public_key(hashlib.sha256(private).digest())
    signature = secp256k1.sign_ecdsa_der(private, digest)
    assert not secp256k1.verify_ecdsa_der(stranger, digest, signature, allow_high_s=allow_high_s)
    assert secp256k1.verify_ecdsa_der(public, other, signature, allow_high_s=allow_high_s) == (other == digest)


def test_broken_der_does_not_verify():
    """A signature cut at any length, with a byte more, or with another first byte is False, not an error."""
    public, digest = secp256k1.public_key(ONE), bytes(range(32))
    signature = secp256k1.sign_ecdsa_der(ONE, digest)
    assert secp256k1.verify_ecdsa_der(public, digest, signature)
    broken = [signature[:length] for length in range(len(signature))]
    broken += [signature + b"\0", b"\x31" + signature[1:], bytes(72), b"\xff" * 5000]
    for candidate in broken:
        assert not secp256k1.verify_ecdsa_der(public, digest, candidate, allow_high_s=True)


@given(privates)
@bounded
def test_public_key_agrees_with_an_independent_library(private):
    """Both forms of a public key are those of an independent library, and turn into each other."""
    point = ecdsa.SigningKey.from_string(private, curve=ecdsa.SECP256k1).verifying_key
    short, long = secp256k1.public_key(private), secp256k1.public_key(private, compressed=False)
    assert (short, long) == (point.to_string("compressed"), point.to_string("uncompressed"))
    assert secp256k1.compress(long) == secp256k1.compress(short) == short
    assert secp256k1.decompress(long) == secp256k1.decompress(short) == long


def test_key_one_is_the_generator():
    """The public key of 1 is the generator of the curve (SEC 2, 2.4.1)."""
    assert secp256k1.public_key(ONE).hex() == GENERATOR


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_private_key_out_of_range_is_refused(number):
    """Zero, and n or more, are no private keys anywhere."""
    private = number.to_bytes(32, "big")
    assert not secp256k1.is_valid_private_key(private)
    for attempt in (
        lambda: secp256k1.public_key(private),
        lambda: secp256k1.sign_ecdsa_der(private, bytes(32)),
        lambda: secp256k1.add_scalar(private, ONE),
    ):
        with pytest.raises(UsageError, match="private key") as refused:
            attempt()
        assert private.hex() not in str(refused.value)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_lengths_are_checked_before_the_library_sees_them(size):
    """Private keys, scalars and digests of another length are refused: the library would read past their end."""
    assert not secp256k1.is_valid_private_key(bytes([1]) * size)
    for attempt in (
        lambda: secp256k1.public_key(bytes([1]) * size),
        lambda: secp256k1.sign_ecdsa_der(bytes([1]) * size, bytes(32)),
        lambda: secp256k1.sign_ecdsa_der(ONE, bytes(size)),
        lambda: secp256k1.verify_ecdsa_der(bytes.fromhex(GENERATOR), bytes(size), b""),
        lambda: secp256k1.add_scalar(ONE, bytes(size)),
        lambda: secp256k1.add_scalar(bytes([1]) * size, ONE),
    ):
        with pytest.raises(UsageError, match=f"{size} bytes, not 32"):
            attempt()


def test_bad_public_key_is_refused():
    """Truncated, over-long, hybrid, off-curve and infinite points are refused everywhere."""
    short, long = bytes.fromhex(GENERATOR), secp256k1.public_key(ONE, compressed=False)
    bad = [short[:length] for length in range(33)] + [long[:length] for length in range(34, 65)]
    bad += [short + b"\0", long + b"\0", b"\x04" + short[1:], b"\x00" * 33, b"\x02" + b"\xff" * 32]
    bad += [bytes([6 + (long[-1] & 1)]) + long[1:], long[:-1] + bytes([long[-1] ^ 1]), b"\x02" + bytes(31) + b"\x07"]
    for public in bad:
        for attempt in (
            lambda public=public: secp256k1.compress(public),
            lambda public=public: secp256k1.decompress(public),
            lambda public=public: secp256k1.verify_ecdsa_der(public, bytes(32), b""),
        ):
            with pytest.raises(UsageError, match="not a point"):
                attempt()


@given(privates, st.integers(0, ORDER - 1))
@bounded
def test_scalars_add_modulo_the_order(private, scalar):
    """`add_scalar` is addition modulo n, and none where the sum is zero."""
    total = (int.from_bytes(private, "big") + scalar) % ORDER
    result = secp256k1.add_scalar(private, scalar.to_bytes(32, "big"))
    assert result == total.to_bytes(32, "big") if total else result is None


def test_scalar_edges():
    """Zero leaves the key, n - key gives none, n and more give none."""
    assert secp256k1.add_scalar(ONE, bytes(32)) == ONE
    for scalar in (ORDER - 1, ORDER, 2**256 - 1):
        assert secp256k1.add_scalar(ONE, scalar.to_bytes(32, "big")) is None


@given(privates, digests)
@bounded
def test_recovery_id_leads_to_the_key(private, digest):
    """The signature is the plain one, and an independent library finds the key at the place the recovery id says."""
    der, recovery = secp256k1.sign_ecdsa_recoverable(Secret(private), digest)
    assert der == secp256k1.sign_ecdsa_der(private, digest)
    keys = ecdsa.VerifyingKey.from_public_key_recovery_with_digest(
        der, digest, ecdsa.SECP256k1, hashfunc=hashlib.sha256, sigdecode=sigdecode_der
    )
    # recovery lists the even nonce's key first; ids 2 and 3 are too rare to meet
    assert keys[recovery & 1].to_string("uncompressed") == secp256k1.public_key(private, compressed=False)
