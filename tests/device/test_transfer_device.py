"""The transfer app on whole devices (attestation 6): real attestation keys, real hashes, real screens."""

from __future__ import annotations

import pytest
from endorsement_stage import OWNER, certificate, commit, identified, set_up, start
from os_stage import LATER_S, PIN, app, call
from transfer_pair import (
    ATTESTATION,
    BAD_DATA,
    CREATE,
    EXPORT,
    IMPORT,
    LOCKED,
    NONE,
    PUBLIC_KEY,
    SEALED,
    SIGN,
    STATUS,
    UNSEALED,
    WRONG_STATE,
    ask,
    certified,
    get,
    introduce,
    private_key,
    status,
    transfer,
)

from tallystick.apps import transfer as transfer_app
from tallystick.crypto.hash import sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.app_storage import StorageInfo
from tallystick.wire.certificate import owner_message
from tallystick.wire.dashboard import Ins

DIGEST = sha256(b"a transaction")


@pytest.mark.parametrize("model", ["nanos", "nanosp", "stax"])
def test_a_key_moves_from_device_to_device(model: str) -> None:
    """Made on one, moved to the other, signing there; on each kind of screen, with a person at both."""
    sender, receiver = certified(1, model=model), certified(2, model=model)
    get(sender, CREATE)
    key = get(sender, PUBLIC_KEY)
    transfer(sender, receiver)
    assert (status(sender), status(receiver)) == (NONE, SEALED)
    assert get(receiver, PUBLIC_KEY) == key
    assert verify_ecdsa_der(key, DIGEST, get(receiver, SIGN, data=DIGEST))
    assert status(receiver) == UNSEALED
    assert ask(receiver, EXPORT, 1).status == WRONG_STATE


def test_attestation_is_what_others_can_check() -> None:
    """The key is the device's, the certificate the owner's, the hello one over the full hash that the app list shows."""
    device = certified(1)
    raw = get(device, ATTESTATION)
    public, owners = raw[:65], raw[65:]
    assert verify_ecdsa_der(OWNER.public_key, sha256(owner_message(public)), owners)
    installed = device.board.system.session.registry.find("Transfer")
    assert installed is not None
    hello = get(device, IMPORT, 1)
    assert verify_ecdsa_der(public, sha256(b"\x02" + hello[:65] + installed.full_hash), hello[65:])


def test_the_person_sees_which_key_leaves_and_what_is_signed() -> None:
    """Screens name the key, the loss and the hash; what is refused is not done."""
    device = certified(1)
    get(device, CREATE)
    fingerprint = get(device, PUBLIC_KEY)[1:9].hex()
    pending = device.send(bytes.fromhex("e0060100 00"))
    assert device.user.approve().value("Key") == fingerprint
    assert pending.response.ok
    pending = device.send(bytes.fromhex("e002000020") + DIGEST)
    read = device.user.reject()
    assert read.value("Hash") == DIGEST.hex()
    assert pending.response.status == WRONG_STATE
    assert status(device) == SEALED


def test_receiving_can_be_refused() -> None:
    """A person who wants no key gets none."""
    device = certified(1)
    assert ask(device, IMPORT, 1, agree=False).status == WRONG_STATE


def test_without_attestation_key_nothing_is_attested() -> None:
    """An empty slot is answered as the published app does: 6800 and the low bits of 4103 and 4106."""
    device = VirtualDevice(apps=["transfer"], open="transfer")
    assert ask(device, ATTESTATION).status == 0x6903
    get(device, CREATE)
    assert ask(device, EXPORT, 1).status == 0x6906
    assert status(device) == SEALED


@pytest.mark.parametrize("stored", [b"RSK_ENDORSEMENT_OK", b"\x30\x48" + bytes(10)])
def test_a_certificate_that_is_none_attests_nothing(stored: bytes) -> None:
    """The device keeps any bytes as certificate; the app does not read beyond them."""
    device = VirtualDevice(apps=["transfer"])
    manager = identified(device)
    start(manager, 1)
    assert commit(manager, stored).response.ok
    manager.client.close()
    device.open("transfer")
    assert ask(device, ATTESTATION).status == 0x6F00


def test_another_build_of_the_app_gets_no_key() -> None:
    """The same owner's devices, another hash (another model has one): the sender refuses at its last step and keeps the key."""
    sender = certified(1)
    receiver = certified(2, model="nanox")
    get(sender, CREATE)
    get(sender, EXPORT, 1)
    hello = get(receiver, IMPORT, 1)
    get(sender, EXPORT, 2, get(receiver, ATTESTATION))
    assert ask(sender, EXPORT, 3, hello).status == BAD_DATA
    assert status(sender) == SEALED


def test_another_owners_build_does_not_know_our_devices() -> None:
    """The owner's key is compiled in: an app of another owner refuses our certificate, and ours refuses theirs."""
    ours, theirs = certified(1), certified(2, apps=[transfer_app.bundle(known_key("another owner").public_key)])
    get(ours, CREATE)
    get(ours, EXPORT, 1)
    get(theirs, IMPORT, 1)
    assert ask(theirs, IMPORT, 2, get(ours, ATTESTATION)).status == BAD_DATA
    assert status(ours) == SEALED


def test_an_app_with_the_low_permission_of_another_name_is_not_this_app() -> None:
    """An app that signs the very words of a hello on a certified device is found out by its hash."""
    liar = app("return await self.os.endorsement_key1_sign_data(raw)", name="Liar")
    sender, receiver = certified(1), VirtualDevice(deterministic_rng=2, apps=[liar])
    set_up(receiver, 1)
    receiver.open("liar")
    public = known_key("nobody").public_key
    signature = receiver.exchange(b"\x02" + public).data
    attestation_key = receiver.board.system.session.endorsement.public_key(1)
    get(sender, CREATE)
    get(sender, EXPORT, 1)
    get(sender, EXPORT, 2, attestation_key + certificate(attestation_key))
    assert ask(sender, EXPORT, 3, public + signature).status == BAD_DATA
    assert status(sender) == SEALED


def test_an_attestation_key_replaced_in_mid_transfer_ends_it() -> None:
    """The receiver's new key is not the one the sender was introduced to."""
    sender, receiver = certified(1), certified(2)
    get(sender, CREATE)
    get(sender, EXPORT, 1)
    get(sender, EXPORT, 2, get(receiver, ATTESTATION))
    receiver.quit()
    set_up(receiver, 1)
    receiver.open("transfer")
    assert ask(sender, EXPORT, 3, get(receiver, IMPORT, 1)).status == BAD_DATA
    assert status(sender) == SEALED


def test_a_locked_device_neither_shows_nor_moves_a_key() -> None:
    """Behind the lock every command is 5515; afterwards the key is where it was."""
    sender, receiver = certified_with_pin(), certified(2)
    get(sender, CREATE)
    hello = introduce(sender, receiver)
    sender.turn(LATER_S)
    for ins in (PUBLIC_KEY, SIGN, ATTESTATION, EXPORT, IMPORT, CREATE, STATUS):
        assert ask(sender, ins, 1).status == LOCKED
    assert ask(sender, EXPORT, 3, hello).status == LOCKED
    sender.user.enter_pin(PIN)
    assert status(sender) == SEALED


def certified_with_pin() -> VirtualDevice:
    """Return an unlocked device that has a PIN."""
    device = VirtualDevice(deterministic_rng=3, pin=PIN, apps=["transfer"])
    device.user.enter_pin(PIN)
    set_up(device, 1)
    device.open("transfer")
    return device


def test_a_question_holds_up_other_clients_and_shows_what_is_signed() -> None:
    """While the person reads, another client's command waits; what is signed is what was shown."""
    device = certified(1)
    get(device, CREATE)
    key = get(device, PUBLIC_KEY)
    first, second = device.client(), device.client()
    signing = first.send(bytes.fromhex("e002000020") + DIGEST)
    other = second.send(bytes.fromhex("e002000020") + sha256(b"another"))
    read = device.user.approve()
    assert read.value("Hash").replace(" ", "") == DIGEST.hex()
    assert verify_ecdsa_der(key, DIGEST, signing.response.data)
    if other.done and other.response.ok:
        assert verify_ecdsa_der(key, sha256(b"another"), other.response.data)


def test_a_client_that_goes_ends_its_exchange() -> None:
    """What one client began no other can finish, and the person is asked again."""
    sender, receiver = certified(1), certified(2)
    get(sender, CREATE)
    client = sender.client()
    assert ask(client, EXPORT, 1, user=sender.user).ok
    client.close()
    assert ask(sender, EXPORT, 2, get(receiver, ATTESTATION)).status == WRONG_STATE


def test_what_the_app_keeps_is_not_backed_up() -> None:
    """A copy of the key that could be put back would be a second key: there is none to take."""
    device = certified(1)
    get(device, CREATE)
    device.quit()
    info = StorageInfo.from_bytes(device.exchange(call(Ins.STORAGE_INFO, data=b"Transfer")).data)
    assert info.size_bytes == 0
    assert device.exchange(call(Ins.STORAGE_RESTORE_INIT, data=bytes((0, 0, 0, 9)) + b"Transfer")).status == 0x5123


def test_installing_again_leaves_no_key() -> None:
    """The same app, put in anew, begins with nothing: data of the old copy is gone."""
    device = certified(1)
    get(device, CREATE)
    device.quit()
    device.install("transfer")
    device.open("transfer")
    assert status(device) == NONE


def test_the_key_is_not_to_be_read_in_a_copy_of_the_flash() -> None:
    """Sealed with the seed: no record of the flash shows it, and without the seed nothing opens it."""
    device = certified_with_pin()
    get(device, CREATE)
    private = private_key(device)
    assert len(private) == 32
    assert not any(private in (device.flash.read(name) or b"") for name in device.flash.names())
    device.turn(LATER_S)
    assert private_key(device) == b""
    device.user.enter_pin(PIN)
    assert private_key(device) == private


def test_a_record_that_was_changed_or_moved_is_no_key() -> None:
    """Whatever somebody writes into the flash, an old record of another device included, is answered 6F00."""
    device, other = certified(1), certified(2)
    for one in (device, other):
        get(one, CREATE)
    theirs = other.board.system.session.storage.record("Transfer", "key")
    ours = device.board.system.session.storage.record("Transfer", "key")
    for raw in (
        theirs,
        ours[:-1] + bytes((ours[-1] ^ 1,)),
        ours[:20],
        b"",
        bytes.fromhex("DEAD1337") + DIGEST + b"\xad\x01",
    ):
        device.board.system.session.storage.set_record("Transfer", "key", raw)
        for ins in (STATUS, PUBLIC_KEY, CREATE):
            assert ask(device, ins).status == 0x6F00
    device.board.system.session.storage.set_record("Transfer", "key", ours)
    assert status(device) == SEALED


def test_a_damaged_record_does_not_keep_the_app_from_starting() -> None:
    """The app opens and says so."""
    device = certified(1)
    get(device, CREATE)
    device.quit()
    device.board.system.session.storage.set_record("Transfer", "key", b"nonsense")
    device.open("transfer")
    assert "damaged" in device.screen
    assert ask(device, STATUS).status == 0x6F00


def test_a_reset_takes_the_key_away() -> None:
    """Three wrong PINs, and nothing of the app is in the flash."""
    device = certified_with_pin()
    get(device, CREATE)
    assert any(name.startswith("app.") for name in device.flash.names())
    device.turn(LATER_S)
    for _ in range(3):
        if device.frame.scene != "pinentry":
            device.user.dismiss()
        device.user.enter_pin("9999")
    assert not device.status["onboarded"]
    assert not any(name.startswith("app.") for name in device.flash.names())
