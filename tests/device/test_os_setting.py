"""The settings a person changes, and what stays over a replug."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from os_stage import PIN, app, call, open_name, owned, status

from tallystick import apps as catalogue
from tallystick.errors import StateCorrupt, UsageError
from tallystick.testing.device import TEST_SEED, VirtualDevice
from tallystick.wire.app_list import decode_app_list
from tallystick.wire.dashboard import HostOnboarding, Ins
from tallystick.wire.image import AppFlag
from tallystick.wire.model import MODELS

EXPERT = [{"name": "expert", "label": "Expert mode"}]
TOGGLE = """
name = raw[4:].decode() or "expert"
if raw[1]:
    await self.os.set_setting(name, raw[2] == 1)
return bytes([await self.os.setting(name)])
"""


def _set(device: VirtualDevice, *, on: bool) -> None:
    assert device.exchange(bytes([0x80, 1, on, 0])).ok


def _is_on(device: VirtualDevice) -> bool:
    return device.exchange("80000000").data == b"\x01"


@pytest.mark.device(pin=PIN)
@pytest.mark.models("all")
def test_pin_that_was_changed_is_the_one_that_opens(device: VirtualDevice) -> None:
    """After the change the old PIN is wrong and the new one right, and the keys are the same."""
    user = device.user
    user.enter_pin(PIN)
    user.choose("Settings")
    user.choose("Change PIN")
    user.enter_pin(PIN)
    user.enter_pin("12345678")
    user.enter_pin("12345678")
    assert "PIN changed" in device.screen
    device.replug()
    user.enter_pin(PIN)
    assert "2 tries left" in device.screen
    user.dismiss()
    user.enter_pin("12345678")
    assert open_name(device) == "BOLOS"


@pytest.mark.device(pin=PIN)
def test_three_wrong_pins_in_the_change_reset_the_device(device: VirtualDevice) -> None:
    """Whoever asks to change the PIN has the same three tries as whoever unlocks."""
    user = device.user
    user.enter_pin(PIN)
    user.choose("Settings")
    user.choose("Change PIN")
    for _ in range(2):
        user.enter_pin("9999")
        user.dismiss()
    user.enter_pin("9999")
    assert "device was reset" in device.screen
    user.dismiss()
    assert "Welcome" in device.screen
    assert owned(device.flash) == {"apps", "attestation", "model", "serial"}


@pytest.mark.models("all")
def test_reset_erases_everything_but_the_serial_number(device: VirtualDevice) -> None:
    """A reset approved on the screen leaves the device as it came out of its box."""
    serial = device.serial
    device.user.choose("Settings")
    device.user.choose("Reset device")
    device.user.approve()
    assert "Welcome" in device.screen
    assert device.serial == serial
    assert owned(device.flash) == {"apps", "attestation", "model", "serial"}
    assert status(device, Ins.LIST_APPS) == 0x6D07


@pytest.mark.models("nanos", "stax")
def test_reset_that_is_rejected_changes_nothing(device: VirtualDevice) -> None:
    """The settings are shown again, and everything is there."""
    device.user.choose("Settings")
    device.user.choose("Reset device")
    device.user.reject()
    device.user.choose("Back")
    assert device.status["onboarded"]
    device.open("Cosmos")


def test_client_that_asks_while_the_settings_are_open_is_answered(device: VirtualDevice) -> None:
    """A question of a client lies on the settings, and they are there again afterwards."""
    device.user.choose("Settings")
    screen = device.screen
    assert open_name(device) == "BOLOS"
    pending = device.send(call(Ins.LIST_APPS))
    device.user.approve()
    assert pending.response.ok
    assert device.screen == screen


def test_app_that_is_opened_closes_the_settings(device: VirtualDevice) -> None:
    """The app's menu is what the person sees, and the dashboard when it is quit."""
    home = device.screen
    device.user.choose("Settings")
    pending = device.send(call(Ins.OPEN_APP, data=b"Cosmos"))
    device.user.approve()
    assert pending.response.ok
    assert "Cosmos" in device.screen
    device.user.choose("Quit")
    assert device.screen == home


def test_settings_belong_to_one_app_and_stay_over_a_replug(device_factory: Callable[..., VirtualDevice]) -> None:
    """A setting changed in one app is not changed in another of the same setting's name."""
    device = device_factory(apps=[app(TOGGLE, name=name, settings=EXPERT) for name in ("One", "Two")], open="One")
    assert not _is_on(device)
    _set(device, on=True)
    device.open("Two")
    assert not _is_on(device)
    device.replug()
    device.open("One")
    assert _is_on(device)


def test_expert_start_is_a_default_that_a_person_can_change(device_factory: Callable[..., VirtualDevice]) -> None:
    """With expert mode given at start it is on until it is switched off, which stays."""
    device = device_factory(apps=[app(TOGGLE, settings=EXPERT)], open="Probe", expert=True)
    assert _is_on(device)
    _set(device, on=False)
    device.replug()
    device.open("Probe")
    assert not _is_on(device)


def test_setting_that_is_not_in_the_manifest_does_not_exist(device_factory: Callable[..., VirtualDevice]) -> None:
    """Neither reading nor writing it is permitted."""
    device = device_factory(apps=[app(TOGGLE, settings=EXPERT)], open="Probe")
    assert device.exchange(b"\x80\x00\x00\x00other").status == 0x6982
    assert device.exchange(b"\x80\x01\x01\x00other").status == 0x6982


def test_reinstalled_app_has_no_data_and_its_old_hashes(device_factory: Callable[..., VirtualDevice]) -> None:
    """Installing the same app again gives the same hashes and fresh storage; it moves to the end of the list."""
    bundle = app(TOGGLE, settings=EXPERT)
    device = device_factory(apps=[bundle, "cosmos"], open="Probe")
    _set(device, on=True)
    device.quit()
    before = device.board.system.session.registry.find("Probe")
    after = device.install(bundle)
    assert before is not None
    assert (before.code_hash, before.full_hash) == (after.code_hash, after.full_hash)
    assert [one.name for one in device.board.system.session.registry.apps()] == ["Cosmos", "Probe"]
    device.open("Probe")
    assert not _is_on(device)


@pytest.mark.models("all")
def test_hashes_of_the_list_are_those_of_the_image(device: VirtualDevice) -> None:
    """Code hash, full hash, blocks and flags of a list's entry come from the app's image (wire-protocol C.4, E.6)."""
    pending = device.send(call(Ins.LIST_APPS))
    device.user.approve()
    (entry,) = decode_app_list(pending.response.data)
    image, model = catalogue.bundle("cosmos").image(), MODELS[device.model]
    version = device.status["version"]
    assert entry.name == "Cosmos"
    assert entry.code_hash == image.code_hash()
    assert entry.full_hash == image.full_hash(model.target_id, version)
    assert entry.blocks == -(-(len(image.code) + len(image.parameters)) // model.block_bytes_at(version))
    assert entry.flags & AppFlag.ENABLED


def test_flash_has_an_end(device_factory: Callable[..., VirtualDevice]) -> None:
    """Apps for which there is no room are refused, and what is installed stays; removing makes room."""
    device = device_factory(model="nanos", apps=())
    registry = device.board.system.session.registry
    large = "#" + "x" * 100_000
    source = "from tallystick.app import App, start_with\nstart = start_with(App)\n" + large
    for name in ("One", "Two"):
        device.install(app(source=source, name=name))
    free = registry.memory().free
    assert free < 100_000
    with pytest.raises(UsageError, match="no room"):
        device.install(app(source=source, name="Three"))
    assert [one.name for one in registry.apps()] == ["One", "Two"]
    device.install(app(source=source + "y", name="Two"))
    registry.remove("One")
    registry.remove("One")
    assert registry.memory().free > free
    memory = registry.memory()
    assert memory.system + memory.applications + memory.free <= MODELS["nanos"].flash_bytes


def test_damaged_app_is_a_damaged_state(device: VirtualDevice) -> None:
    """An app whose record changed in flash stops the start with an error that says so, and runs nothing."""
    name = next(name for name in device.flash.names() if name.endswith(".image"))
    raw = bytearray(device.flash.read(name) or b"")
    raw[len(raw) // 2] ^= 1
    device.flash.write(name, bytes(raw[:-1]))
    with pytest.raises(StateCorrupt, match="Cosmos"):
        VirtualDevice(flash=device.flash, apps=())


def test_replug_with_a_button_starts_another_mode(device: VirtualDevice) -> None:
    """Left is the bootloader, right the recovery mode, none the dashboard; the state is the same in all."""
    device.replug("left")
    assert "Bootloader" in device.screen
    device.replug("right")
    assert "recovery mode" in device.screen
    device.replug()
    assert device.status["mode"] == "normal"
    assert device.status["onboarded"]


def test_whole_state_lives_in_flash(device: VirtualDevice) -> None:
    """Another device over the same flash is the same device: serial, name, apps and keys."""
    pending = device.send(call(Ins.SET_DEVICE_NAME, data=b"Till"))
    device.user.approve()
    assert pending.response.ok
    again = VirtualDevice(flash=device.flash, seed=TEST_SEED)
    assert (again.serial, again.status["name"]) == (device.serial, "Till")
    again.open("Cosmos")
    again.close()


@pytest.mark.device(onboarded=False)
def test_apps_are_offered_once_there_are_keys_for_them(device: VirtualDevice) -> None:
    """In recovery mode a device that was not set up shows its apps only after the host has set it up."""
    device.replug("right")
    with pytest.raises(UsageError):
        device.user.choose("Cosmos")
    message = HostOnboarding(pin=PIN.encode(), words=TEST_SEED.encode())
    assert device.exchange(call(Ins.HOST_ONBOARDING, data=message.to_bytes())).ok
    device.user.choose("Cosmos")
    assert open_name(device) == "Cosmos"
