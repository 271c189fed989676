"""Storage that cannot be written: the person and the client are told, nothing changes, and the device lives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from os_stage import PIN, app, call, open_name

from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import StateError
from tallystick.testing.device import TEST_SEED, VirtualDevice
from tallystick.wire.dashboard import Ins
from tallystick.wire.syscall import CallStatus


class FullFlash(MemoryFlash):
    """Flash that refuses every change while it is full."""

    is_full = False

    def write(self, name: str, data: bytes) -> None:
        """Refuse, or write."""
        self._check()
        super().write(name, data)

    def remove(self, name: str) -> None:
        """Refuse, or remove."""
        self._check()
        super().remove(name)

    def _check(self) -> None:
        if self.is_full:
            raise StateError("the state directory cannot be written: No space left on device", remedy="make room")


@pytest.fixture
def flash() -> FullFlash:
    """Give flash with room in it."""
    return FullFlash()


Factory = Callable[..., VirtualDevice]


def test_pin_is_not_tried_while_tries_cannot_be_counted(device_factory: Factory, flash: FullFlash) -> None:
    """Even the right PIN opens nothing; once there is room again it does, and no try was lost."""
    device = device_factory(flash=flash, pin=PIN)
    flash.is_full = True
    device.user.enter_pin(PIN)
    assert "Storage fault:" in device.screen
    assert not device.status["unlocked"]
    device.user.dismiss()
    assert device.frame.scene == "pinentry"
    assert device.exchange("B001000000").status == 0x5515
    flash.is_full = False
    device.user.enter_pin(PIN)
    assert open_name(device) == "BOLOS"


def test_pin_that_could_not_be_changed_is_the_old_one(device_factory: Factory, flash: FullFlash) -> None:
    """The person is told, and the dashboard returns."""
    device = device_factory(flash=flash, pin=PIN)
    user = device.user
    user.enter_pin(PIN)
    home = device.screen
    user.choose("Settings")
    user.choose("Change PIN")
    user.enter_pin(PIN)
    flash.is_full = True
    user.enter_pin("2020")
    user.enter_pin("2020")
    assert "Storage fault:" in device.screen
    user.dismiss()
    assert device.screen == home
    flash.is_full = False
    device.replug()
    user.enter_pin(PIN)
    assert open_name(device) == "BOLOS"


def test_set_up_that_could_not_be_stored_begins_again(device_factory: Factory, flash: FullFlash) -> None:
    """Nothing is half set up."""
    device = device_factory(flash=flash, onboarded=False)
    user = device.user
    user.choose("Restore from words")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    user.choose("12 words")
    flash.is_full = True
    for word in TEST_SEED.split():
        user.enter_word(word)
    assert "Storage fault:" in device.screen
    user.dismiss()
    assert "Welcome" in device.screen
    assert not device.status["onboarded"]


def test_command_that_could_not_store_is_6f00(device_factory: Factory, flash: FullFlash) -> None:
    """The name stays as it was, in the answer and on the screen."""
    device = device_factory(flash=flash)
    screen = device.screen
    pending = device.send(call(Ins.SET_DEVICE_NAME, data=b"Till"))
    flash.is_full = True
    device.user.approve()
    assert pending.response.status == 0x6F00
    assert device.screen == screen
    assert device.status["name"] != "Till"


def test_app_that_cannot_store_hears_no_space(device_factory: Factory, flash: FullFlash) -> None:
    """Settings and records alike; the app lives on."""
    handle = """
status = []
for call in (self.os.write("r", b"x"), self.os.set_setting("expert", True)):
    try:
        await call
    except SyscallError as error:
        status.append(error.status)
return bytes(status)
"""
    settings = [{"name": "expert", "label": "Expert"}]
    device = device_factory(flash=flash, apps=[app(handle, settings=settings)], open="Probe")
    flash.is_full = True
    assert device.exchange("80000000").data == bytes([CallStatus.NO_SPACE] * 2)
    flash.is_full = False
    assert device.exchange("80000000").data == b""


def test_app_that_could_not_be_installed_is_not_there(device_factory: Factory, flash: FullFlash) -> None:
    """The error reaches whoever installs, and the list is as it was."""
    device = device_factory(flash=flash, apps=())
    flash.is_full = True
    with pytest.raises(StateError):
        device.install("cosmos")
    assert device.board.system.session.registry.apps() == []
    flash.is_full = False
    device.install("cosmos")
    device.open("Cosmos")
