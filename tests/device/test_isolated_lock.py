"""PIN and lock of the isolated board: entered at the panel, counted by the chip, and counted whatever the power does."""

import shutil

import pytest
from isolated_stage import Held
from up_stage import GET_ADDRESS, NAME

PIN, WRONG = "1234", "4321"
LOCKED = b"\x55\x15"


@pytest.fixture
def folder(tmp_path):
    """Name the directory of a device."""
    return tmp_path / "device"


def first(folder, home):
    """Set a locked test device up, and hold it."""
    return Held("--state", str(folder), "--app", "cosmos", "--pin", PIN, env=home)


def again(folder, home):
    """Hold the device that is there."""
    return Held("--state", str(folder), env=home, seed="")


def guess(device):
    """Enter a wrong PIN and return what the device says."""
    device.user.enter_pin(WRONG)
    said = device.screen
    device.user.dismiss()
    return said


@pytest.mark.parametrize("model", ["nanosp", "stax"])
def test_the_right_pin_at_the_panel_unlocks(home, model):
    """Clients hear 5515 until the PIN was entered by buttons or touch; then the device answers."""
    with Held("--model", model, "--pin", PIN, env=home) as device:
        assert device.exchange(NAME) == LOCKED
        assert not device.rest("GET", "/status")["unlocked"]
        device.user.enter_pin(PIN)
        assert device.rest("GET", "/status")["unlocked"]
        assert b"BOLOS" in device.exchange(NAME)


def test_pulling_the_plug_locks_again(home, folder):
    """What the PIN opened is gone with the power."""
    with first(folder, home) as device:
        device.user.enter_pin(PIN)
        assert device.rest("GET", "/status")["unlocked"]
        device.replug()
        assert device.exchange(NAME) == LOCKED
        assert device.frame.scene == "pinentry"


def test_wrong_pins_are_counted_over_every_cut_and_the_third_wipes(home, folder):
    """One wrong PIN, everything killed; another, the plug pulled; with the third one phrase and PIN are gone for good."""
    with first(folder, home) as device:
        assert "2 tries left" in guess(device)
        device.cut()
    with again(folder, home) as device:
        assert device.exchange(NAME) == LOCKED
        assert "1 try left" in guess(device)
        device.replug()
        device.user.enter_pin(WRONG)
        assert "device was reset" in device.screen
        assert not device.rest("GET", "/status")["onboarded"]
    with again(folder, home) as device:
        assert "Welcome" in device.screen
        assert not device.rest("GET", "/status")["onboarded"]
        assert len(device.exchange(GET_ADDRESS)) == 2


def test_the_right_pin_gives_the_tries_back_for_the_next_start_too(home, folder):
    """Two wrong PINs and the right one: after a cut all three tries are there again."""
    with first(folder, home) as device:
        guess(device)
        guess(device)
        device.user.enter_pin(PIN)
        assert device.rest("GET", "/status")["unlocked"]
        device.cut()
    with again(folder, home) as device:
        assert "2 tries left" in guess(device)


def test_flash_put_back_gives_no_try_back(home, folder):
    """Whoever copies the flash and puts it back after a wrong PIN gains nothing: the chip has counted."""
    with first(folder, home) as device:
        assert device.exchange(NAME) == LOCKED
        device.end()
    copy = folder.parent / "copy"
    shutil.copytree(folder / "flash", copy)
    for said in ("2 tries left", "1 try left"):
        with again(folder, home) as device:
            assert said in guess(device)
            device.cut()
        shutil.rmtree(folder / "flash")
        shutil.copytree(copy, folder / "flash")
    with again(folder, home) as device:
        device.user.enter_pin(WRONG)
        assert "device was reset" in device.screen
