"""The hashes, against published values, the standard library and an independent one."""

import hashlib
import json
from pathlib import Path

import pytest
from bip_utils.utils.crypto import Hash160, HmacSha256, HmacSha512, Kekkak256, Ripemd160
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.crypto import _keccak, _ripemd160
from tallystick.crypto import hash as digests

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "crypto_hash.json").read_text())

bounded = settings(max_examples=40, deadline=None)
data = st.binary(max_size=400)


@pytest.mark.parametrize(("text", "expected"), VECTORS["ripemd160"].items())
def test_ripemd160_gives_its_authors_values(text, expected):
    """RIPEMD-160 gives its authors' test values, by OpenSSL and by our own code."""
    assert digests.ripemd160(text.encode()).hex() == expected
    assert _ripemd160.digest(text.encode()).hex() == expected


@pytest.mark.parametrize(("text", "expected"), VECTORS["keccak256"].items())
def test_keccak256_gives_published_values(text, expected):
    """Keccak-256 with the original padding gives the published values."""
    assert digests.keccak256(text.encode()).hex() == expected


@pytest.mark.parametrize(("text", "expected"), VECTORS["sha3_256"].items())
def test_sha3_256_gives_published_values(text, expected):
    """SHA3-256 gives the published values, which differ from those of Keccak-256."""
    assert digests.sha3_256(text.encode()).hex() == expected
    assert digests.keccak256(text.encode()).hex() != expected


@given(data)
@example(bytes(135))
@example(bytes(136))
@example(bytes(137))
@example(bytes(16 * 1024))
@bounded
def test_keccak_agrees_with_others(message):
    """Our sponge gives SHA3-256 as the standard library does, and Keccak-256 as an independent library does."""
    assert _keccak.digest256(message, suffix=_keccak.SHA3_SUFFIX) == hashlib.sha3_256(message).digest()
    assert digests.keccak256(message) == Kekkak256.QuickDigest(message)


@given(data)
@example(bytes(55))
@example(bytes(56))
@example(bytes(63))
@example(bytes(64))
@bounded
def test_own_ripemd160_agrees_with_others(message):
    """Our RIPEMD-160 gives what an independent library gives, around the block boundary too."""
    assert _ripemd160.digest(message) == Ripemd160.QuickDigest(message)
    assert digests.hash160(message) == Hash160.QuickDigest(message)


def test_ripemd160_works_where_openssl_lacks_it(monkeypatch):
    """Where OpenSSL refuses RIPEMD-160 our own code steps in with the same answer."""

    def refuse(name, data=b""):
        raise ValueError(f"unsupported hash type {name}")

    expected = digests.ripemd160(b"abc")
    monkeypatch.setattr(hashlib, "new", refuse)
    assert digests.ripemd160(b"abc") == expected
    assert digests.hash160(b"abc") == _ripemd160.digest(hashlib.sha256(b"abc").digest())


@given(st.binary(max_size=200), data)
@bounded
def test_hmac_agrees_with_others(key, message):
    """HMAC gives what an independent library gives, for keys shorter and longer than a block."""
    assert digests.hmac_sha256(key, message) == HmacSha256.QuickDigest(key, message)
    assert digests.hmac_sha512(key, message) == HmacSha512.QuickDigest(key, message)


def test_hmac_gives_rfc_4231_values():
    """HMAC gives the values of RFC 4231, test case 2."""
    key, message = b"Jefe", b"what do ya want for nothing?"
    assert digests.hmac_sha256(key, message).hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert digests.hmac_sha512(key, message).hex() == (
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    )


def test_sha2_gives_fips_values():
    """SHA-256 and SHA-512 give the values of FIPS 180-4 for `abc`."""
    assert digests.sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digests.sha512(b"abc").hex().startswith("ddaf35a193617abacc417349ae204131")
