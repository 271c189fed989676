"""An owner's key: in a file, in a token, or the one that everybody knows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hsm_stage import PROGRAM, soft_hsm

from tallystick.crypto.hash import sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import StateError, TrustError, UsageError
from tallystick.manager.hsm.address import parse_address
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.owner import OwnerKey
from tallystick.manager.hsm.place import label_of
from tallystick.manager.hsm.role import Realm, Role
from tallystick.manager.hsm.token import Token
from tallystick.testing.factory import known_key
from tallystick.wire.certificate import owner_message

ENDORSED = known_key("anybody").public_key

needs_token = pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason="SoftHSM2 is not installed: scripts/hsm_setup"
)


def assert_certifies(owner: OwnerKey) -> None:
    """Check a certificate with the key's public half alone."""
    digest = sha256(owner_message(ENDORSED))
    assert verify_ecdsa_der(owner.public_key, digest, owner.certify(ENDORSED))
    assert verify_ecdsa_der(owner.public_key, digest, owner.sign_digest(digest))


@pytest.mark.parametrize("form", ["{}/owner.json", "file:{}", "file:{}/new"])
def test_owner_in_a_file_is_made_once_and_opened_again(tmp_path: Path, form: str) -> None:
    """A path names the file, file:DIR the folder; a second key in its place is refused, and the first stays."""
    where = form.format(tmp_path)
    with OwnerKey.create(where, Realm.TEST) as made, OwnerKey.open(where) as again:
        assert made.public_key == again.public_key
        assert not made.is_blocking
        assert_certifies(again)
    with pytest.raises(UsageError, match="already"):
        OwnerKey.create(where, Realm.TEST)
    with OwnerKey.open(where) as still:
        assert still.public_key == made.public_key


def test_owner_of_the_test_realm_is_known() -> None:
    """The word names the owner whose key everybody knows, which nobody can make again."""
    with OwnerKey.open("test") as owner:
        assert owner.public_key == known_key("owner").public_key
        assert owner.realm is Realm.TEST
        assert_certifies(owner)
    with pytest.raises(UsageError, match="known already"):
        OwnerKey.create("test", Realm.TEST)


def test_production_owner_in_a_file_must_be_wanted(tmp_path: Path) -> None:
    """Neither made nor opened without the word for it, as with any production key."""
    where = str(tmp_path / "owner.json")
    with pytest.raises(UsageError, match="production"):
        OwnerKey.create(where, Realm.PRODUCTION)
    assert not (tmp_path / "owner.json").exists()
    OwnerKey.create(where, Realm.PRODUCTION, allow_production_file=True).close()
    with pytest.raises(UsageError, match="production"):
        OwnerKey.open(where)
    with OwnerKey.open(where, allow_production_file=True) as owner:
        assert owner.realm is Realm.PRODUCTION


def test_what_is_no_owners_key_is_refused(tmp_path: Path) -> None:
    """A missing file, a key of another role, a damaged one, a bad URL."""
    issuer = tmp_path / "issuer.json"
    KeyFile.generate(Role.ISSUER, Realm.TEST).write(issuer)
    (tmp_path / "damaged.json").write_text("{}")
    (tmp_path / "damaged.json").chmod(0o600)
    for where in (str(tmp_path / "missing"), str(issuer), "pkcs11:token=x", "file:"):
        with pytest.raises(UsageError):
            OwnerKey.open(where)
    with pytest.raises(TrustError):
        OwnerKey.open(str(tmp_path / "damaged.json"))


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the folder should be: an error of this program, and no key."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(StateError, match="cannot be made"):
        OwnerKey.create(f"file:{tmp_path / 'taken'}", Realm.TEST)


def test_owner_shows_its_key_to_nobody(tmp_path: Path) -> None:
    """No representation holds the private key."""
    where = tmp_path / "owner.json"
    with OwnerKey.create(str(where), Realm.TEST) as owner:
        assert KeyFile.read(where).private.reveal().hex() not in repr(owner)


@needs_token
def test_owner_in_a_token_signs_and_never_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made once, opened again, of the realm its label says; two realms in one token are refused."""
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        url = hsm.make_token("owner")
        with pytest.raises(UsageError, match="no owner's key"):
            OwnerKey.open(url)
        with OwnerKey.create(url, Realm.PRODUCTION) as made:
            assert made.is_blocking
            assert made.realm is Realm.PRODUCTION
        with OwnerKey.open(url) as again:
            assert again.public_key == made.public_key
            assert_certifies(again)
        with pytest.raises(UsageError, match="already"):
            OwnerKey.create(url, Realm.TEST)
        token = Token.open(parse_address(url))  # type: ignore[arg-type]  # a token's URL
        token.create_key(label_of(Realm.TEST, Role.OWNER))
        token.close()
        with pytest.raises(TrustError, match="more than one"):
            OwnerKey.open(url)


@needs_token
def test_owner_and_managers_keys_may_share_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner beside issuer, software key and signer disturbs neither them nor itself."""
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        url = hsm.make_token()
        Keyring.create(url, Realm.TEST).close()
        OwnerKey.create(url, Realm.TEST).close()
        with Keyring.open(url) as keyring, OwnerKey.open(url) as owner:
            assert owner.public_key not in {keyring.issuer.public_key, keyring.signer.public_key}
            assert_certifies(owner)
