"""Consent: yes, no, nobody waits any more, locked meanwhile; for each command that asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from os_stage import LATER_S, PIN, TOUCH, app, ask, call, open_name, status

from tallystick.testing.device import VirtualDevice
from tallystick.wire.app_list import decode_app_list
from tallystick.wire.dashboard import Ins

ASKING = [
    (Ins.SET_DEVICE_NAME, b"Till"),
    (Ins.OPEN_APP, b"Cosmos"),
    (Ins.LIST_APPS, b""),
    (Ins.REINSTALL_CONSENT, b"\x00\x01\x02\x01"),
    (Ins.IMAGE_CREATE, b"\x00\x00\x10\x00"),
]
CASES = [(model, ins, data) for model in ("nanos", *TOUCH) for ins, data in ASKING[: 5 if model in TOUCH else 4]]


@pytest.mark.parametrize(("model", "ins", "data"), CASES)
def test_yes_carries_the_command_out(
    device_factory: Callable[..., VirtualDevice], model: str, ins: Ins, data: bytes
) -> None:
    """The first option of the question lets the command happen, and 9000 says so."""
    device = device_factory(model=model)
    pending = ask(device, ins, data=data)
    device.user.approve()
    assert pending.response.ok


@pytest.mark.parametrize(("model", "ins", "data"), CASES)
def test_no_is_5501_and_changes_nothing(
    device_factory: Callable[..., VirtualDevice], model: str, ins: Ins, data: bytes
) -> None:
    """Cancel is answered 5501, and the device is as it was."""
    device = device_factory(model=model)
    before, screen = device.status, device.screen
    pending = ask(device, ins, data=data)
    device.user.reject()
    assert pending.response.status == 0x5501
    assert not pending.response.data
    assert (device.status, device.screen) == (before, screen)
    assert status(device, Ins.LIST_APPS_CONTINUE) == 0x6624
    assert open_name(device) == "BOLOS"


@pytest.mark.parametrize(("model", "ins", "data"), CASES)
def test_client_that_goes_away_takes_its_question_along(
    device_factory: Callable[..., VirtualDevice], model: str, ins: Ins, data: bytes
) -> None:
    """When nobody waits for the answer, the question vanishes and the next client, already waiting, is served."""
    device = device_factory(model=model)
    screen = device.screen
    dying, next_one = device.client(), device.client()
    dying.send(call(ins, data=data))
    waiting = next_one.send(call(Ins.GET_DEVICE_NAME))
    assert not waiting.done
    dying.close()
    assert waiting.response.ok
    assert device.screen == screen
    assert device.status["name"] != "Till"


@pytest.mark.parametrize(("model", "ins", "data"), CASES)
def test_lock_ends_the_question_with_5515(
    device_factory: Callable[..., VirtualDevice], model: str, ins: Ins, data: bytes
) -> None:
    """A device that locks itself while it asks answers 5515, shows the PIN entry, and asks nothing after it is unlocked."""
    device = device_factory(model=model, pin=PIN)
    device.user.enter_pin(PIN)
    screen = device.screen
    pending = ask(device, ins, data=data)
    device.turn(LATER_S)
    assert pending.response.status == 0x5515
    assert device.frame.scene == "pinentry"
    assert status(device, Ins.GET_DEVICE_NAME) == 0x5515
    device.user.enter_pin(PIN)
    assert device.screen == screen
    assert open_name(device) == "BOLOS"


@pytest.mark.parametrize(("model", "ins", "data"), CASES)
def test_replug_ends_the_question(
    device_factory: Callable[..., VirtualDevice], model: str, ins: Ins, data: bytes
) -> None:
    """Pulling the plug while the device asks loses the answer and nothing else."""
    device = device_factory(model=model)
    screen = device.screen
    pending = ask(device, ins, data=data)
    device.replug()
    assert not pending.done
    assert device.screen == screen
    assert open_name(device) == "BOLOS"


def test_name_set_is_the_name_shown_and_told(device: VirtualDevice) -> None:
    """After consent the new name is in the answer, on the dashboard, and there after a replug."""
    pending = ask(device, Ins.SET_DEVICE_NAME, data="Zählstab".encode())
    pages = device.user.approve()
    assert any("Zählstab" in page.value + page.title for page in pages)
    assert pending.response.ok
    assert device.screen[0] == "Zählstab"
    device.replug()
    assert device.exchange(call(Ins.GET_DEVICE_NAME)).data == "Zählstab".encode()


def test_list_is_allowed_once_for_a_client_and_comes_in_pages(device_factory: Callable[..., VirtualDevice]) -> None:
    """One consent lets one client read the list as often as it wants; another client asks for itself."""
    bundles = [app(name=f"App {number}") for number in range(5)]
    device = device_factory(apps=bundles)
    first = device.client()
    pending = first.send(call(Ins.LIST_APPS))
    device.user.approve()
    page, names = pending.response.data, []
    while page:
        names += [entry.name for entry in decode_app_list(page)]
        page = first.exchange(call(Ins.LIST_APPS_CONTINUE)).data
    assert names == [f"App {number}" for number in range(5)]
    assert first.exchange(call(Ins.LIST_APPS)).ok
    assert device.client().exchange(call(Ins.LIST_APPS_CONTINUE)).status == 0x6624
    assert not device.client().send(call(Ins.LIST_APPS)).done


def test_list_of_no_apps_is_empty(device_factory: Callable[..., VirtualDevice]) -> None:
    """A device without apps answers an empty list at once."""
    device = device_factory(apps=())
    pending = ask(device, Ins.LIST_APPS)
    device.user.approve()
    assert (pending.response.data, pending.response.ok) == (b"", True)


def test_target_id_ends_what_the_client_was_allowed(device: VirtualDevice) -> None:
    """E0 04 begins a new session: the consent to list the apps is gone."""
    pending = ask(device, Ins.LIST_APPS)
    device.user.approve()
    assert pending.response.ok
    assert device.exchange(call(Ins.VALIDATE_TARGET_ID, data=bytes.fromhex("33100004"))).ok
    assert status(device, Ins.LIST_APPS_CONTINUE) == 0x6624


def test_library_cannot_be_opened(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app that is not for running is not on the dashboard and is not found by name."""
    device = device_factory(apps=[app(flags=["hidden"])])
    assert status(device, Ins.OPEN_APP, data=b"Probe") == 0x6807
