"""What attestation keys sign, against published vectors and against signatures of a real device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import endorsement, secp256k1
from tallystick.crypto.hash import sha256
from tallystick.crypto.secret import Secret
from tallystick.errors import UsageError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "attestation.json").read_text())
KEYS = {name: bytes.fromhex(value) for name, value in VECTORS["keys"].items()}
APP = VECTORS["app"]
CODE_HASH, MESSAGE = bytes.fromhex(APP["code_hash"]), bytes.fromhex(APP["message"])
REAL = {name: bytes.fromhex(value) for name, value in VECTORS["real_device"].items()}
FIRST, SECOND = Secret(KEYS["attestation_1_private"]), Secret(KEYS["attestation_2_private"])
PUBLIC_1, PUBLIC_2 = KEYS["attestation_1_public"], KEYS["attestation_2_public"]
ORDER = secp256k1.ORDER


def test_schemes_give_the_published_bytes() -> None:
    """Both schemes, the bare signature, the app's secret and its public key are those of the vectors, byte for byte."""
    assert endorsement.sign_with_code_hash(FIRST, MESSAGE, CODE_HASH).hex() == APP["key1_sign_data"]
    assert endorsement.sign_bare(FIRST, MESSAGE).hex() == APP["key1_sign_without_code_hash"]
    assert endorsement.app_secret(FIRST, CODE_HASH) == bytes.fromhex(APP["key1_app_secret"])
    assert endorsement.sign_as_app_key(SECOND, MESSAGE, CODE_HASH).hex() == APP["key2_derive_sign_data"]
    assert endorsement.app_public_key(PUBLIC_2, CODE_HASH).hex() == APP["scheme_2_public"]


def test_scheme_2_of_a_real_device_holds() -> None:
    """Issuer, device, attestation key and app of a published chain are all verified, and one changed byte breaks each link."""
    device, key = REAL["device_message"][-65:], REAL["attestation_message"][1:]
    assert secp256k1.verify_ecdsa_der(
        REAL["issuer_public"], sha256(REAL["device_message"]), REAL["issuer_signature"], allow_high_s=True
    )
    assert secp256k1.verify_ecdsa_der(
        device, sha256(REAL["attestation_message"]), REAL["device_signature"], allow_high_s=True
    )
    assert endorsement.verify_app_key(key, REAL["message"], REAL["code_hash"], signature=REAL["signature"])
    other = bytes([REAL["code_hash"][0] ^ 1]) + REAL["code_hash"][1:]
    assert not endorsement.verify_app_key(key, REAL["message"], other, signature=REAL["signature"])
    assert not endorsement.verify_app_key(key, REAL["message"] + b"\0", REAL["code_hash"], signature=REAL["signature"])
    assert not endorsement.verify_app_key(device, REAL["message"], REAL["code_hash"], signature=REAL["signature"])


@given(message=st.binary(max_size=200), code_hash=st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_verified_and_for_this_app_alone(message: bytes, code_hash: bytes) -> None:
    """A signature of either scheme holds for its message and its hash, and for neither another message nor another hash."""
    other = bytes([code_hash[0] ^ 1]) + code_hash[1:]
    one = endorsement.sign_with_code_hash(FIRST, message, code_hash)
    two = endorsement.sign_as_app_key(SECOND, message, code_hash)
    for verify, public, signature in (
        (endorsement.verify_with_code_hash, PUBLIC_1, one),
        (endorsement.verify_app_key, PUBLIC_2, two),
    ):
        assert verify(public, message, code_hash, signature=signature)
        assert not verify(public, message, other, signature=signature)
        assert not verify(public, message + b"\0", code_hash, signature=signature)


def test_bare_signature_speaks_for_any_app() -> None:
    """Why the bare signature is no app's by default: with a hash at the end of the message it is another app's of scheme 1."""
    forged = endorsement.sign_bare(FIRST, MESSAGE + CODE_HASH)
    assert endorsement.verify_with_code_hash(PUBLIC_1, MESSAGE, CODE_HASH, signature=forged)
    assert not endorsement.verify_app_key(PUBLIC_2, MESSAGE, CODE_HASH, signature=forged)


def test_high_s_is_taken() -> None:
    """The mirror image of a signature counts, since older devices sent it."""
    signature = endorsement.sign_with_code_hash(FIRST, MESSAGE, CODE_HASH)
    assert endorsement.verify_with_code_hash(PUBLIC_1, MESSAGE, CODE_HASH, signature=_mirror(signature))


@pytest.mark.parametrize("code_hash", [b"", bytes(31), bytes(33)])
def test_hash_of_another_length_is_refused(code_hash: bytes) -> None:
    """A code hash has 32 bytes everywhere: another length would move the border between message and hash."""
    for call in (
        lambda: endorsement.sign_with_code_hash(FIRST, MESSAGE, code_hash),
        lambda: endorsement.sign_as_app_key(SECOND, MESSAGE, code_hash),
        lambda: endorsement.app_secret(FIRST, code_hash),
        lambda: endorsement.app_public_key(PUBLIC_2, code_hash),
        lambda: endorsement.verify_with_code_hash(PUBLIC_1, MESSAGE, code_hash, signature=b""),
    ):
        with pytest.raises(UsageError):
            call()


@pytest.mark.parametrize("scalar", [ORDER, ORDER + 1, (1 << 256) - 1])
def test_number_that_is_no_scalar_makes_no_key(scalar: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tweak of n or more, and one that leads to zero, end without a signature: nothing is ever signed with a wrong key."""
    monkeypatch.setattr(endorsement, "hmac_sha256", lambda _key, _data: scalar.to_bytes(32, "big"))
    with pytest.raises(UsageError):
        endorsement.sign_as_app_key(SECOND, MESSAGE, CODE_HASH)
    with pytest.raises(UsageError):
        endorsement.app_public_key(PUBLIC_2, CODE_HASH)


def test_tweak_that_leads_to_zero_makes_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tweak that is the private key's opposite leaves nothing to sign with."""
    opposite = (ORDER - int.from_bytes(SECOND.reveal(), "big")).to_bytes(32, "big")
    monkeypatch.setattr(endorsement, "hmac_sha256", lambda _key, _data: opposite)
    with pytest.raises(UsageError):
        endorsement.sign_as_app_key(SECOND, MESSAGE, CODE_HASH)
    with pytest.raises(UsageError):
        endorsement.app_public_key(PUBLIC_2, CODE_HASH)


def test_public_sum_is_that_of_the_private_one() -> None:
    """Adding a number to a public key gives the public key of the private one with the number added."""
    scalar = sha256(b"a number")
    private = secp256k1.add_scalar(FIRST, scalar)
    assert private is not None
    assert secp256k1.add_to_public(PUBLIC_1, scalar) == secp256k1.public_key(private, compressed=False)
    assert secp256k1.add_to_public(PUBLIC_1, bytes(32)) == PUBLIC_1


def _mirror(signature: bytes) -> bytes:
    """Return the signature with n - s for s."""
    r_length = signature[3]
    r, s = signature[4 : 4 + r_length], signature[6 + r_length :]
    high = (ORDER - int.from_bytes(s, "big")).to_bytes(33, "big")
    high = high if high[1] & 0x80 else high[1:]
    body = b"\x02" + bytes([len(r)]) + r + b"\x02" + bytes([len(high)]) + high
    return b"\x30" + bytes([len(body)]) + body
