"""Keys and records of the secure channel, against published values and a second implementation that keeps no cipher."""

import copy
import hashlib
import json
import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import scp, secp256k1
from tallystick.crypto.scp import Ephemeral, KeySigner, Suite, derive_key, open_records, shared_secret
from tallystick.crypto.secret import Secret
from tallystick.errors import RemoteProtocolError, UsageError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "channel.json").read_text())
SAMPLES = [VECTORS["reference"], VECTORS["attestation"]]
REFERENCE = VECTORS["reference"]
SECRET = bytes.fromhex(REFERENCE["secret"])
WITH_MAC, WITHOUT_MAC = 0x33000004, 0x31100002


class Bytes:
    """A source of randomness that gives what it is told, then counts."""

    def __init__(self, *first):
        self._first = list(first)
        self._count = 0

    def read(self, size_bytes):
        """Return the next of the given, or a number."""
        if self._first:
            return self._first.pop(0)
        self._count += 1
        return self._count.to_bytes(size_bytes, "big")


class Plainly:
    """The record layer as wire-protocol D.5 words it: a new cipher for each record."""

    def __init__(self, *, target_id):
        small = target_id & 0x0F == 2
        self.enc = SECRET[:16] if small else bytes.fromhex(REFERENCE["enc_key"])
        self.mac = None if small else bytes.fromhex(REFERENCE["mac_key"])
        self.enc_iv = self.mac_iv = bytes(16)

    def seal(self, plain):
        """Return the record of `plain`."""
        padded = plain + b"\x80"
        padded += bytes(-len(padded) % 16)
        cipher = Cipher(AES(self.enc), CBC(self.enc_iv)).encryptor().update(padded)
        return cipher + self.follow(cipher)

    def follow(self, cipher):
        """Move the chains past `cipher`; return its MAC."""
        self.enc_iv = cipher[-16:]
        if self.mac is None:
            return b""
        self.mac_iv = Cipher(AES(self.mac), CBC(self.mac_iv)).encryptor().update(cipher)[-16:]
        return self.mac_iv[2:]

    def open(self, record):
        """Return the content of `record`."""
        cipher = record[:-14] if self.mac else record
        padded = Cipher(AES(self.enc), CBC(self.enc_iv)).decryptor().update(cipher)
        assert record == cipher + self.follow(cipher)
        return padded[: padded.rindex(b"\x80")]


@pytest.mark.parametrize("sample", SAMPLES, ids=["reference", "attestation"])
def test_published_secret_and_keys(sample):
    """Both sides agree on the published secret, and the published keys are derived from it."""
    private = {name: bytes.fromhex(key) for name, key in sample["private"].items()}
    public = {name: bytes.fromhex(key) for name, key in sample["public"].items()}
    for mine, theirs in (("host_ephemeral", "device_ephemeral"), ("device_ephemeral", "host_ephemeral")):
        secret = shared_secret(private[mine], public[theirs])
        assert secret.reveal().hex() == sample["secret"]
        assert shared_secret(Secret(private[mine]), secp256k1.compress(public[theirs])) == secret
    assert derive_key(secret, 0).reveal().hex() == sample["enc_key"]
    assert derive_key(secret, 1).reveal().hex() == sample["mac_key"]
    assert KeySigner(private["signer"]).public_key == public["signer"]


def test_published_records():
    """Four records on one chain, read or written in any mixture, and one without MAC."""
    for mask in range(16):
        records = open_records(SECRET, target_id=WITH_MAC)
        for index, sample in enumerate(REFERENCE["records"]):
            plain, record = bytes.fromhex(sample["plain"]), bytes.fromhex(sample["record"])
            if mask >> index & 1:
                assert records.seal(plain) == record
            else:
                assert records.open(record) == plain
    sample = REFERENCE["record_without_mac"]
    assert open_records(SECRET, target_id=WITHOUT_MAC).seal(bytes.fromhex(sample["plain"])).hex() == sample["record"]


@pytest.mark.parametrize("target_id", [WITH_MAC, WITHOUT_MAC])
@given(script=st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=70)), max_size=12))
def test_records_in_any_order_equal_those_of_a_plain_implementation(target_id, script):
    """Keeping the ciphers changes nothing: each record, in each direction, is what a new cipher would give."""
    records, plainly = open_records(SECRET, target_id=target_id), Plainly(target_id=target_id)
    for ours, plain in script:
        if ours:
            assert plainly.open(records.seal(plain)) == plain
        else:
            assert records.open(plainly.seal(plain)) == plain


@pytest.mark.parametrize("target_id", [WITH_MAC, WITHOUT_MAC])
@pytest.mark.parametrize("size", range(64))
def test_records_cut_anywhere_are_refused(target_id, size):
    """A record that is not made of whole blocks is 6700, one whose end is missing 6982."""
    record = open_records(SECRET, target_id=target_id).seal(bytes(range(1, 50)))
    cipher = size - (14 if target_id == WITH_MAC else 0)
    with pytest.raises(RemoteProtocolError) as refusal:
        open_records(SECRET, target_id=target_id).open(record[:size] if size < len(record) else record + b"\x00")
    whole = cipher >= 16 and cipher % 16 == 0 and size < len(record)
    assert refusal.value.status == (0x6982 if whole else 0x6700)


@pytest.mark.parametrize("padding", [bytes(16), b"\x01" * 16, b"\x80" + bytes(16) + bytes(15), b"\x80" + b"\x01" * 15])
def test_padding_is_80_and_fewer_than_16_zeros(padding):
    """Nothing, something else, too many zeros or something behind the 80 is no padding, even under a right MAC."""
    plainly = Plainly(target_id=WITH_MAC)
    cipher = Cipher(AES(plainly.enc), CBC(bytes(16))).encryptor().update(padding)
    with pytest.raises(RemoteProtocolError) as refusal:
        open_records(SECRET, target_id=WITH_MAC).open(cipher + plainly.follow(cipher))
    assert refusal.value.status == 0x6982


def test_derivation_tries_again_until_it_has_a_scalar(monkeypatch):
    """A digest that is no private key raises the counter by one."""
    seen = []

    def valid(scalar):
        seen.append(scalar)
        return len(seen) > 2

    monkeypatch.setattr(scp.secp256k1, "is_valid_private_key", valid)
    key = derive_key(SECRET, 1)
    scalar = hashlib.sha256(b"\x00\x00\x00\x01\x02" + SECRET).digest()
    assert seen[-1] == scalar
    assert key == hashlib.sha256(secp256k1.public_key(scalar, compressed=False)).digest()[:16]


def test_derivation_gives_up_at_last(monkeypatch):
    """A counter of one byte has an end."""
    monkeypatch.setattr(scp.secp256k1, "is_valid_private_key", lambda _: False)
    with pytest.raises(UsageError):
        derive_key(SECRET, 0)
    with pytest.raises(UsageError):
        Suite(rng=Bytes()).ephemeral()


@pytest.mark.parametrize("generation", [0, 1])
def test_the_first_generation_has_no_records_here(generation):
    """A target id with low digit 0 or 1 is refused."""
    with pytest.raises(UsageError, match="first secure channel"):
        open_records(SECRET, target_id=0x31000000 | generation)


@pytest.mark.parametrize("public", [b"", bytes(65), b"\x04" + bytes(64), b"\x06" + bytes(64), bytes(33)])
def test_no_secret_is_shared_with_what_is_no_point(public):
    """A key off the curve, of another length or form, is refused, and is never the signer of anything."""
    with pytest.raises(UsageError):
        shared_secret(b"\x01" * 32, public)
    assert not Suite(rng=Bytes()).verify(public, b"message", KeySigner(b"\x01" * 32).sign(b"message"))


@pytest.mark.parametrize("private", [bytes(32), b"\xff" * 32, b"", b"\x01" * 31])
def test_what_is_no_private_key_is_refused(private):
    """Zero, the order and above, and other lengths make neither signer, nor key of a session, nor secret."""
    public = secp256k1.public_key(b"\x01" * 32, compressed=False)
    for use in (KeySigner, lambda key: Ephemeral(Secret(key)), lambda key: shared_secret(key, public)):
        with pytest.raises(UsageError):
            use(private)


def test_a_fresh_key_skips_numbers_that_are_none():
    """Random bytes that are no private key are drawn again."""
    suite = Suite(rng=Bytes(bytes(32), b"\xff" * 32, b"\x05" * 32))
    assert suite.ephemeral().public_key == secp256k1.public_key(b"\x05" * 32, compressed=False)
    assert len(suite.nonce()) == 8


def test_a_session_key_agrees_once():
    """After the secret was made, the private key is gone."""
    key = Suite(rng=Bytes()).ephemeral()
    peer = KeySigner(b"\x01" * 32).public_key
    assert key.agree(peer, target_id=WITH_MAC).seal(b"x")
    with pytest.raises(UsageError):
        key.agree(peer, target_id=WITH_MAC)


def test_signatures_hold_for_their_message_and_key_only():
    """Another message, another key, a cut or empty signature: False."""
    one, other, suite = KeySigner(b"\x01" * 32), KeySigner(b"\x02" * 32), Suite(rng=Bytes())
    signature = one.sign(b"message")
    assert suite.verify(one.public_key, b"message", signature)
    assert not suite.verify(one.public_key, b"other", signature)
    assert not suite.verify(other.public_key, b"message", signature)
    for size in range(len(signature)):
        assert not suite.verify(one.public_key, b"message", signature[:size])


def test_private_keys_are_neither_shown_nor_copied():
    """No text of a signer or a session key holds the private key, and neither is pickled or copied."""
    for holder in (KeySigner(b"\x5a" * 32), Ephemeral(Secret(b"\x5a" * 32)), open_records(SECRET, target_id=WITH_MAC)):
        assert "5a5a" not in repr(holder)
        for take in (copy.deepcopy, pickle.dumps):
            with pytest.raises((UsageError, TypeError)):
                take(holder)
