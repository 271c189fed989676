"""Every row of the table of attacks (attestation 6): what is tried, what is answered, and that the key is where it was."""

import pytest
from transfer_stage import (
    ATTESTATION,
    BAD_DATA,
    CODE_HASH,
    CREATE,
    EXPORT,
    IMPORT,
    NONE,
    OK,
    PUBLIC_KEY,
    SEALED,
    SIGN,
    UNSEALED,
    WRONG_STATE,
    Side,
    introduce,
    orders,
    pair,
    transfer,
)

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.testing.factory import known_key
from tallystick.wire.certificate import endorsement_message, owner_message

DIGEST = sha256(b"a transaction")
STRANGER = KeySigner(sha256(b"nobody's key"))


def is_idle(side: Side) -> bool:
    """Tell whether nothing of an exchange is left in memory."""
    exchange = side.app._exchange
    return (exchange.step, exchange.ephemeral, exchange.peer, exchange.channel_key) == (0, b"", b"", b"")


def hello_of(signer: KeySigner, *, role: int = 2, code_hash: bytes = CODE_HASH, public: bytes | None = None) -> bytes:
    """Return a hello as software makes it."""
    public = STRANGER.public_key if public is None else public
    return public + signer.sign(bytes((role,)) + public + code_hash)


def refuses(side: Side, ins: int, p1: int, data: bytes, *, status: int = BAD_DATA) -> None:
    """Check that a step is refused, nothing is written, and the exchange is over."""
    before = dict(side.os.records)
    answer = side.send(ins, p1, data)
    assert (answer.status, answer.data) == (status, b"")
    assert side.os.records == before
    assert is_idle(side)


@pytest.mark.parametrize("code_hash", [sha256(b"another app"), bytes(32)])
def test_another_app_on_a_certified_device_gets_nothing(code_hash):
    """A hello over another code hash is refused at the last step, and the key stays, sealed."""
    sender, receiver = pair(code_hash=code_hash)
    _, hello = introduce(sender, receiver)
    refuses(sender, EXPORT, 3, hello)
    assert sender.status == SEALED


def test_software_without_an_attestation_key_gets_nothing():
    """A hello signed with a key of one's own is refused, whoever was introduced before."""
    sender, receiver = pair()
    introduce(sender, receiver)
    refuses(sender, EXPORT, 3, hello_of(STRANGER))
    assert sender.status == SEALED


def test_a_signature_without_code_hash_over_the_victims_hash_would_be_believed():
    """Why `key1_sign_without_code_hash` is not for everybody: message and hash of the victim make a hello that holds."""
    sender, receiver = pair()
    introduce(sender, receiver)
    forged = STRANGER.public_key + receiver.os.attestation.sign(b"\x02" + STRANGER.public_key + CODE_HASH)
    assert sender.send(EXPORT, 3, forged).status == OK


CERTIFICATES = {
    "another owner": lambda public: STRANGER.sign(owner_message(public)),
    "self-made": None,
    "role FF": lambda public: known_key("owner").sign(endorsement_message(public)),
    "no role": lambda public: known_key("owner").sign(public),
    "another key": lambda public: known_key("owner").sign(owner_message(STRANGER.public_key)),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_peer_without_the_owners_certificate_is_refused(name):
    """Another owner's, the device's own role, a self-made one: refused by both sides at their second step."""
    sender, receiver = pair()
    attestation = receiver.os.attestation
    make = CERTIFICATES[name] or (lambda public: attestation.sign(owner_message(public)))
    raw = attestation.public_key + make(attestation.public_key)
    sender.data(EXPORT, 1)
    refuses(sender, EXPORT, 2, raw)
    receiver.data(IMPORT, 1)
    refuses(receiver, IMPORT, 2, raw)
    assert (sender.status, receiver.status) == (SEALED, NONE)


STEPS = [(EXPORT, 2), (EXPORT, 3), (IMPORT, 2), (IMPORT, 3), (IMPORT, 4)]


@pytest.mark.parametrize(("ins", "p1"), STEPS)
def test_a_step_without_the_one_before_is_refused(ins, p1):
    """No later step works alone, on a device with a key or without."""
    for side in pair():
        refuses(side, ins, p1, bytes(48), status=WRONG_STATE)


def test_skipped_and_repeated_steps_end_the_exchange():
    """Export 3 without 2, import 4 without 3, any step twice: 6985, and the right step does not help any more."""
    for late, sender_side in ((3, True), (3, False), (4, False)):
        sender, receiver = pair()
        hellos = sender.data(EXPORT, 1), receiver.data(IMPORT, 1)
        side, other, ins = (sender, receiver, EXPORT) if sender_side else (receiver, sender, IMPORT)
        if late == 4:
            side.data(ins, 2, other.data(ATTESTATION))
        refuses(side, ins, late, hellos[1] if sender_side else bytes(48), status=WRONG_STATE)
        refuses(side, ins, 2, other.data(ATTESTATION), status=WRONG_STATE)
    sender, receiver = pair()
    introduce(sender, receiver)
    refuses(sender, EXPORT, 2, receiver.data(ATTESTATION), status=WRONG_STATE)
    refuses(receiver, IMPORT, 2, sender.data(ATTESTATION), status=WRONG_STATE)
    assert (sender.status, receiver.status) == (SEALED, NONE)


def test_steps_of_the_other_role_do_not_count():
    """The channel's steps are the receiver's or the sender's: a device that exports does not import on the way."""
    sender, receiver = pair()
    hellos = introduce(sender, receiver)
    refuses(sender, IMPORT, 3, hellos[1], status=WRONG_STATE)
    introduce(sender, receiver)
    refuses(receiver, EXPORT, 3, hellos[0], status=WRONG_STATE)


def test_own_hello_sent_back_is_refused():
    """A reflected hello has the other role; with the sender's own attestation it is refused for that alone."""
    sender, _ = pair()
    hello = sender.data(EXPORT, 1)
    sender.data(EXPORT, 2, sender.data(ATTESTATION))
    refuses(sender, EXPORT, 3, hello)
    assert sender.status == SEALED


def test_a_hello_of_the_same_role_is_refused():
    """Two senders do not meet, nor two receivers."""
    sender, receiver = pair()
    introduce(sender, receiver)
    refuses(sender, EXPORT, 3, hello_of(receiver.os.attestation, role=1))
    introduce(sender, receiver)
    refuses(receiver, IMPORT, 3, hello_of(sender.os.attestation, role=2))


def test_a_swapped_ephemeral_key_is_refused():
    """The signature is one over the key: another key under it does not pass, on either side."""
    sender, receiver = pair()
    sender_hello, receiver_hello = introduce(sender, receiver)
    refuses(sender, EXPORT, 3, STRANGER.public_key + receiver_hello[65:])
    refuses(receiver, IMPORT, 3, STRANGER.public_key + sender_hello[65:])
    assert (sender.status, receiver.status) == (SEALED, NONE)


def test_a_key_moves_once_however_many_receivers_wait():
    """Two recorded receivers: the first blob empties the device, everything after it is 6985."""
    sender, first = pair()
    second = Side("second")
    hellos = first.data(IMPORT, 1), second.data(IMPORT, 1)
    sender_hello = sender.data(EXPORT, 1)
    sender.data(EXPORT, 2, first.data(ATTESTATION))
    blob = sender.data(EXPORT, 3, hellos[0])
    assert sender.status == NONE
    refuses(sender, EXPORT, 3, hellos[0], status=WRONG_STATE)
    refuses(sender, EXPORT, 2, second.data(ATTESTATION), status=WRONG_STATE)
    refuses(sender, EXPORT, 1, b"", status=WRONG_STATE)
    for receiver in (first, second):
        receiver.data(IMPORT, 2, sender.data(ATTESTATION))
        receiver.data(IMPORT, 3, sender_hello)
    first.data(IMPORT, 4, blob)
    second.send(IMPORT, 4, blob)
    key = first.data(PUBLIC_KEY)
    assert second.status == NONE or second.data(PUBLIC_KEY) != key


def test_an_old_blob_does_not_bring_the_key_back():
    """After the key moved on, the recorded transfer is played again: the old key does not come out of it."""
    sender, receiver = pair()
    key = sender.data(PUBLIC_KEY)
    hellos = introduce(sender, receiver)
    receiver.data(IMPORT, 3, hellos[0])
    blob = sender.data(EXPORT, 3, hellos[1])
    receiver.data(IMPORT, 4, blob)
    transfer(receiver, sender)
    assert (sender.data(PUBLIC_KEY), receiver.status) == (key, NONE)
    receiver.data(IMPORT, 1)
    receiver.data(IMPORT, 2, sender.data(ATTESTATION))
    assert receiver.send(IMPORT, 3, hellos[0]).ok  # the old hello is a genuine one
    receiver.send(IMPORT, 4, blob)
    assert receiver.status == NONE or receiver.data(PUBLIC_KEY) != key


def test_an_old_hello_of_the_receiver_destroys_the_key_and_copies_it_to_nobody():
    """Hellos carry no nonce: the sender may be led to a key that is gone. What it loses, no device has."""
    sender, receiver = pair()
    key = sender.data(PUBLIC_KEY)
    old = receiver.data(IMPORT, 1)
    receiver.restart()  # the ephemeral key lay in memory
    sender_hello, _ = introduce(sender, receiver)
    blob = sender.data(EXPORT, 3, old)
    assert sender.status == NONE
    receiver.data(IMPORT, 3, sender_hello)
    receiver.send(IMPORT, 4, blob)
    assert receiver.status == NONE or receiver.data(PUBLIC_KEY) != key


def test_a_blob_that_was_changed_is_another_key_or_none():
    """There is no MAC: whatever the wire makes of it, the key of before does not arrive, and the host can tell."""
    sender, receiver = pair()
    key = sender.data(PUBLIC_KEY)
    sender_hello, receiver_hello = introduce(sender, receiver)
    receiver.data(IMPORT, 3, sender_hello)
    blob = bytearray(sender.data(EXPORT, 3, receiver_hello))
    blob[0] ^= 1
    receiver.data(IMPORT, 4, bytes(blob))
    assert receiver.data(PUBLIC_KEY) != key
    assert receiver.status == SEALED


@pytest.mark.parametrize("number", [0, secp256k1.ORDER, 2**256 - 1])
def test_what_is_no_private_key_is_not_kept(number):
    """Zero, the order and more are refused, whoever made them arrive."""
    sender, receiver = pair()
    hello, _ = introduce(sender, receiver)
    receiver.data(IMPORT, 3, hello)
    channel_key = receiver.app._exchange.channel_key
    plain = number.to_bytes(32, "big")
    from transfer_stage import run

    blob = bytes(16) + run(receiver.os.encrypt(channel_key, bytes(16), plain))
    refuses(receiver, IMPORT, 4, blob)
    assert receiver.status == NONE


@pytest.mark.parametrize("size", [0, 1, 32, 47, 49, 64, 255])
def test_a_blob_of_another_length_is_refused(size):
    """Exactly 48 bytes: nothing that lay in a buffer before is ever decrypted."""
    sender, receiver = pair()
    hello, _ = introduce(sender, receiver)
    receiver.data(IMPORT, 3, hello)
    refuses(receiver, IMPORT, 4, bytes(size))
    assert receiver.status == NONE


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_signature_between_the_steps_ends_the_export(at):
    """The seal is looked at in every step: once the key signed, it does not move."""
    sender, receiver = pair()
    receiver_hello = receiver.data(IMPORT, 1)
    steps = [(1, b""), (2, receiver.data(ATTESTATION)), (3, receiver_hello)]
    for p1, data in steps[: at - 1]:
        sender.data(EXPORT, p1, data)
    sender.data(SIGN, data=DIGEST)
    refuses(sender, EXPORT, *steps[at - 1], status=WRONG_STATE)
    assert sender.status == UNSEALED


def test_the_seal_is_broken_before_the_signature_is_made():
    """The person is asked, the flash is written, then it is signed: a cut in between loses the seal and gains nothing."""
    sender, _ = pair()
    sender.os.calls.clear()
    sender.data(SIGN, data=DIGEST)
    assert orders(sender.os.calls) == ["review", "write", "sign_with"]


def test_a_refused_export_leaves_no_older_one_alive():
    """An exchange that was confirmed before is gone when a new one is asked for, even if that is refused."""
    sender, receiver = pair()
    _, hello = introduce(sender, receiver)
    sender.os.answers = [False]
    refuses(sender, EXPORT, 1, b"", status=WRONG_STATE)
    refuses(sender, EXPORT, 3, hello, status=WRONG_STATE)
    assert sender.status == SEALED


def test_what_is_signed_is_what_was_shown():
    """The person sees the 32 bytes, and they are the ones signed."""
    sender, _ = pair()
    signature = sender.data(SIGN, data=DIGEST)
    assert [item.values for item in sender.os.reviews[-1].items if item.title == "Hash"] == [(DIGEST.hex(),)]
    assert secp256k1.verify_ecdsa_der(sender.data(PUBLIC_KEY), DIGEST, signature)


def test_receiving_is_asked():
    """A device does not take a key that its person did not want."""
    _, receiver = pair()
    receiver.os.answers = [False]
    refuses(receiver, IMPORT, 1, b"", status=WRONG_STATE)


def test_an_attestation_key_made_anew_in_between_ends_the_transfer():
    """The hello is one of a key the sender was not introduced to: fails closed."""
    sender, receiver = pair()
    introduce(sender, receiver)
    receiver.os.attestation = KeySigner(sha256(b"a new one"))
    refuses(sender, EXPORT, 3, hello_of(receiver.os.attestation))
    assert sender.status == SEALED


def malformed(raw: bytes) -> dict[str, bytes]:
    """Return what a genuine key with its signature must not be taken for."""
    public, signature = raw[:65], raw[65:]
    return {
        "empty": b"",
        "cut key": raw[:64],
        "no signature": public,
        "half a header": raw[:66],
        "cut": raw[:-1],
        "trailing": raw + b"\0",
        "longer than it says": public + bytes((0x30, signature[1] - 1)) + signature[2:],
        "shorter than it says": public + bytes((0x30, signature[1] + 1)) + signature[2:],
        "length in two bytes": public + b"\x30\x81" + signature[1:],
        "parity in the first byte": public + b"\x31" + signature[1:],
        "hybrid key": b"\x06" + raw[1:],
        "no point": b"\x04" + bytes(64) + signature,
        "compressed key": b"\x02" + public[1:33] + signature,
        "no integers": public + bytes((0x30, signature[1])) + bytes(len(signature) - 2),
    }


@pytest.mark.parametrize("name", malformed(bytes(65) + b"\x30\x02\0\0"))
def test_malformed_attestations_and_hellos_are_refused(name):
    """Lengths are exact, keys are points of the curve, signatures are DER: anything else is 6A80 and ends the exchange."""
    sender, receiver = pair()
    sender.data(EXPORT, 1)
    refuses(sender, EXPORT, 2, malformed(receiver.data(ATTESTATION))[name])
    receiver.data(IMPORT, 1)
    refuses(receiver, IMPORT, 2, malformed(sender.data(ATTESTATION))[name])
    sender_hello, receiver_hello = introduce(sender, receiver)
    refuses(sender, EXPORT, 3, malformed(receiver_hello)[name])
    refuses(receiver, IMPORT, 3, malformed(sender_hello)[name])
    assert (sender.status, receiver.status) == (SEALED, NONE)


def test_a_certified_key_that_is_no_point_is_refused():
    """Even the owner's own signature does not make a point of it."""
    sender, receiver = pair()
    no_point = b"\x04" + bytes(63) + b"\x05"
    raw = no_point + known_key("owner").sign(owner_message(no_point))
    sender.data(EXPORT, 1)
    assert sender.send(EXPORT, 2, raw).ok
    refuses(sender, EXPORT, 3, hello_of(receiver.os.attestation))


def test_a_signed_ephemeral_key_that_is_no_point_is_refused():
    """The point is looked at before it is multiplied: invalid curves get nothing out of a key."""
    sender, receiver = pair()
    introduce(sender, receiver)
    refuses(sender, EXPORT, 3, hello_of(receiver.os.attestation, public=b"\x04" + bytes(63) + b"\x05"))
    assert sender.status == SEALED


def test_a_client_that_goes_takes_its_exchange_along():
    """What one client began, the next does not finish."""
    sender, receiver = pair()
    _, hello = introduce(sender, receiver)
    sender.app.reset()
    refuses(sender, EXPORT, 3, hello, status=WRONG_STATE)


def test_creating_does_not_replace_a_key():
    """A key that is there is not overwritten, by creation or by import."""
    sender, _ = pair()
    key = sender.data(PUBLIC_KEY)
    refuses(sender, CREATE, 0, b"", status=WRONG_STATE)
    refuses(sender, IMPORT, 1, b"", status=WRONG_STATE)
    assert sender.data(PUBLIC_KEY) == key


def test_erasing_that_the_flash_refuses_lets_nothing_out():
    """The key is erased before it leaves: where that cannot be done, it stays and the answer has no byte of it."""
    sender, receiver = pair()
    _, hello = introduce(sender, receiver)
    sender.os.full = True
    refuses(sender, EXPORT, 3, hello, status=0x6F00)
    assert sender.status == SEALED


@pytest.mark.parametrize(
    "certificate", [b"RSK_ENDORSEMENT_OK", b"\x30", b"\x30\x46" + bytes(20), b"\x30\xff" + bytes(70)]
)
def test_a_certificate_that_is_none_is_not_read_beyond_its_end(certificate):
    """The device keeps any 1 to 72 bytes: the app bounds what it believes of them."""
    assert Side("odd", certificate=certificate).send(ATTESTATION).status == 0x6F00


def test_bytes_behind_the_certificate_are_left_out():
    """Only the DER is told, by the length it has itself."""
    genuine = Side("plain")
    raw = genuine.data(ATTESTATION)
    assert Side("plain", certificate=raw[65:] + b"\0").data(ATTESTATION) == raw
