"""Keys in a PKCS#11 token, against the real SoftHSM2: made, used, refused, lost and found again."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hsm_stage import MODULE, PIN, PROGRAM, SoftHsm, soft_hsm

from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import DeviceNotFound, PermissionDenied, StateError, TransportError, TrustError, UsageError
from tallystick.manager.hsm.address import TokenAddress, parse_address
from tallystick.manager.hsm.keyring import Keyring, certify_signer
from tallystick.manager.hsm.place import label_of
from tallystick.manager.hsm.role import Realm, Role
from tallystick.manager.hsm.token import Token, TokenSigner
from tallystick.wire.certificate import signer_message

pytestmark = pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason="SoftHSM2 is not installed: scripts/hsm_setup"
)


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """Give each test tokens of its own."""
    with soft_hsm(tmp_path, monkeypatch) as tokens:
        yield tokens


def _open(url: str) -> Token:
    address = parse_address(url)
    assert isinstance(address, TokenAddress)
    return Token.open(address)


def test_keyring_is_made_once_and_opened_again(hsm: SoftHsm) -> None:
    """Three keys and the signer's certificate are made, found again by another session, and never replaced."""
    url = hsm.make_token()
    with Keyring.create(url, Realm.TEST) as made:
        keys = [signer.public_key for signer in (made.issuer, made.software, made.signer)]
        certificate = made.signer_certificate
        assert made.realm is Realm.TEST
        assert made.is_blocking
    assert len(set(keys)) == 3
    digest = hashlib.sha256(signer_message(keys[2])).digest()
    assert verify_ecdsa_der(keys[0], digest, certificate.signature)
    with Keyring.open(url) as again:
        assert [signer.public_key for signer in (again.issuer, again.software, again.signer)] == keys
        assert again.signer_certificate == certificate
        assert again.signer_serial == hashlib.sha256(keys[0]).digest()[:4]
    with pytest.raises(UsageError, match="already"):
        Keyring.create(url, Realm.TEST)


def test_two_hundred_signatures_verify_with_low_s(hsm: SoftHsm) -> None:
    """The token gives s as it falls, half of them high; what we hand on is DER that libsecp256k1 takes as it is."""
    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring:
        for number in range(200):
            message = f"message {number}".encode()
            digest = hashlib.sha256(message).digest()
            signature = keyring.signer.sign(message)
            assert verify_ecdsa_der(keyring.signer.public_key, digest, signature)
            assert verify_ecdsa_der(keyring.issuer.public_key, digest, keyring.issuer.sign_digest(digest))
            assert len(signature) <= 72


def test_key_neither_leaves_the_token_nor_does_anything_but_sign(hsm: SoftHsm) -> None:
    """Its value cannot be read or wrapped, it is private and for ever so, and it derives and decrypts nothing."""
    import pkcs11

    url = hsm.make_token()
    Keyring.create(url, Realm.TEST).close()
    token = pkcs11.lib(MODULE).get_token(token_label="factory")
    with token.open(rw=True, user_pin=PIN) as session:
        label = label_of(Realm.TEST, Role.ISSUER)
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
        attribute = pkcs11.Attribute
        assert key[attribute.SIGN]
        for never in (
            attribute.DERIVE,
            attribute.DECRYPT,
            attribute.UNWRAP,
            attribute.EXTRACTABLE,
            attribute.MODIFIABLE,
        ):
            assert not key[never]
        for always in (attribute.SENSITIVE, attribute.ALWAYS_SENSITIVE, attribute.NEVER_EXTRACTABLE, attribute.PRIVATE):
            assert key[always]
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            key[attribute.VALUE]
        wrapping = session.generate_key(pkcs11.KeyType.AES, 256, template={attribute.WRAP: True})
        with pytest.raises(pkcs11.exceptions.KeyUnextractable):
            wrapping.wrap_key(key, mechanism=pkcs11.Mechanism.AES_KEY_WRAP_PAD)
        del key, wrapping
    with token.open() as stranger:
        found = stranger.get_objects({attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
        assert list(found) == []
    gc.collect()


def test_wrong_pin_is_refused_and_not_told(hsm: SoftHsm, tmp_path: Path) -> None:
    """A wrong PIN is a permission denied, tried once, and stands in no text."""
    hsm.make_token()
    wrong = tmp_path / "wrong"
    wrong.write_text("9375")
    with pytest.raises(PermissionDenied) as refused:
        Keyring.open(hsm.url(pin_file=wrong))
    assert "9375" not in refused.value.message + refused.value.remedy
    assert refused.value.__cause__ is None


def test_pin_that_was_refused_is_not_tried_again(hsm: SoftHsm) -> None:
    """When the PIN is changed under a running session, the log-in after it is tried once: tokens lock after a few tries."""
    import pkcs11

    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring:
        with pkcs11.lib(MODULE).get_token(token_label="factory").open(rw=True) as session:
            session.set_pin(PIN, "993355")
        pkcs11.lib(MODULE).finalize()
        with pytest.raises(PermissionDenied, match="refuses"):
            keyring.issuer.sign(b"x")
        for _ in range(20):
            with pytest.raises(PermissionDenied, match="had refused"):
                keyring.issuer.sign(b"x")
    with pkcs11.lib(MODULE).get_token(token_label="factory").open(user_pin="993355") as session:
        assert session.token.label == "factory"


def test_token_or_library_that_is_not_there_is_said(hsm: SoftHsm, tmp_path: Path) -> None:
    """No token of that label, and no library at that path, are two clear errors; a token without keys is a third."""
    url = hsm.make_token()
    with pytest.raises(DeviceNotFound):
        Keyring.open(hsm.url("another"))
    with pytest.raises(DeviceNotFound, match="library"):
        Keyring.open(url.replace(MODULE, str(tmp_path / "no.so")))
    with pytest.raises(UsageError, match="no keys"):
        Keyring.open(url)


def test_token_made_after_the_library_was_started_is_found(hsm: SoftHsm) -> None:
    """A library that has been running does not have to be restarted by hand for a new token."""
    with Keyring.create(hsm.make_token(), Realm.TEST) as first:
        with Keyring.create(hsm.make_token("second"), Realm.TEST) as second:
            assert second.issuer.public_key != first.issuer.public_key
            assert second.issuer.sign(b"x")
        # the library was started again for it, and this session with it
        assert first.issuer.sign(b"x")


def test_token_that_comes_back_is_used_again(hsm: SoftHsm) -> None:
    """While the token is gone signing fails clearly; once it is back the same keyring signs again."""
    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring:
        away = hsm.folder.with_name("away")
        hsm.folder.rename(away)
        for _ in range(2):
            with pytest.raises(TransportError):
                keyring.issuer.sign(b"x")
        away.rename(hsm.folder)
        signature = keyring.issuer.sign(b"x")
        assert verify_ecdsa_der(keyring.issuer.public_key, hashlib.sha256(b"x").digest(), signature)


def test_session_that_was_ended_is_opened_again(hsm: SoftHsm) -> None:
    """When somebody else in the process ends the library, or logs out, the next signature is made all the same."""
    import pkcs11

    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring:
        pkcs11.lib(MODULE).finalize()
        assert keyring.software.sign(b"x")
        pkcs11.lib(MODULE).reinitialize()
        assert keyring.software.sign(b"x")


def test_at_once_is_a_signature_and_nothing_else(hsm: SoftHsm) -> None:
    """A key that has signed signs at once; one that was not looked up, a session or a token that is lost do not, and are not opened."""
    import pkcs11

    url = hsm.make_token()
    Keyring.create(url, Realm.TEST).close()
    token = _open(url)
    signer = TokenSigner(token, label_of(Realm.TEST, Role.SIGNER))
    assert signer.sign_at_once(b"x") is None
    assert signer.sign(b"x")
    signature = signer.sign_at_once(b"y")
    assert signature is not None
    assert verify_ecdsa_der(signer.public_key, hashlib.sha256(b"y").digest(), signature)
    pkcs11.lib(MODULE).finalize()
    assert signer.sign_at_once(b"x") is None
    assert signer.sign(b"x")
    assert signer.sign_at_once(b"x") is not None
    away = hsm.folder.with_name("away")
    hsm.folder.rename(away)
    with pytest.raises(TransportError):
        signer.sign(b"x")
    assert signer.sign_at_once(b"x") is None
    away.rename(hsm.folder)
    assert signer.sign_at_once(b"x") is None
    assert signer.sign(b"x")
    token.close()
    assert signer.sign_at_once(b"x") is None


def test_at_once_does_not_wait_for_the_library(hsm: SoftHsm) -> None:
    """While another thread uses the library nothing is signed at once."""
    from tallystick.manager.hsm import token_session

    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring, ThreadPoolExecutor(1) as thread:
        signer = keyring.signer
        assert isinstance(signer, TokenSigner)
        assert signer.sign_at_once(b"x") is not None
        with token_session._LIBRARY:
            assert thread.submit(signer.sign_at_once, b"x").result() is None
        assert thread.submit(signer.sign_at_once, b"x").result() is not None


async def test_a_keyring_signs_through_the_loss_of_its_session(hsm: SoftHsm) -> None:
    """Wherever signatures are made: the first and all after it, the session being ended in between, verify, and none is missing."""
    import pkcs11

    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring:
        for number in range(40):
            if number % 10 == 5:
                pkcs11.lib(MODULE).finalize()
            message = bytes((number,))
            made = keyring.sign(message)
            signature = made if isinstance(made, bytes) else await made
            assert verify_ecdsa_der(keyring.signer.public_key, hashlib.sha256(message).digest(), signature)


def test_token_with_keys_of_both_realms_is_refused(hsm: SoftHsm) -> None:
    """A token never holds two realms: opening one that does fails, and so does making keys beside others."""
    url = hsm.make_token()
    Keyring.create(url, Realm.PRODUCTION).close()
    token = _open(url)
    token.create_key(label_of(Realm.TEST, Role.ISSUER))
    token.close()
    with pytest.raises(TrustError, match="both realms"):
        Keyring.open(url)
    with pytest.raises(UsageError, match="already"):
        Keyring.create(url, Realm.TEST)


def test_token_whose_keys_were_made_in_part_is_refused(hsm: SoftHsm) -> None:
    """One key of three, as after a cut, is not a keyring."""
    url = hsm.make_token()
    token = _open(url)
    token.create_key(label_of(Realm.TEST, Role.ISSUER))
    with pytest.raises(UsageError, match="already"):
        token.create_key(label_of(Realm.TEST, Role.ISSUER))
    token.close()
    with pytest.raises(TrustError, match="once"):
        Keyring.open(url)


def test_token_whose_certificate_is_missing_or_foreign_is_refused(hsm: SoftHsm) -> None:
    """Without a certificate, and with one by another key, the keyring does not open."""
    url = hsm.make_token()
    token = _open(url)
    for role in (Role.ISSUER, Role.SOFTWARE, Role.SIGNER):
        token.create_key(label_of(Realm.TEST, role))
    with pytest.raises(TrustError, match="missing"):
        Keyring.open(url)
    software, signer = (TokenSigner(token, label_of(Realm.TEST, role)) for role in (Role.SOFTWARE, Role.SIGNER))
    foreign = certify_signer(software, signer.public_key)
    token.write_data(f"{label_of(Realm.TEST, Role.SIGNER)}-certificate", foreign.to_bytes())
    with pytest.raises(TrustError, match="not one of this issuer"):
        Keyring.open(url)
    token.write_data(f"{label_of(Realm.TEST, Role.SIGNER)}-certificate", foreign.to_bytes())
    with pytest.raises(TrustError, match="twice"):
        Keyring.open(url)
    token.close()


def test_missing_key_and_wrong_digest_are_usage_errors(hsm: SoftHsm) -> None:
    """A label that is not there, and a digest of another length than 32, never reach the token's mechanism."""
    token = _open(hsm.make_token())
    with pytest.raises(UsageError):
        token.public_key("nobody")
    with pytest.raises(UsageError):
        token.sign_digest("nobody", bytes(32))
    with pytest.raises(UsageError):
        token.sign_digest("nobody", bytes(31))
    assert token.read_data("nothing") is None
    token.close()
    token.close()


def test_signing_in_many_threads_gives_good_signatures(hsm: SoftHsm) -> None:
    """The session serves one call at a time whoever asks, so threads do not disturb each other."""
    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring, ThreadPoolExecutor(8) as threads:
        messages = [bytes((number,)) * 8 for number in range(100)]
        signatures = list(threads.map(keyring.signer.sign, messages))
    for message, signature in zip(messages, signatures, strict=True):
        assert verify_ecdsa_der(keyring.signer.public_key, hashlib.sha256(message).digest(), signature)


async def test_what_is_asked_of_closed_keys_is_refused(hsm: SoftHsm) -> None:
    """What was asked before the end is done, also what nobody waits for any more; what comes after it is an error."""
    keyring = Keyring.create(hsm.make_token(), Realm.TEST)
    before = [keyring.step(keyring.signer.sign, bytes((n,))) for n in range(10)]
    before[0].cancel()
    keyring.close()
    assert len(set(await asyncio.gather(*before[1:]))) == 9
    with pytest.raises(StateError):
        await keyring.step(keyring.signer.sign, b"late")


async def test_step_signs_beside_the_event_loop(hsm: SoftHsm) -> None:
    """A step runs in the keyring's own thread, brings back its value, and raises what was raised."""
    import threading

    with Keyring.create(hsm.make_token(), Realm.TEST) as keyring:
        assert await keyring.step(threading.get_ident) != threading.get_ident()
        signatures = await asyncio.gather(*(keyring.step(keyring.signer.sign, bytes((n,))) for n in range(5)))
        assert len(set(signatures)) == 5
        with pytest.raises(UsageError):
            await keyring.step(keyring.signer.sign_digest, b"short")
