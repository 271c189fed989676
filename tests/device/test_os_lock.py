"""PIN and lock: wrong, counted, wiped; locked by time, in the middle of things, and never past an app."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from os_stage import LATER_S, PIN, app, ask, call, open_name, owned, status
from signing_request import signing_apdus

from tallystick.device.secure.backoff import Rules
from tallystick.device.secure.seal import PinPolicy
from tallystick.device.secure.slot import SlotPair
from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import CommonIns, Ins

pytestmark = pytest.mark.device(pin=PIN)
WRONG = "99999"


def _wrong(device: VirtualDevice) -> None:
    device.user.enter_pin(WRONG)
    device.user.dismiss()


@pytest.mark.models("all")
def test_device_with_pin_starts_locked_and_opens_by_it(device: VirtualDevice) -> None:
    """Every command is answered 5515 until the right PIN was entered."""
    assert device.frame.scene == "pinentry"
    assert status(device, CommonIns.APP_AND_VERSION) == 0x5515
    assert status(device, Ins.GET_VERSION) == 0x5515
    device.user.enter_pin(PIN)
    assert device.status["unlocked"]
    assert open_name(device) == "BOLOS"


@pytest.mark.models("all")
def test_wrong_pin_says_how_many_tries_are_left(device: VirtualDevice) -> None:
    """A wrong PIN costs a try, the right one gives them all back."""
    device.user.enter_pin(WRONG)
    assert "2 tries left" in device.screen
    device.user.dismiss()
    device.user.enter_pin(WRONG)
    assert "1 try left" in device.screen
    device.user.dismiss()
    device.user.enter_pin(PIN)
    assert open_name(device) == "BOLOS"
    assert device.board.system.session.vault.tries_left == 3


@pytest.mark.models("all")
def test_third_wrong_pin_resets_the_device(device: VirtualDevice) -> None:
    """After the third wrong PIN the phrase, the apps and the name are gone, and the set-up begins."""
    device.user.enter_pin(PIN)
    pending = ask(device, Ins.SET_DEVICE_NAME, data=b"Till")
    device.user.approve()
    assert pending.response.ok
    device.replug()
    for _ in range(2):
        _wrong(device)
    device.user.enter_pin(WRONG)
    assert "device was reset" in device.screen
    assert owned(device.flash) == {"apps", "attestation", "model", "serial"}
    assert not device.status["onboarded"]
    assert status(device, Ins.OPEN_APP, data=b"Cosmos") == 0x6D07
    device.user.dismiss()
    assert "Welcome" in device.screen
    assert device.status["name"] != "Till"


def test_tries_are_counted_over_replugs(device: VirtualDevice) -> None:
    """Pulling the plug gives no try back: the third wrong one resets, whatever lies between."""
    for _ in range(2):
        device.user.enter_pin(WRONG)
        device.replug()
    device.user.enter_pin(WRONG)
    assert "device was reset" in device.screen


def test_device_that_lost_power_before_its_reset_finishes_it_at_start(device: VirtualDevice) -> None:
    """With no try left, what is stored is erased at the next start, before anybody is asked anything."""
    rules = Rules.of(PinPolicy.LEDGER)
    SlotPair(device.flash, "tries").write(bytes((rules.limit, rules.limit, rules.policy)))
    device.replug()
    assert "Welcome" in device.screen
    assert owned(device.flash) == {"apps", "attestation", "model", "serial"}


def test_idle_device_locks_itself_and_used_one_does_not(device: VirtualDevice) -> None:
    """Ten minutes without gesture or command lock; each of them begins the time anew."""
    device.user.enter_pin(PIN)
    for _ in range(3):
        device.turn(9 * 60)
        assert open_name(device) == "BOLOS"
    device.turn(9 * 60)
    device.user.next()
    device.turn(9 * 60)
    assert device.status["unlocked"]
    device.turn(61)
    assert not device.status["unlocked"]
    assert device.frame.scene == "pinentry"


def test_shorter_time_counts_from_the_choice(device: VirtualDevice) -> None:
    """The time chosen in the settings holds at once, also when it is shorter than what was running, and after a replug."""
    device.user.enter_pin(PIN)
    device.user.choose("Settings")
    device.user.choose("Auto-lock")
    device.user.choose("1 min")
    device.turn(61)
    assert not device.status["unlocked"]
    device.replug()
    device.user.enter_pin(PIN)
    device.turn(61)
    assert not device.status["unlocked"]


def test_never_is_never(device: VirtualDevice) -> None:
    """A device that is told never to lock does not."""
    device.user.enter_pin(PIN)
    device.user.choose("Settings")
    device.user.choose("Auto-lock")
    device.user.choose("never")
    device.turn(30 * 24 * 3600)
    assert device.status["unlocked"]


@pytest.mark.models("all")
def test_lock_device_locks_at_once(device: VirtualDevice) -> None:
    """The entry of the dashboard locks, and the keys are out of reach."""
    device.user.enter_pin(PIN)
    device.user.choose("Lock device")
    assert not device.status["unlocked"]
    assert device.board.system.session.keychain.is_empty
    assert status(device, Ins.GET_VERSION) == 0x5515


@pytest.mark.models("all")
def test_lock_in_the_middle_of_a_review_ends_it(device: VirtualDevice) -> None:
    """The client gets 5515, the PIN entry covers the app, and after unlocking the same request is reviewed anew."""
    device.user.enter_pin(PIN)
    device.open("Cosmos")
    idle = device.screen
    *chunks, last = signing_apdus()
    for chunk in chunks:
        assert device.exchange(chunk).ok
    pending = device.send(last)
    assert not pending.done
    device.turn(LATER_S)
    assert pending.response.status == 0x5515
    assert device.frame.scene == "pinentry"
    assert device.exchange(last).status == 0x5515
    device.user.enter_pin(PIN)
    assert device.screen == idle
    for chunk in chunks:
        assert device.exchange(chunk).ok
    pending = device.send(last)
    device.user.approve()
    assert pending.response.ok


def test_app_cannot_put_a_screen_over_the_pin(device_factory: Callable[..., VirtualDevice]) -> None:
    """What an app asks while the device is locked lies under the PIN entry, which stays whole and works."""
    handle = """
from tallystick.wire.syscall import Ask
try:
    await self.os.review(Review(items=(Item("A", ("b",)),)))
except SyscallError:
    pass
await self.os.choose(Choice(lines=("PIN?",), options=("0000",)))
"""
    device = device_factory(apps=[app(handle)], pin=PIN)
    device.user.enter_pin(PIN)
    device.open("Probe")
    pending = device.send("8000000000")
    device.turn(LATER_S)
    assert pending.response.status == 0x5515
    assert device.frame.scene == "pinentry"
    device.user.enter_pin(PIN)
    assert device.frame.scene == "menu"
    assert open_name(device) == "Probe"


def test_app_that_dies_while_locked_leaves_the_pin_entry(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app that ends while the device is locked changes nothing above the lock; its notice waits below."""
    device = device_factory(pin=PIN, apps=[app("await self.os.review(Review(items=()))\nreturn b''")])
    device.user.enter_pin(PIN)
    device.open("Probe")
    device.turn(LATER_S)
    device.board.system.supervisor.close("it died")
    device.board.run()
    assert device.frame.scene == "pinentry"
    device.user.enter_pin(PIN)
    assert "stopped working" in device.screen
    device.user.dismiss()
    assert open_name(device) == "BOLOS"


def test_lock_in_the_settings_leaves_them(device: VirtualDevice) -> None:
    """A device that locks itself in the middle of a change of PIN keeps the old one and returns to the dashboard."""
    device.user.enter_pin(PIN)
    home = device.screen
    device.user.choose("Settings")
    device.user.choose("Change PIN")
    device.user.enter_pin(PIN)
    device.user.enter_pin("1111")
    device.turn(LATER_S)
    assert not device.status["unlocked"]
    device.user.enter_pin(PIN)
    assert device.screen == home


def test_keys_leave_the_app_with_the_lock(device: VirtualDevice) -> None:
    """An address that was given before the lock is not given after it, although the app stays open."""
    device.user.enter_pin(PIN)
    device.open("Cosmos")
    apdu = bytes.fromhex("550400001b06636f736d6f732c00008076000080000000800000000000000000")
    assert device.exchange(apdu).ok
    device.turn(LATER_S)
    assert device.exchange(apdu).status == 0x5515
    device.user.enter_pin(PIN)
    assert device.exchange(apdu).ok


def test_locked_device_in_bootloader_tells_its_version(device: VirtualDevice) -> None:
    """A bootloader has no PIN: it answers what it is, and nothing else."""
    device.replug("left")
    assert device.exchange(call(Ins.GET_VERSION)).ok
    assert status(device, CommonIns.APP_AND_VERSION) == 0x6E00
    assert status(device, Ins.LIST_APPS) == 0x6D00
    device.replug()
    assert status(device, Ins.GET_VERSION) == 0x5515


def test_third_wrong_pin_ends_the_open_app(device: VirtualDevice) -> None:
    """An app that was open when the device locked itself is gone before its data is erased, so it writes nothing more."""
    device.user.enter_pin(PIN)
    device.open("Cosmos")
    device.turn(LATER_S)
    for _ in range(2):
        _wrong(device)
    device.user.enter_pin(WRONG)
    assert "device was reset" in device.screen
    assert device.status["app"] is None
    assert open_name(device) == "BOLOS"
