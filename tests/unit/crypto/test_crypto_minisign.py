"""minisign files: our reader against the real tool, an independent package, and every changed byte."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto.minisign import MAX_SIGNATURE_FILE, PublicKey, SigningKey
from tallystick.errors import TrustError

KEY = SigningKey.from_entropy(bytes(range(40)))
OTHER = SigningKey.from_entropy(bytes(range(100, 140)))
DATA = b"the bytes that are signed"
SIGNATURE = KEY.sign(DATA, comment="version 1")

TOOL = shutil.which("minisign")
needs_tool = pytest.mark.skipif(
    TOOL is None and not os.environ.get("CI"), reason="the tool minisign is not installed: scripts/boot_setup"
)


def _tool(*arguments: str, cwd) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([TOOL or "minisign", *arguments], cwd=cwd, capture_output=True, check=False, timeout=60)


def test_a_signature_holds_and_gives_its_comment():
    """What was signed is accepted, and the trusted comment comes back."""
    assert KEY.public_key.verify(DATA, SIGNATURE) == "version 1"
    assert KEY.public_key.verify(DATA, SIGNATURE.rstrip(b"\n")) == "version 1"


def test_every_changed_bit_of_the_signed_file_is_refused():
    """No single bit of the file may change."""
    for index in range(len(DATA) * 8):
        changed = bytearray(DATA)
        changed[index // 8] ^= 1 << index % 8
        with pytest.raises(TrustError):
            KEY.public_key.verify(bytes(changed), SIGNATURE)


def test_every_changed_bit_of_the_signature_file_is_refused_but_the_uncovered_words():
    """Only the words of the first line may change, which nothing covers; slack bits of base64 are refused as well."""
    first = SIGNATURE.index(b"\n")
    for index in range(len(SIGNATURE) * 8):
        place = index // 8
        changed = bytearray(SIGNATURE)
        changed[place] ^= 1 << index % 8
        if len(b"untrusted comment: ") <= place < first and changed[place] < 0x80 and changed[place] not in b"\r\n":
            assert KEY.public_key.verify(DATA, bytes(changed)) == "version 1"
            continue
        with pytest.raises(TrustError):
            KEY.public_key.verify(DATA, bytes(changed))


def test_every_shorter_signature_file_is_refused():
    """A file cut at any byte is refused, but for the end of its last line."""
    for size in range(len(SIGNATURE) - 1):
        with pytest.raises(TrustError):
            KEY.public_key.verify(DATA, SIGNATURE[:size])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw + b"more",
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: b"\n".join(raw.split(b"\n")[:2]) + b"\n",
        lambda raw: raw + b" " * MAX_SIGNATURE_FILE,
        lambda raw: raw.replace(b"version 1", b"version \xff"),
        lambda raw: raw.replace(b"trusted comment", b"Trusted comment"),
        lambda raw: b"",
    ],
)
def test_other_forms_of_a_signature_file_are_refused(spoil):
    """Trailing bytes, CRLF, two lines only, too long, not text, other words: each is refused."""
    with pytest.raises(TrustError):
        KEY.public_key.verify(DATA, spoil(SIGNATURE))


def _relabelled(algorithm: bytes, body: bytes) -> bytes:
    lines = SIGNATURE.split(b"\n")
    raw = base64.b64decode(lines[1])
    lines[1] = base64.b64encode(algorithm + raw[2:10] + body)
    private = Ed25519PrivateKey.from_private_bytes(KEY.seed.reveal())
    lines[3] = base64.b64encode(private.sign(body + b"version 1"))
    return b"\n".join(lines)


def test_a_legacy_signature_is_refused_even_if_it_holds():
    """`Ed` over the file, and `ED` relabelled as `Ed` over the digest: both are refused."""
    private = Ed25519PrivateKey.from_private_bytes(KEY.seed.reveal())
    with pytest.raises(TrustError, match="only ED"):
        KEY.public_key.verify(DATA, _relabelled(b"Ed", private.sign(DATA)))
    digest = hashlib.blake2b(DATA).digest()
    with pytest.raises(TrustError, match="only ED"):
        KEY.public_key.verify(digest, _relabelled(b"Ed", base64.b64decode(SIGNATURE.split(b"\n")[1])[10:]))


def test_another_key_is_refused_by_id_and_by_key():
    """A signature by another key is refused, also when it bears our id."""
    with pytest.raises(TrustError, match="another key"):
        OTHER.public_key.verify(DATA, SIGNATURE)
    same_id = PublicKey(key_id=KEY.key_id, key=OTHER.public_key.key)
    with pytest.raises(TrustError, match="does not hold"):
        same_id.verify(DATA, SIGNATURE)
    assert KEY.public_key.is_named_by(SIGNATURE)
    assert not OTHER.public_key.is_named_by(SIGNATURE)


def test_keys_are_read_back_as_written():
    """Public and secret key files round trip; the secret one hides in repr."""
    assert PublicKey.from_text(KEY.public_key.to_text()) == KEY.public_key
    assert PublicKey.from_text(KEY.public_key.to_line()) == KEY.public_key
    assert PublicKey.from_bytes(KEY.public_key.to_bytes()) == KEY.public_key
    assert SigningKey.from_text(KEY.to_text()).public_key == KEY.public_key
    assert KEY.seed.reveal().hex() not in repr(KEY)


@pytest.mark.parametrize("text", ["", "\n", "no key", "untrusted comment: x\nRWQ\n", KEY.to_text()])
def test_what_is_no_public_key_is_refused(text):
    """Empty, words, too short, a secret key: refused."""
    with pytest.raises(TrustError):
        PublicKey.from_text(text)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 157), bit=st.integers(0, 7))
def test_a_damaged_secret_key_is_refused_or_the_same_key(place, bit):
    """Any changed bit that matters is found out: by the public half, the checksum or the kind."""
    raw = bytearray(base64.b64decode(KEY.to_text().splitlines()[1]))
    raw[place] ^= 1 << bit
    text = "untrusted comment: x\n" + base64.b64encode(raw).decode() + "\n"
    if place in range(6, 54) or place in range(54, 62):
        # salt and limits mean nothing without a password; a key id is a name
        assert SigningKey.from_text(text).public_key.key == KEY.public_key.key
        return
    with pytest.raises(TrustError):
        SigningKey.from_text(text)


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=200), comment=st.text("abc ÄÖ§0123", max_size=40))
def test_round_trip_of_signatures(data, comment):
    """Whatever is signed is accepted, with its comment."""
    assert KEY.public_key.verify(data, KEY.sign(data, comment=comment)) == comment


@needs_tool
def test_the_real_tool_accepts_what_we_sign(tmp_path):
    """`minisign -V` with our public key accepts our signature, and refuses it over another file."""
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "file.minisig").write_bytes(SIGNATURE)
    (tmp_path / "key.pub").write_text(KEY.public_key.to_text())
    good = _tool("-V", "-H", "-p", "key.pub", "-m", "file", cwd=tmp_path)
    assert good.returncode == 0, good.stderr
    assert b"version 1" in good.stdout
    (tmp_path / "file").write_bytes(DATA + b".")
    assert _tool("-V", "-H", "-p", "key.pub", "-m", "file", cwd=tmp_path).returncode != 0


@needs_tool
def test_we_accept_what_the_real_tool_signs(tmp_path):
    """A key made by `minisign -G -W` and its signature are read; a legacy one (`-l`) is refused."""
    (tmp_path / "file").write_bytes(DATA)
    made = _tool("-G", "-W", "-p", "key.pub", "-s", "key.sec", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    signed = _tool("-S", "-s", "key.sec", "-m", "file", "-t", "by the tool", cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr
    key = PublicKey.from_text((tmp_path / "key.pub").read_text())
    assert key.verify(DATA, (tmp_path / "file.minisig").read_bytes()) == "by the tool"
    assert SigningKey.from_text((tmp_path / "key.sec").read_text()).public_key == key
    legacy = _tool("-S", "-l", "-s", "key.sec", "-m", "file", "-x", "legacy", cwd=tmp_path)
    assert legacy.returncode == 0, legacy.stderr
    with pytest.raises(TrustError):
        key.verify(DATA, (tmp_path / "legacy").read_bytes())


@needs_tool
def test_the_real_tool_signs_with_our_key(tmp_path):
    """A secret key file of ours is one that the tool reads and signs with."""
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "key.sec").write_text(KEY.to_text())
    signed = _tool("-S", "-W", "-s", "key.sec", "-m", "file", "-t", "ours", cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr
    assert KEY.public_key.verify(DATA, (tmp_path / "file.minisig").read_bytes()) == "ours"


def test_an_independent_package_reads_our_files():
    """py-minisign verifies our signature with our public key, and refuses another file."""
    minisign = pytest.importorskip("minisign", reason="py-minisign comes with the development tools")
    key = minisign.PublicKey.from_base64(KEY.public_key.to_line().encode())
    signature = minisign.Signature.from_bytes(SIGNATURE)
    key.verify(DATA, signature)
    with pytest.raises(minisign.VerifyError):
        key.verify(DATA + b".", signature)


def test_we_read_the_files_of_an_independent_package():
    """A key pair and a signature of py-minisign are accepted here."""
    minisign = pytest.importorskip("minisign", reason="py-minisign comes with the development tools")
    pair = minisign.KeyPair.generate()
    signature = pair.secret_key.sign(DATA, trusted_comment="by the package")
    key = PublicKey.from_text(bytes(pair.public_key).decode())
    assert key.verify(DATA, bytes(signature)) == "by the package"
