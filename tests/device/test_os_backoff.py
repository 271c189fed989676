"""Waits after wrong PINs, as the person sees them: shown, not to be skipped, and given up where that is possible."""

from __future__ import annotations

import pytest
from os_stage import PIN, call, open_name

from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import CommonIns

pytestmark = pytest.mark.device(pin=PIN, pin_policy="backoff")
WRONG = "99999"


def _wrong(device: VirtualDevice, times: int) -> None:
    for number in range(times):
        device.turn((1 << number) - 1)
        device.user.enter_pin(WRONG)
        device.user.dismiss()


@pytest.mark.models("all")
def test_wait_is_shown_and_counts_down(device: VirtualDevice) -> None:
    """After wrong PINs the screen says how long to wait; the PIN is asked for when the time is over and not before."""
    _wrong(device, 2)
    assert device.frame.scene == "progress"
    assert "3 s" in " ".join(device.screen)
    device.turn(1)
    assert "2 s" in " ".join(device.screen)
    assert device.exchange(call(CommonIns.APP_AND_VERSION)).status == 0x5515
    device.turn(2)
    assert device.frame.scene == "pinentry"
    device.user.enter_pin(PIN)
    assert open_name(device) == "BOLOS"


def test_wrong_pin_says_how_many_of_sixteen_are_left(device: VirtualDevice) -> None:
    """The count goes down from fifteen, and a right PIN gives all of them back."""
    device.user.enter_pin(WRONG)
    assert "15 tries left" in device.screen
    device.user.dismiss()
    device.turn(1)
    device.user.enter_pin(PIN)
    assert device.board.system.session.vault.tries_left == 16


def test_power_cycle_begins_the_wait_anew(device: VirtualDevice) -> None:
    """Pulling the plug in the middle of a wait shortens nothing: the whole of it runs again."""
    _wrong(device, 4)
    device.turn(14)
    assert "1 s" in " ".join(device.screen)
    device.replug()
    assert "15 s" in " ".join(device.screen)
    device.turn(14)
    assert device.frame.scene == "progress"
    device.turn(1)
    assert device.frame.scene == "pinentry"


def test_long_wait_is_told_in_minutes_and_hours(device: VirtualDevice) -> None:
    """The fifteenth wrong PIN is followed by nine hours, told as such."""
    _wrong(device, 15)
    assert "9 h 07 min" in " ".join(device.screen)
    device.turn(60)
    assert "9 h 06 min" in " ".join(device.screen)
    device.turn(32767 - 60)
    assert device.frame.scene == "pinentry"


def test_sixteenth_wrong_pin_resets(device: VirtualDevice) -> None:
    """The last wrong PIN resets the device and says so."""
    _wrong(device, 15)
    device.turn(32767)
    device.user.enter_pin(WRONG)
    assert "16 wrong PINs:" in device.screen
    assert not device.status["onboarded"]


def test_wait_for_a_change_of_pin_can_be_given_up(device: VirtualDevice) -> None:
    """Who changes the PIN waits by the same rules, and may leave it instead; nothing was tried by that."""
    device.user.enter_pin(PIN)
    device.user.choose("Settings")
    device.user.choose("Change PIN")
    device.user.enter_pin(WRONG)
    device.user.dismiss()
    assert "1 s" in " ".join(device.screen)
    assert device.frame.scene == "notice"
    device.user.dismiss()
    assert device.frame.scene == "menu"
    assert device.board.system.session.vault.tries_left == 15
    device.user.choose("Change PIN")
    device.turn(1)
    device.user.enter_pin(PIN)
    device.user.enter_pin("2020")
    device.user.enter_pin("2020")
    assert "PIN changed" in device.screen


def test_lock_in_the_middle_of_a_wait_leaves_it(device: VirtualDevice) -> None:
    """A device that locks itself while a change of PIN waits shows its lock, and the wait goes on there."""
    device.user.enter_pin(PIN)
    device.user.choose("Settings")
    device.user.choose("Change PIN")
    for wait in (0, 1, 3, 7, 15, 31, 63, 127, 255, 511):
        device.turn(wait)
        device.user.enter_pin(WRONG)
        device.user.dismiss()
    device.turn(11 * 60)
    assert not device.status["unlocked"]
    assert device.frame.scene == "progress"
    device.turn(1023 - 11 * 60)
    device.user.enter_pin(PIN)
    assert device.status["unlocked"]
