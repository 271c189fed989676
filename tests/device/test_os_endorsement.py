"""Attestation keys: made by a client that shook hands, staged until their certificate comes, gone with a reset."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from channel_stage import MANAGER, STRANGER, Manager, native
from endorsement_stage import (
    OWNER,
    SOFTWARE,
    certificate,
    commit,
    identified,
    set_up,
    start,
)
from os_stage import LATER_S, PIN, call, in_mode, owned, status

from tallystick.crypto.scp import KeySigner
from tallystick.crypto.secret import Secret
from tallystick.device.boot.pending import Pending
from tallystick.device.secure.endorsement import EndorsementKeys
from tallystick.errors import StateCorrupt
from tallystick.testing.device import VirtualDevice
from tallystick.wire.certificate import EndorsedKey
from tallystick.wire.dashboard import Ins
from tallystick.wire.loader import DeleteApp

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "attestation.json").read_text())
OTHER_WORDS = b"zoo " * 23 + b"vote"
C0, C2 = Ins.ENDORSEMENT_START, Ins.ENDORSEMENT_COMMIT


class Given:
    """A source of randomness that gives one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def read(self, size_bytes: int) -> bytes:
        """Return the key."""
        return self._key[:size_bytes]


class Finished:
    """A board's store with an update that has reached its end."""

    def __init__(self) -> None:
        self.pending: Pending | None = Pending(version="1.2.0", manager=b"\x04" + bytes(64), mcu_version="4.04")
        self.is_over = True

    def forget(self) -> None:
        """Forget the update."""
        self.pending = None


def keys(device: VirtualDevice) -> EndorsementKeys:
    """Return the keys of a device, to look at."""
    return device.board.system.session.endorsement


def present(device: VirtualDevice) -> list[bool]:
    """Return which slots hold a key."""
    return [keys(device).has(slot) for slot in (1, 2)]


@pytest.mark.parametrize("authenticate", [False, True])
@pytest.mark.parametrize("slot", [1, 2])
def test_pair_is_staged_and_then_counts(device: VirtualDevice, slot: int, *, authenticate: bool) -> None:
    """With or without the last step of the handshake a pair is made; it is the slot's once its certificate came."""
    manager = identified(device, authenticate=authenticate)
    made = start(manager, slot)
    assert present(device) == [False, False]
    pending = commit(manager, certificate(made.public_key))
    assert pending.done
    assert pending.response.ok
    assert not pending.response.data
    assert present(device) == [slot == 1, slot == 2]
    assert keys(device).public_key(slot) == made.public_key
    assert keys(device).certificate(slot) == certificate(made.public_key)


def test_channel_is_still_good_after_it(device: VirtualDevice) -> None:
    """Both commands go in the clear beside an open channel and do not move its chain."""
    manager = identified(device, authenticate=True)
    assert commit(manager, certificate(start(manager, 1).public_key)).response.ok
    manager.install(native(), signed_by=SOFTWARE)


@pytest.mark.parametrize("size_bytes", [1, 18, 72])
def test_certificate_is_kept_as_it_came(device: VirtualDevice, size_bytes: int) -> None:
    """1 to 72 bytes of any kind are a certificate: set-up tools of others store text there."""
    manager = identified(device)
    start(manager, 1)
    data = b"RSK_ENDORSEMENT_OK".ljust(size_bytes, b"!")[:size_bytes]
    assert commit(manager, data).response.ok
    assert keys(device).certificate(1) == data


@pytest.mark.parametrize("data", [b"", bytes(73), bytes(255)])
def test_certificate_of_another_size_is_6700(device: VirtualDevice, data: bytes) -> None:
    """No bytes and more than 72 are refused, and the staged pair waits on."""
    manager = identified(device)
    made = start(manager, 1)
    assert commit(manager, data).response.status == 0x6700
    assert commit(manager, certificate(made.public_key)).response.ok


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (call(C0, 0), 0x6B00),
        (call(C0, 3), 0x6B00),
        (call(C0, 0x80), 0x6B00),
        (call(C0, 1, 1), 0x6B00),
        (call(C0, 1, data=b"x"), 0x6700),
        (call(C2, 1, data=b"x"), 0x6B00),
        (call(C2, 0, 1, data=b"x"), 0x6B00),
        (call(C2, data=b"x"), 0x6985),
    ],
)
def test_parameters_that_are_not_as_they_must_be(device: VirtualDevice, command: bytes, expected: int) -> None:
    """There are slots 1 and 2, C2 names none, and a certificate for nothing is 6985; nothing is stored."""
    manager = identified(device)
    before = owned(device.flash)
    assert manager.client.exchange(command).status == expected
    assert owned(device.flash) == before


@pytest.mark.parametrize("steps", range(5))
def test_handshake_that_is_not_finished_is_not_enough(device: VirtualDevice, steps: int) -> None:
    """Until both certificates of the device were given, both commands are 6985 and make nothing; E0 04 begins anew."""
    run = (manager := Manager(device)).steps(authenticate=False)
    for _ in range(steps + 1):
        _, pending = next(run)
        manager.decide(pending, agree=True)
    for command in (call(C0, 1), call(C2, data=b"x")):
        assert manager.client.exchange(command).status == 0x6985
    assert device.flash.read("endorsement") is None
    for _, pending in run:
        manager.decide(pending, agree=True)
    start(manager, 1)
    manager.client.exchange(call(Ins.VALIDATE_TARGET_ID, data=manager.target_id.to_bytes(4, "big")))
    assert commit(manager, b"x").response.status == 0x6985


def test_one_client_s_handshake_is_not_another_s(device: VirtualDevice) -> None:
    """Who did not shake hands makes no key beside somebody who did."""
    identified(device)
    assert status(device, C0, 1) == 0x6985
    assert status(device, C2, data=b"x") == 0x6985


@pytest.mark.parametrize("mode", ["locked", "new", "new recovery", "recovery", "bootloader", "app"])
def test_modes_without_attestation_keys(device_factory: Callable[..., VirtualDevice], mode: str) -> None:
    """Locked, without a seed, in recovery mode, in the bootloader and with an app open no key is made."""
    device = in_mode(device_factory, mode)
    assert status(device, C0, 1) in {0x5515, 0x6D07, 0x662F, 0x6D00, 0x6E00}
    assert device.flash.read("endorsement") is None


def test_device_without_a_seed_makes_none_after_a_handshake(device_factory: Callable[..., VirtualDevice]) -> None:
    """A handshake alone is not enough on a device that nobody set up: what is made there would go with the set-up."""
    device = device_factory(onboarded=False)
    manager = identified(device)
    assert manager.client.exchange(call(C0, 1)).status == 0x6D07


@pytest.mark.parametrize("gone", ["client", "replug", "lock"])
def test_certificate_comes_in_another_session(device_factory: Callable[..., VirtualDevice], gone: str) -> None:
    """The two-run flow: the pair waits through a new session, a replug and a lock, for whichever manager brings its certificate."""
    device = device_factory(pin=PIN)
    device.user.enter_pin(PIN)
    first = identified(device)
    made = start(first, 2)
    first.client.close()
    if gone == "replug":
        device.replug()
        device.user.enter_pin(PIN)
    elif gone == "lock":
        device.turn(LATER_S)
        device.user.enter_pin(PIN)
    second = Manager(device, signer=STRANGER)
    second.open(authenticate=False)
    assert commit(second, certificate(made.public_key)).response.ok
    assert keys(device).public_key(2) == made.public_key


def test_second_start_replaces_the_staged_pair(device: VirtualDevice) -> None:
    """There is one staged pair, whatever its slot: the certificate that comes is the last one's."""
    manager = identified(device)
    first, second = start(manager, 1), start(manager, 2)
    assert first.public_key != second.public_key
    assert commit(manager, certificate(second.public_key)).response.ok
    assert present(device) == [False, True]
    assert keys(device).public_key(2) == second.public_key
    assert commit(manager, certificate(first.public_key)).response.status == 0x6985


@pytest.mark.parametrize("slot", [1, 2])
def test_replacing_warns_and_a_no_changes_nothing(device: VirtualDevice, slot: int) -> None:
    """Where a key was, the person reads what is lost; after a no the old pair is in force and the staged one waits on."""
    old = set_up(device, 1, 2)
    manager = identified(device)
    new = start(manager, slot)
    assert keys(device).public_key(slot) == old[slot]
    pending = commit(manager, certificate(new.public_key))
    assert not pending.done
    assert device.screen == ("Replace", "attestation key?")
    pages = device.user.reject()
    assert f"number {slot}" in " ".join(page.title + page.value for page in pages)
    assert pending.response.status == 0x6985
    assert {number: keys(device).public_key(number) for number in (1, 2)} == old
    pending = commit(manager, certificate(new.public_key))
    device.user.approve()
    assert pending.response.ok
    assert keys(device).public_key(slot) == new.public_key
    assert keys(device).public_key(3 - slot) == old[3 - slot]


@pytest.mark.parametrize("leave", ["hang up", "lock", "replug"])
def test_question_without_an_answer_changes_nothing(device_factory: Callable[..., VirtualDevice], leave: str) -> None:
    """A client that leaves, a device that locks or is unplugged while it asks: the old pair stays in force."""
    device = device_factory(pin=PIN)
    device.user.enter_pin(PIN)
    old = set_up(device, 1)
    manager = identified(device)
    made = start(manager, 1)
    commit(manager, certificate(made.public_key))
    if leave == "hang up":
        manager.client.close()
    elif leave == "lock":
        device.turn(LATER_S)
        device.user.enter_pin(PIN)
    else:
        device.replug()
        device.user.enter_pin(PIN)
    assert keys(device).public_key(1) == old[1]


def test_keys_outlive_apps_replugs_and_locks(device_factory: Callable[..., VirtualDevice]) -> None:
    """Removing apps, pulling the plug and locking leave both keys with their certificates where they are."""
    device = device_factory(pin=PIN)
    device.user.enter_pin(PIN)
    made = set_up(device, 1, 2)
    manager = Manager(device)
    manager.open()
    manager.install(native(), signed_by=SOFTWARE)
    manager.send(DeleteApp(name="Demo").to_bytes())
    device.board.system.session.registry.retire()
    device.replug()
    device.user.enter_pin(PIN)
    assert {slot: keys(device).public_key(slot) for slot in (1, 2)} == made
    assert keys(device).certificate(1) == certificate(made[1])


def test_keys_outlive_a_firmware_update(device_factory: Callable[..., VirtualDevice]) -> None:
    """While an update is on its way no key is made; given up or finished, both slots and the staged pair are as they were."""
    device = device_factory()
    made = set_up(device, 1, 2)
    staged = start(identified(device), 1).public_key
    record = device.flash.read("endorsement")
    store, board = Finished(), device.board
    board._hardware = dataclasses.replace(board._hardware, updates=store)
    device.replug()
    assert device.status["mode"] == "upgrader"
    for command in (call(C0, 1), call(C2, data=b"x")):
        assert device.exchange(command).status == 0x6D00
    board.system.finish_update()
    assert store.pending is None
    device.replug()
    assert device.status["mode"] == "normal"
    assert device.flash.read("endorsement") == record
    assert {slot: keys(device).public_key(slot) for slot in (1, 2)} == made
    pending = commit(identified(device), certificate(staged))
    device.user.approve()
    assert pending.response.ok
    assert keys(device).public_key(1) == staged


@pytest.mark.parametrize("how", ["wrong PINs", "settings"])
def test_reset_erases_both_slots_and_what_is_staged(device_factory: Callable[..., VirtualDevice], how: str) -> None:
    """After three wrong PINs, and after a reset that the person chose, no slot holds anything and nothing is staged."""
    device = device_factory(pin=PIN)
    device.user.enter_pin(PIN)
    set_up(device, 1, 2)
    start(identified(device), 1)
    assert device.flash.read("endorsement") is not None
    if how == "settings":
        device.user.choose("Settings")
        device.user.choose("Reset device")
        device.user.approve()
    else:
        device.replug()
        for _ in range(3):
            device.user.enter_pin("99999")
            device.user.dismiss()
    assert not device.status["onboarded"]
    assert device.flash.read("endorsement") is None
    assert device.flash.read("attestation") is not None


def test_other_seed_does_not_know_the_keys(device: VirtualDevice) -> None:
    """A record of another seed, put back by somebody, is no record: nothing is there, and a new key is made over it."""
    set_up(device, 1)
    old = device.flash.read("endorsement")
    assert old is not None
    device.board.system.provision(Secret(OTHER_WORDS), Secret(b""))
    assert device.flash.read("endorsement") == old
    assert present(device) == [False, False]
    assert set_up(device, 1)
    assert present(device) == [True, False]


@pytest.mark.parametrize("place", [0, 4, 5, 12, 13, 30, -33, -1])
def test_damaged_record_gives_no_key_and_stays(device: VirtualDevice, place: int) -> None:
    """A record with a changed byte is told apart from none: both commands fail and nothing is written over it."""
    set_up(device, 1)
    manager = identified(device)
    raw = bytearray(device.flash.read("endorsement") or b"")
    raw[place] ^= 1
    device.flash.write("endorsement", bytes(raw))
    assert manager.client.exchange(call(C0, 1)).status == 0x6F00
    assert commit(manager, b"x").response.status == 0x6F00
    assert device.flash.read("endorsement") == raw
    with pytest.raises(StateCorrupt):
        keys(device).public_key(1)


def test_answers_are_those_of_the_vectors(device: VirtualDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the keys of the published vectors the answers to C0 are the published bytes, and the published C2 is taken."""
    session = device.board.system.session
    private = {name: bytes.fromhex(value) for name, value in VECTORS["keys"].items()}
    answers = VECTORS["attestation_keys"]
    manager = identified(device)
    monkeypatch.setattr(session.attestation, "_signer", KeySigner(private["device_private"]))
    for slot in (2, 1):
        monkeypatch.setattr(session.endorsement, "_rng", Given(private[f"attestation_{slot}_private"]))
        answer = manager.client.exchange(call(C0, slot))
        assert answer.data.hex() == answers[f"answer_{slot}"]
        made = EndorsedKey.from_bytes(answer.data)
        theirs = bytes.fromhex(answers[f"owner_certificate_{slot}"])
        assert certificate(made.public_key, owner=KeySigner(private["owner_private"])) == theirs
        command = bytes.fromhex(answers["commit_1"]) if slot == 1 else call(C2, data=theirs)
        assert manager.client.exchange(command).ok
        assert keys(device).certificate(slot) == theirs


def test_nothing_of_the_keys_is_in_the_flash_or_in_words(device: VirtualDevice) -> None:
    """Private keys stand in no record as they are, nor in any representation."""
    set_up(device, 1, 2)
    store = keys(device)
    private = [store._pair(slot).private.reveal() for slot in (1, 2)]
    flash = device.flash
    for record in flash.names():
        raw = flash.read(record) or b""
        assert not any(secret in raw for secret in private)
    for thing in (store, store._read(), store._pair(1)):
        assert not any(secret.hex() in repr(thing) or repr(secret) in repr(thing) for secret in private)


def test_owner_is_not_asked_for_by_the_device(device: VirtualDevice) -> None:
    """The device keeps certificates of any owner, a known one or not: who reads them judges."""
    for owner in (OWNER, STRANGER, MANAGER):
        manager = identified(device)
        made = start(manager, 1)
        pending = commit(manager, certificate(made.public_key, owner=owner))
        manager.decide(pending, agree=True)
        assert keys(device).certificate(1) == certificate(made.public_key, owner=owner)
        manager.client.close()
