"""Commands, status words, screens and the record (attestation 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfer_stage import (
    ATTESTATION,
    CREATE,
    EXPORT,
    IMPORT,
    NONE,
    OK,
    PUBLIC_KEY,
    SEALED,
    SIGN,
    STATUS,
    UNSEALED,
    WRONG_STATE,
    PowerLost,
    Side,
    introduce,
    pair,
    transfer,
)

from tallystick import apps
from tallystick.apps import transfer as transfer_app
from tallystick.apps.transfer.blob import SealedKey, SignedKey
from tallystick.apps.transfer.key import NOTHING, Held, Seal
from tallystick.crypto import secp256k1
from tallystick.crypto.hash import sha256
from tallystick.errors import UsageError
from tallystick.testing.factory import known_key
from tallystick.wire.status import Reject

DIGEST = sha256(b"a transaction")
KEY = sha256(b"a key")


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("", 0x6982),
        ("b0", 0x6E00),
        ("e1000000", 0x6E00),
        ("8000000000", 0x6E00),
        ("e0", 0x6700),
        ("e00000", 0x6700),
        ("e0020000ff00", 0x6700),
        ("e001000000", 0x6D00),
        ("e00e000000", 0x6D00),
        ("e0ff000000", 0x6D00),
        ("e006000000", 0x6B00),
        ("e006040000", 0x6B00),
        ("e008000000", 0x6B00),
        ("e008050000", 0x6B00),
        ("e0060100", OK),
        ("e00000ff00", OK),
        ("e002000020" + "00" * 32, OK),
        ("e002000000", 0x6A80),
        ("e00200001f" + "00" * 31, 0x6A80),
        ("e002000021" + "00" * 33, 0x6A80),
    ],
)
def test_status_words(apdu, status):
    """Class, instruction, parameter and length have their words; P2 does not matter."""
    side = Side("one")
    side.data(CREATE)
    assert side.raw(bytes.fromhex(apdu)).status == status


@pytest.mark.parametrize("apdu", ["", "b0010000", "e001000000", "e006090000", "e0020000ff00", "e002000000"])
def test_any_refusal_ends_the_exchange(apdu):
    """Whatever is refused, the step before it is forgotten."""
    sender, receiver = pair()
    _, hello = introduce(sender, receiver)
    assert sender.raw(bytes.fromhex(apdu)).status != OK
    assert sender.send(EXPORT, 3, hello).status == WRONG_STATE


def test_harmless_commands_in_between_do_not_end_it():
    """Public key, attestation and status may be asked for at any step, as the published tools do."""
    sender, receiver = pair()
    _, hello = introduce(sender, receiver)
    for ins in (PUBLIC_KEY, ATTESTATION, STATUS):
        assert sender.send(ins).ok
    assert len(sender.data(EXPORT, 3, hello)) == 48


def test_a_device_without_key_has_none_to_show_or_use():
    """Nothing but attestation, status, creation and import works before there is a key."""
    side = Side("empty")
    assert side.status == NONE
    for ins, p1, data in ((PUBLIC_KEY, 0, b""), (SIGN, 0, DIGEST), (EXPORT, 1, b"")):
        assert side.send(ins, p1, data).status == WRONG_STATE
    assert side.send(ATTESTATION).ok


def test_first_signature_is_asked_and_seals_for_ever_and_later_ones_are_not():
    """The person decides once; from then on it signs and never moves, over restarts too."""
    side = Side("signer")
    side.data(CREATE)
    side.os.answers = [False]
    assert side.send(SIGN, data=DIGEST).status == WRONG_STATE
    assert side.status == SEALED
    first = side.data(SIGN, data=DIGEST)
    assert len(side.os.reviews) == 2
    side.restart()
    assert side.data(SIGN, data=DIGEST) == first
    assert first[0] == 0x30
    assert len(side.os.reviews) == 2
    assert side.status == UNSEALED
    assert side.send(EXPORT, 1).status == WRONG_STATE


def test_a_transferred_key_is_the_same_and_can_move_on():
    """It arrives sealed, under its public key, and may travel further."""
    sender, receiver = pair()
    key = sender.data(PUBLIC_KEY)
    transfer(sender, receiver)
    assert (sender.status, receiver.status, receiver.data(PUBLIC_KEY)) == (NONE, SEALED, key)
    third = Side("third")
    transfer(receiver, third)
    signature = third.data(SIGN, data=DIGEST)
    assert secp256k1.verify_ecdsa_der(key, DIGEST, signature)


def test_a_sender_may_get_another_key_afterwards():
    """An empty device is as good as new."""
    sender, receiver = pair()
    key = sender.data(PUBLIC_KEY)
    transfer(sender, receiver)
    sender.data(CREATE)
    assert sender.data(PUBLIC_KEY) != key


def test_a_cut_at_the_one_write_of_each_side_leaves_the_key_in_at_most_one_place():
    """Before the write the sender has it, after it nobody or the receiver: never both, never half of it."""
    sender, receiver = pair()
    key = sender.data(PUBLIC_KEY)
    sender_hello, hello = introduce(sender, receiver)
    sender.os.cut_at_write = 0
    with pytest.raises(PowerLost):
        sender.send(EXPORT, 3, hello)
    sender.restart()
    sender.os.cut_at_write = None
    assert (sender.status, sender.data(PUBLIC_KEY)) == (SEALED, key)
    assert sender.send(EXPORT, 3, hello).status == WRONG_STATE
    sender_hello, hello = introduce(sender, receiver)
    receiver.data(IMPORT, 3, sender_hello)
    blob = sender.data(EXPORT, 3, hello)
    sender.restart()
    receiver.os.cut_at_write = 0
    with pytest.raises(PowerLost):
        receiver.send(IMPORT, 4, blob)
    receiver.restart()
    receiver.os.cut_at_write = None
    assert (sender.status, receiver.status) == (NONE, NONE)
    assert receiver.send(IMPORT, 4, blob).status == WRONG_STATE


def test_nothing_of_the_key_is_left_after_it_went():
    """The record that says it is gone holds no bit of it."""
    sender, receiver = pair()
    private = Held.from_bytes(sender.os.records["key"]).private
    transfer(sender, receiver)
    assert sender.os.records == {"key": NOTHING.to_bytes()}
    assert private not in b"".join(sender.os.records.values())


def test_the_menu_says_where_the_key_is():
    """None, can move, stays here: shown as it changes."""
    sender, receiver = pair()
    shown = [menu.entries[0].value for menu in sender.os.menus]
    assert shown == ["can move"]
    transfer(sender, receiver)
    receiver.data(SIGN, data=DIGEST)
    assert [menu.entries[0].value for menu in sender.os.menus] == ["can move", "none"]
    assert [menu.entries[0].value for menu in receiver.os.menus] == ["can move", "stays here"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 38,
        bytes.fromhex("DEAD1337") + KEY + b"\xad",
        bytes.fromhex("DEAD1337") + KEY + b"\xad\x01\x00",
        bytes.fromhex("DEAD1337") + KEY + b"\xae\x01",
        bytes.fromhex("DEAD1337") + KEY + b"\xad\x02",
        bytes.fromhex("DEAD1338") + KEY + b"\xad\x01",
        bytes.fromhex("DEAD1337") + bytes(32) + b"\xad\x01",  # there, and zero
        bytes.fromhex("DEAD1337") + KEY + b"\x53\x00",  # gone, and a key
    ],
)
def test_a_damaged_record_is_no_key(raw):
    """Anything but what the app writes is an error and never a key, a seal or room for another one."""
    side = Side("broken")
    side.os.records["key"] = raw
    side.restart()
    for ins, p1, data in ((STATUS, 0, b""), (PUBLIC_KEY, 0, b""), (CREATE, 0, b""), (EXPORT, 1, b""), (IMPORT, 1, b"")):
        assert side.send(ins, p1, data).status == 0x6F00
    with pytest.raises(Reject):
        Held.from_bytes(raw)


@given(private=st.integers(1, secp256k1.ORDER - 1), seal=st.sampled_from(Seal))
def test_record_round_trip(private, seal):
    """What is written is read, and its repr has no key."""
    held = Held(private=private.to_bytes(32, "big"), seal=seal, is_available=True)
    assert Held.from_bytes(held.to_bytes()) == held
    assert held.is_movable == (seal is Seal.SEALED)
    assert held.private.hex() not in repr(held)


@given(st.binary(min_size=64, max_size=64), st.binary(max_size=70))
def test_signed_key_round_trip(tail, body):
    """Key and signature are cut where the signature says, and nowhere else."""
    raw = b"\x04" + tail + bytes((0x30, len(body))) + body
    assert SignedKey.from_bytes(raw).to_bytes() == raw
    for other in (raw[:-1], raw + b"\0"):
        with pytest.raises(Reject):
            SignedKey.from_bytes(other)


@given(st.binary(max_size=100))
def test_sealed_key_has_one_length(raw):
    """48 bytes, or nothing."""
    if len(raw) == 48:
        assert SealedKey.from_bytes(raw).to_bytes() == raw
    else:
        with pytest.raises(Reject):
            SealedKey.from_bytes(raw)


def test_the_owner_is_part_of_the_app():
    """Another owner is another bundle with another hash; the catalogue's is the test owner's; what is no key is refused."""
    owner = known_key("owner").public_key
    assert apps.bundle("transfer").manifest.flags == ("no_backup",)
    assert transfer_app.bundle(owner).digest == apps.bundle("transfer").digest
    other = transfer_app.bundle(known_key("another").public_key)
    assert other.digest != transfer_app.bundle(owner).digest
    assert other.manifest == apps.bundle("transfer").manifest
    for wrong in (b"", owner[:-1], b"\x02" + owner[1:], owner + b"\0"):
        with pytest.raises(UsageError):
            transfer_app.bundle(wrong)


def test_the_version_is_said_once():
    """The menu shows the manifest's version."""
    side = Side("any")
    side.data(CREATE)
    assert side.os.menus[-1].entries[1].value == "v" + apps.bundle("transfer").manifest.version


@given(
    st.lists(
        st.binary(max_size=12)
        | st.builds(
            lambda ins, p1, data: bytes((0xE0, ins, p1, 0, len(data))) + data,
            st.sampled_from((0, 2, 4, 6, 8, 10, 12, 14)),
            st.integers(0, 5),
            st.binary(max_size=200),
        ),
        max_size=12,
    )
)
def test_any_bytes_are_answered_with_a_word_of_the_app(apdus):
    """Whatever is sent, the app lives, and answers with a status word of the reference."""
    side = Side("bombarded")
    for apdu in apdus:
        assert side.raw(apdu).status in {OK, 0x6700, 0x6982, WRONG_STATE, 0x6A80, 0x6B00, 0x6D00, 0x6E00}
    assert side.status in {NONE, SEALED, UNSEALED}
