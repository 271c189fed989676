"""Development keys in files, keyrings of them, and the URLs that name keys."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.secp256k1 import ORDER, sign_ecdsa_der, verify_ecdsa_der
from tallystick.errors import StateError, TallyError, TrustError, UsageError
from tallystick.manager.hsm.address import FileAddress, TokenAddress, parse_address, read_pin
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.place import file_of
from tallystick.manager.hsm.role import KEYRING_ROLES, Realm, Role, require_realm
from tallystick.manager.hsm.signer import to_der
from tallystick.wire.certificate import signer_message


def _edit(path: Path, **changes: object) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | changes))


# ---------------------------------------------------------------------------------------------------------------- files


def test_key_file_comes_back_and_shows_its_key_to_nobody(tmp_path: Path) -> None:
    """Written, read, equal; mode 0600; the private key in no repr; it signs what libsecp256k1 verifies."""
    key = KeyFile.generate(Role.OWNER, Realm.TEST)
    path = tmp_path / "owner.json"
    key.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = KeyFile.read(path, role=Role.OWNER)
    assert again == key
    assert key.private.reveal().hex() not in repr(key)
    assert verify_ecdsa_der(key.public_key, hashlib.sha256(b"m").digest(), again.sign(b"m"))
    assert again.sign(b"m") == again.sign_digest(hashlib.sha256(b"m").digest())
    with pytest.raises(UsageError, match="already"):
        key.write(path)


def test_key_is_made_of_the_entropy_it_is_given() -> None:
    """32 bytes that are no key are thrown away and the next are taken."""
    supply = iter([bytes(32), ORDER.to_bytes(32, "big"), b"\x07" * 32])
    key = KeyFile.generate(Role.ISSUER, Realm.TEST, entropy=lambda _: next(supply))
    assert key.private == b"\x07" * 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """A key that group or others may read is not used; the remedy says how to repair it."""
    path = tmp_path / "owner.json"
    KeyFile.generate(Role.OWNER, Realm.TEST).write(path)
    path.chmod(mode)
    with pytest.raises(UsageError, match="others may read") as refused:
        KeyFile.read(path)
    assert "chmod 600" in refused.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "tallystick-key/2"},
        {"role": "king"},
        {"realm": "both"},
        {"public_key": "04" + "00" * 64},
        {"private_key": "00" * 32},
        {"private_key": f"{ORDER:064x}"},
        {"private_key": "11" * 32},
        {"private_key": 7},
        {"certificate": "abc"},
        {"more": 1},
    ],
    ids=str,
)
def test_damaged_key_file_is_refused_without_its_content(tmp_path: Path, changes: dict[str, object]) -> None:
    """Another format, role or realm, halves that do not belong together, a member too many: not trusted, and not quoted."""
    path = tmp_path / "owner.json"
    KeyFile.generate(Role.OWNER, Realm.TEST).write(path)
    secret = json.loads(path.read_text())["private_key"]
    _edit(path, **changes)
    with pytest.raises(TrustError) as refused:
        KeyFile.read(path)
    assert secret not in str(refused.value)
    assert "1111" not in str(refused.value)


def test_key_file_cut_at_any_length_is_refused(tmp_path: Path) -> None:
    """No beginning of a key file is a key file, and neither is one that never ends."""
    path = tmp_path / "owner.json"
    KeyFile.generate(Role.OWNER, Realm.TEST).write(path)
    raw = path.read_bytes().rstrip()
    for size in range(0, len(raw), 7):
        path.write_bytes(raw[:size])
        with pytest.raises(TrustError):
            KeyFile.read(path)
    path.write_bytes(raw + b" " * 5000)
    with pytest.raises(TrustError):
        KeyFile.read(path)


def test_key_of_another_role_or_no_file_at_all_is_refused(tmp_path: Path) -> None:
    """A software key is not taken for an issuer; a folder and a missing file are said to be so."""
    path = tmp_path / "issuer.json"
    KeyFile.generate(Role.SOFTWARE, Realm.TEST).write(path)
    with pytest.raises(UsageError, match="of software"):
        KeyFile.read(path, role=Role.ISSUER)
    with pytest.raises(UsageError):
        KeyFile.read(tmp_path)
    with pytest.raises(UsageError):
        KeyFile.read(tmp_path / "none.json")
    with pytest.raises(StateError):
        KeyFile.generate(Role.ISSUER, Realm.TEST).write(tmp_path / "no" / "issuer.json")


# ------------------------------------------------------------------------------------------------------------- keyrings


def test_keyring_of_files_is_made_once_and_opened_again(tmp_path: Path) -> None:
    """Three keys and the signer's certificate by the issuer; never replaced; they sign without a thread."""
    url = f"file:{tmp_path / 'keys'}"
    made = Keyring.create(url, Realm.TEST)
    opened = Keyring.open(url)
    assert opened == made
    assert not opened.is_blocking
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
    digest = hashlib.sha256(signer_message(made.signer.public_key)).digest()
    assert verify_ecdsa_der(made.issuer.public_key, digest, made.signer_certificate.signature)
    assert made.signer_certificate.public_key == made.signer.public_key
    with pytest.raises(UsageError, match="already"):
        Keyring.create(url, Realm.TEST)
    for key in (made.issuer, made.software, made.signer):
        assert isinstance(key, KeyFile)
        assert key.private.reveal().hex() not in repr(made)


async def test_step_of_a_keyring_of_files_is_taken_at_once(tmp_path: Path) -> None:
    """What takes microseconds is not worth a thread."""
    with Keyring.create(f"file:{tmp_path}", Realm.TEST) as keyring:
        assert await keyring.step(keyring.signer.sign, b"m") == keyring.signer.sign(b"m")


def test_production_keys_in_files_must_be_asked_for(tmp_path: Path) -> None:
    """Neither made nor opened without saying so."""
    url = f"file:{tmp_path}"
    with pytest.raises(UsageError, match="production"):
        Keyring.create(url, Realm.PRODUCTION)
    assert not list(tmp_path.iterdir())
    Keyring.create(url, Realm.PRODUCTION, allow_production_file=True)
    with pytest.raises(UsageError, match="production"):
        Keyring.open(url)
    assert Keyring.open(url, allow_production_file=True).realm is Realm.PRODUCTION


def test_keys_of_two_realms_are_not_opened_together(tmp_path: Path) -> None:
    """A production issuer beside a test signer is refused before anything else is looked at."""
    url = f"file:{tmp_path}"
    Keyring.create(url, Realm.TEST)
    _edit(file_of(tmp_path, Role.ISSUER), realm="production")
    with pytest.raises(TrustError, match="different realms"):
        Keyring.open(url, allow_production_file=True)


@pytest.mark.parametrize("role", [Role.ISSUER, Role.SIGNER])
def test_key_of_another_keyring_is_noticed(tmp_path: Path, role: Role) -> None:
    """The certificate ties signer and issuer: one of them from elsewhere does not open."""
    for name in ("one", "other"):
        Keyring.create(f"file:{tmp_path / name}", Realm.TEST)
    file_of(tmp_path / "other", role).replace(file_of(tmp_path / "one", role))
    with pytest.raises(TrustError, match="not one of this issuer"):
        Keyring.open(f"file:{tmp_path / 'one'}")


def test_one_key_in_two_roles_is_noticed(tmp_path: Path) -> None:
    """The issuer's key does not sign software too."""
    Keyring.create(f"file:{tmp_path}", Realm.TEST)
    raw = json.loads(file_of(tmp_path, Role.ISSUER).read_text())
    file_of(tmp_path, Role.SOFTWARE).write_text(json.dumps(raw | {"role": "software"}))
    with pytest.raises(TrustError, match="two roles"):
        Keyring.open(f"file:{tmp_path}")


@pytest.mark.parametrize("certificate", ["", "4104", "00" * 140])
def test_missing_or_broken_certificate_is_noticed(tmp_path: Path, certificate: str) -> None:
    """A signer without a certificate of the form is not used."""
    Keyring.create(f"file:{tmp_path}", Realm.TEST)
    _edit(file_of(tmp_path, Role.SIGNER), certificate=certificate)
    with pytest.raises(TrustError, match="missing or damaged"):
        Keyring.open(f"file:{tmp_path}")


@pytest.mark.parametrize("role", KEYRING_ROLES)
def test_missing_key_is_said_with_its_remedy(tmp_path: Path, role: Role) -> None:
    """Each of the three is needed."""
    Keyring.create(f"file:{tmp_path}", Realm.TEST)
    file_of(tmp_path, role).unlink()
    with pytest.raises(UsageError) as refused:
        Keyring.open(f"file:{tmp_path}")
    assert "tally manager keys create" in refused.value.remedy


# --------------------------------------------------------------------------------------------------------------- realms


def test_record_belongs_to_one_realm_for_ever() -> None:
    """What has no realm takes that of the keys; what has one refuses the other."""
    assert require_realm(None, Realm.TEST) == "test"
    assert require_realm("production", Realm.PRODUCTION) == "production"
    with pytest.raises(TrustError):
        require_realm("test", Realm.PRODUCTION)
    with pytest.raises(TrustError):
        require_realm("", Realm.TEST)


# ----------------------------------------------------------------------------------------------------------------- URLs


def test_urls_are_read() -> None:
    """Both kinds, with the library in the path or in the query, percent-encoding and all."""
    assert parse_address("file:/a%20b/keys") == FileAddress(folder=Path("/a b/keys"))
    assert parse_address("file:///a/keys") == FileAddress(folder=Path("/a/keys"))
    assert parse_address("file:keys") == FileAddress(folder=Path("keys"))
    wanted = TokenAddress(module=Path("/lib/p11.so"), token="my token", pin_source="file:/run/pin")
    assert parse_address("pkcs11:module=/lib/p11.so;token=my%20token?pin-source=file:/run/pin") == wanted
    assert parse_address("pkcs11:token=my%20token?module-path=%2Flib%2Fp11.so&pin-source=file:/run/pin") == wanted


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:",
        "http://keys",
        "pkcs11:",
        "pkcs11:token=t?pin-source=file:p",
        "pkcs11:module=/m;token=t",
        "pkcs11:module=/m?pin-source=file:p",
        "pkcs11:module=/m;token=t;token=u?pin-source=file:p",
        "pkcs11:module=/m;token?pin-source=file:p",
        "pkcs11:module=/m;token=t;object=x?pin-source=file:p",
    ],
)
def test_url_of_another_kind_is_refused(url: str) -> None:
    """What is missing, twice there, or unknown is said, with the form that is right."""
    with pytest.raises(UsageError) as refused:
        parse_address(url)
    assert "pkcs11:token=" in refused.value.remedy


def test_pin_in_a_url_is_refused_and_not_repeated() -> None:
    """A PIN there would be read by everybody; the error does not spread it further."""
    with pytest.raises(UsageError) as refused:
        parse_address("pkcs11:module=/m;token=t?pin-value=8264")
    assert "8264" not in refused.value.message + refused.value.remedy


@given(text=st.text(max_size=60))
def test_any_text_is_an_address_or_an_error_of_ours(text: str) -> None:
    """Nothing else comes out of reading a URL."""
    for url in (text, f"pkcs11:{text}", f"file:{text}"):
        try:
            found: object = parse_address(url)
        except TallyError as error:
            found = error
        assert isinstance(found, FileAddress | TokenAddress | UsageError)


def test_pin_comes_from_a_file_or_a_descriptor(tmp_path: Path) -> None:
    """Without the line's end; the descriptor is closed; nobody sees it in a repr."""
    path = tmp_path / "pin"
    path.write_bytes(b"8264\r\n")
    pin = read_pin(f"file:{path}")
    assert pin == b"8264"
    assert "8264" not in repr(pin)
    assert read_pin(str(path)) == b"8264"
    reader, writer = os.pipe()
    os.write(writer, b"8264\n")
    os.close(writer)
    assert read_pin(f"fd:{reader}") == b"8264"
    with pytest.raises(OSError):
        os.fstat(reader)


@pytest.mark.parametrize("content", [b"", b"\n", b"8" * 256, b"\xff\xfe"])
def test_unusable_pin_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, endless or not ASCII."""
    path = tmp_path / "pin"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        read_pin(f"file:{path}")


@pytest.mark.parametrize("source", ["fd:x", "fd:-1", "fd:999", "file:/nowhere/pin", "|cat pin"])
def test_pin_that_cannot_be_read_is_said(source: str) -> None:
    """A descriptor that is not open, a file that is not there, a program (which RFC 7512 would run and we do not)."""
    with pytest.raises(UsageError):
        read_pin(source)


# ----------------------------------------------------------------------------------------------------------- signatures


@given(private=st.integers(1, ORDER - 1), digest=st.binary(min_size=32, max_size=32), is_high=st.booleans())
def test_raw_signature_becomes_the_der_of_the_library(private: int, digest: bytes, is_high: bool) -> None:
    """From r and s in either half comes byte for byte what libsecp256k1 writes."""
    wanted = sign_ecdsa_der(private.to_bytes(32, "big"), digest)
    size = wanted[3]
    r = int.from_bytes(wanted[4 : 4 + size], "big")
    s = int.from_bytes(wanted[6 + size :], "big")
    raw = r.to_bytes(32, "big") + (ORDER - s if is_high else s).to_bytes(32, "big")
    assert to_der(raw) == wanted


@pytest.mark.parametrize(
    "raw",
    [b"", bytes(64), b"\x01" * 63, b"\x01" * 65, ORDER.to_bytes(32, "big") + b"\x01" * 32, b"\x01" * 32 + bytes(32)],
    ids=["empty", "zeros", "short", "long", "r is n", "s is 0"],
)
def test_what_is_no_signature_is_refused(raw: bytes) -> None:
    """A token that gives nonsense does not make us sign with it."""
    with pytest.raises(TrustError):
        to_der(raw)
