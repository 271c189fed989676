"""`E0 01` and `B0 01` byte for byte (wire-protocol C.1, C.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from os_stage import PIN, call

from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import CommonIns, Ins

# answers of real devices, from the tests of public clients (wire-protocol C.2, real vectors); the flags of ours differ:
# no certificate of the vendor (20) and no signed MCU code (02), so C4 where those have E6
REAL = {
    "nanox": "33000004 05 322e322e33 04 e4000000 04 322e3330 04 312e3136 01 00 01 00 01 00",
    "nanosp": "33100004 05 312e312e31 04 e4000000 04 342e3033 04 332e3132 01 00 01 00",
    "stax": "33200004 05 312e332e30 04 e4000000 04 352e3234 04 302e3438 01 00 01 00",
}


@pytest.mark.parametrize("model", sorted(REAL))
def test_version_of_an_unlocked_device_is_that_of_real_firmware(
    device_factory: Callable[..., VirtualDevice], model: str
) -> None:
    """Where a real answer is known, ours differs in the flags alone."""
    answer = device_factory(model=model).exchange(call(Ins.GET_VERSION))
    assert answer.data == bytes.fromhex(REAL[model])


def test_bootloader_of_nano_x_answers_as_a_real_one(device_factory: Callable[..., VirtualDevice]) -> None:
    """A bootloader gives MCU target id, its version, four bytes of flags, version and target id of the secure element."""
    device = device_factory(model="nanox", pin=PIN)
    device.replug("left")
    answer = device.exchange(call(Ins.GET_VERSION))
    assert answer.data == bytes.fromhex("05010003 04 312e3136 04 00000000 05 322e322e33 04 33000004")


@pytest.mark.parametrize(
    ("arguments", "hold", "flags"),
    [
        ({}, None, "e4000000"),
        ({}, "right", "e5000000"),
        ({"onboarded": False}, None, "60000000"),
        ({"onboarded": False}, "right", "61000000"),
        ({"provisioned": False}, None, "c4000000"),
    ],
)
def test_flags_say_the_state_of_the_device(
    device_factory: Callable[..., VirtualDevice], arguments: dict[str, bool], hold: str | None, flags: str
) -> None:
    """Byte 0 of the flags: 80 unlocked, 40 MCU serial, 20 certificate, 04 set up, 01 recovery mode."""
    device = device_factory(**arguments)
    if hold:
        device.replug(hold)
    answer = device.exchange(call(Ins.GET_VERSION)).data
    assert answer[11:15].hex() == flags


def test_early_check_is_a_step_of_the_set_up(device_factory: Callable[..., VirtualDevice]) -> None:
    """E0 03 moves byte 3 of the flags to the early check and back; once the person goes on, it is refused."""
    device = device_factory(onboarded=False)

    def step() -> int:
        return device.exchange(call(Ins.GET_VERSION)).data[14]

    assert step() == 0
    assert device.exchange(call(Ins.ONBOARDING_CHECK)).ok
    assert step() == 0x0F
    assert device.exchange(call(Ins.ONBOARDING_CHECK, 0, 1)).ok
    assert step() == 0
    device.user.choose("Set up as new")
    assert step() == 6
    assert device.exchange(call(Ins.ONBOARDING_CHECK)).status == 0x6982


@pytest.mark.models("all")
def test_open_app_is_named_with_its_version(device: VirtualDevice) -> None:
    """B0 01 gives format 01, LV name, LV version, LV flags: BOLOS with the OS's version, or the app that is open."""
    version = device.status["version"].encode()
    dashboard = b"\x01\x05BOLOS" + bytes([len(version)]) + version + b"\x01\x02"
    assert device.exchange(call(CommonIns.APP_AND_VERSION)).data == dashboard
    device.open("Cosmos")
    assert device.exchange(call(CommonIns.APP_AND_VERSION)).data == b"\x01\x06Cosmos\x072.38.13\x01\x02"
    assert device.exchange(call(CommonIns.QUIT_APP)).ok
    assert device.exchange(call(CommonIns.APP_AND_VERSION)).data == dashboard
