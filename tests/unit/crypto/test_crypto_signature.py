"""P-256 and Ed25519 signatures: the vectors of RFC 6979 and RFC 8032, bad input, and an independent library."""

import hashlib
import json
from pathlib import Path

import ecdsa
import pytest
from ecdsa.util import sigdecode_der
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import ed25519, p256
from tallystick.crypto.secret import Secret
from tallystick.errors import UsageError

FOLDER = Path(__file__).parents[2] / "vectors"
RFC6979 = json.loads((FOLDER / "crypto_rfc6979_p256.json").read_text())
RFC8032 = json.loads((FOLDER / "crypto_ed25519.json").read_text())["vectors"]
ONE = (1).to_bytes(32, "big")

bounded = settings(max_examples=20, deadline=None)


@pytest.mark.parametrize("vector", RFC6979["vectors"], ids=lambda vector: vector["message"])
def test_p256_signature_of_rfc_6979(vector):
    """The signatures of RFC 6979 A.2.5 come out, and hold under both forms of the public key."""
    private = bytes.fromhex(RFC6979["private"])
    digest = hashlib.sha256(vector["message"].encode()).digest()
    signature = p256.sign_ecdsa_der(private, digest)
    assert sigdecode_der(signature, p256.ORDER) == (int(vector["r"], 16), int(vector["s"], 16))
    assert p256.public_key(private, compressed=False).hex() == RFC6979["public"]
    for compressed in (True, False):
        assert p256.verify_ecdsa_der(p256.public_key(private, compressed=compressed), digest, signature)


@given(st.integers(1, p256.ORDER - 1), st.binary(min_size=32, max_size=32))
@bounded
def test_p256_agrees_with_an_independent_library(number, digest):
    """Any key gives the public key of an independent library, which accepts the signature."""
    private = number.to_bytes(32, "big")
    other = ecdsa.SigningKey.from_string(private, curve=ecdsa.NIST256p).verifying_key
    assert p256.public_key(Secret(private)) == other.to_string("compressed")
    assert other.verify_digest(p256.sign_ecdsa_der(Secret(private), digest), digest, sigdecode=sigdecode_der)


def test_p256_broken_signature_does_not_verify():
    """A signature that is cut, lengthened or of another digest is False, not an error."""
    public, digest = p256.public_key(ONE), bytes(range(32))
    signature = p256.sign_ecdsa_der(ONE, digest)
    for length in range(len(signature)):
        assert not p256.verify_ecdsa_der(public, digest, signature[:length])
    assert not p256.verify_ecdsa_der(public, digest, signature + b"\0")
    assert not p256.verify_ecdsa_der(public, bytes(32), signature)


@pytest.mark.parametrize("number", [0, p256.ORDER, 2**256 - 1])
def test_p256_private_key_out_of_range_is_refused(number):
    """Zero, and n or more, are no private keys, and the refusal does not quote them."""
    with pytest.raises(UsageError, match="1 to n - 1") as refused:
        p256.sign_ecdsa_der(number.to_bytes(32, "big"), bytes(32))
    assert refused.value.__context__ is None


def test_p256_bad_lengths_and_points_are_refused():
    """Private keys, digests and public keys of another length, and points off the curve, are refused."""
    public = p256.public_key(ONE)
    for attempt in (
        lambda: p256.public_key(bytes(31)),
        lambda: p256.sign_ecdsa_der(ONE, bytes(31)),
        lambda: p256.verify_ecdsa_der(public, bytes(33), b""),
        lambda: p256.verify_ecdsa_der(b"", bytes(32), b""),
        lambda: p256.verify_ecdsa_der(b"\0", bytes(32), b""),
        lambda: p256.verify_ecdsa_der(public[:-1], bytes(32), b""),
        lambda: p256.verify_ecdsa_der(b"\x02" + b"\xff" * 32, bytes(32), b""),
        lambda: p256.verify_ecdsa_der(b"\x04" + bytes(64), bytes(32), b""),
    ):
        with pytest.raises(UsageError):
            attempt()


@pytest.mark.parametrize("vector", RFC8032, ids=lambda vector: vector["message"] or "empty")
def test_ed25519_vector_of_rfc_8032(vector):
    """Keys and signatures of RFC 8032 7.1 come out and hold."""
    private, message = bytes.fromhex(vector["private"]), bytes.fromhex(vector["message"])
    assert ed25519.public_key(Secret(private)).hex() == vector["public"]
    assert ed25519.sign(private, message).hex() == vector["signature"]
    assert ed25519.verify(bytes.fromhex(vector["public"]), message, bytes.fromhex(vector["signature"]))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
@bounded
def test_ed25519_agrees_with_an_independent_library(private, message):
    """Any key and message give the public key and signature of an independent library."""
    other = ecdsa.SigningKey.from_string(private, curve=ecdsa.Ed25519)
    assert ed25519.public_key(private) == other.verifying_key.to_string()
    assert ed25519.sign(private, message) == other.sign(message)


def test_ed25519_broken_signature_does_not_verify():
    """A signature that is cut, lengthened, changed or under a key that is no point is False."""
    public, signature = ed25519.public_key(ONE), ed25519.sign(ONE, b"message")
    for length in range(len(signature)):
        assert not ed25519.verify(public, b"message", signature[:length])
    assert not ed25519.verify(public, b"message", signature + b"\0")
    assert not ed25519.verify(public, b"massage", signature)
    assert not ed25519.verify(b"\xff" * 32, b"message", signature)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_ed25519_bad_lengths_are_refused(size):
    """Keys of another length are refused."""
    with pytest.raises(UsageError, match=f"{size} bytes"):
        ed25519.sign(bytes(size), b"")
    with pytest.raises(UsageError, match=f"{size} bytes"):
        ed25519.public_key(bytes(size))
    with pytest.raises(UsageError, match=f"{size} bytes"):
        ed25519.verify(bytes(size), b"", bytes(64))
