"""Secrets: a planted seed and PIN are in no log, no repr, no exception, no status, no frame and no flash."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from os_stage import LATER_S, call
from signing_request import begin_signing

from tallystick.crypto import bip39
from tallystick.crypto.secret import Secret
from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import HostOnboarding, Ins

SEED = "vivid zebra velvet zebra vivid zebra velvet zebra vivid zebra velvet lend"
WORDS = tuple(f"{word}" for word in ("vivid", "zebra", "velvet"))
PIN = "90817263"


def _seed() -> str:
    """Return a valid sentence of words that appear nowhere else."""
    stem = SEED.split()[:11]
    return next(s for word in bip39.words() if bip39.validate(s := " ".join([*stem, word])) is None)


def _raw_forms(seed: str) -> list[bytes]:
    secret = bip39.seed(seed, "").reveal()
    entropy = bip39.entropy_from_sentence(seed).reveal()
    return [secret, secret.hex().encode(), entropy, entropy.hex().encode(), seed.encode(), PIN.encode()]


def _life(device: VirtualDevice) -> list[str]:
    """Use the device in every way that touches secrets; return every text a person saw, but for its own words."""
    seen: list[str] = []
    user = device.user
    seen += device.screen
    user.enter_pin("1234")
    seen += device.screen
    user.dismiss()
    for digit in PIN:
        user._key((digit,))
        seen += device.screen
    user._key(("confirm",))
    device.open("Cosmos")
    pending = begin_signing(device)
    seen += [text for page in user.approve() for text in page]
    assert pending.response.ok
    device.exchange("5504FFFF05")
    device.quit()
    user.choose("Settings")
    user.choose("Change PIN")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    seen += device.screen
    user.dismiss()
    device.turn(LATER_S)
    device.replug()
    return seen


@pytest.mark.models("nanos", "stax")
def test_planted_seed_and_pin_appear_nowhere(
    device_factory: Callable[..., VirtualDevice], caplog: pytest.LogCaptureFixture
) -> None:
    """A whole life of a device, logged at the finest level, gives neither words nor digits away."""
    caplog.set_level(1)
    seed = _seed()
    device = device_factory(seed=seed, pin=PIN)
    seen = _life(device)
    device.user.enter_pin(PIN)
    session = device.board.system.session
    texts = "\n".join(
        [
            caplog.text,
            *seen,
            str(device.status),
            repr(device.board),
            repr(session),
            repr(session.vault),
            repr(session.keychain),
            repr(vars(session.keychain)),
            repr(vars(session.vault)),
            repr(device.apdu_log),
            device.apdu_log.to_text(),
        ]
    )
    for word in WORDS:
        assert word not in texts
    assert PIN not in texts
    for form in _raw_forms(seed):
        assert form not in texts.encode()
        for name in device.flash.names():
            assert form not in (device.flash.read(name) or b""), f"a secret is in the record {name}"


def test_host_onboarding_is_in_no_text(
    device_factory: Callable[..., VirtualDevice], caplog: pytest.LogCaptureFixture
) -> None:
    """PIN and words that came over the wire are in no repr and no log, nor are those that were refused."""
    caplog.set_level(1)
    seed = _seed()
    device = device_factory(onboarded=False)
    device.replug("right")
    for words in (seed + " zebra", seed):
        message = HostOnboarding(pin=PIN.encode(), words=words.encode())
        device.exchange(call(Ins.HOST_ONBOARDING, data=message.to_bytes()))
        assert "zebra" not in repr(message)
    texts = caplog.text + device.apdu_log.to_text() + repr(device.apdu_log[0]) + str(device.status)
    assert device.status["onboarded"]
    assert "zebra" not in texts
    assert PIN not in texts


@pytest.mark.device(pin=PIN)
def test_lock_wipes_the_seed(device: VirtualDevice) -> None:
    """After the lock no secret of the device that is still alive can be read."""
    device.user.enter_pin(PIN)
    keychain = device.board.system.session.keychain
    seed = keychain._seed
    assert seed is not None
    assert not seed.wiped
    device.user.choose("Lock device")
    assert seed.wiped
    assert keychain._master is None


@pytest.mark.device(pin=PIN)
def test_pins_and_phrases_are_wiped_after_use(device: VirtualDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unlocking, locking and changing the PIN wipe every PIN and every phrase they made."""
    made: list[Secret] = []
    begin = Secret.__init__

    def note(self: Secret, data: bytes) -> None:
        begin(self, data)
        made.append(self)

    monkeypatch.setattr(Secret, "__init__", note)
    user = device.user
    user.enter_pin("1111")
    user.dismiss()
    user.enter_pin(PIN)
    user.choose("Settings")
    user.choose("Change PIN")
    user.enter_pin(PIN)
    user.enter_pin("2222")
    user.enter_pin("3333")
    user.dismiss()
    user.enter_pin("4444")
    user.enter_pin("4444")
    user.dismiss()
    readable = [one.reveal() for one in made if not one.wiped]
    assert len(made) > len(readable)
    assert not [one for one in readable if one.isdigit() or b" junk" in one]


@pytest.mark.device(pin=PIN)
def test_crash_of_a_command_logs_its_type_alone(
    device: VirtualDevice, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is 6F00, logged without what it was about, and the device lives."""
    caplog.set_level(logging.DEBUG)
    device.user.enter_pin(PIN)

    def fail(_name: str) -> None:
        raise ZeroDivisionError(PIN)

    monkeypatch.setattr(device.board.system.session.registry, "find", fail)
    answer = device.exchange(call(Ins.OPEN_APP, data=b"Cosmos"))
    assert (answer.status, answer.data) == (0x6F00, b"")
    assert "ZeroDivisionError" in caplog.text
    assert PIN not in caplog.text
    assert device.exchange("B001000000").ok
