"""What a device knows while an update is on its way: little, behind its PIN; and what its bootloader takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from os_stage import PIN, call, data, status

from tallystick.device.boot.pending import Pending
from tallystick.device.os.mcu_flash import BASE
from tallystick.errors import TrustError
from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import Ins
from tallystick.wire.firmware import MAX_PACKAGE
from tallystick.wire.loader import Boot, CheckCrc, Flush, Load, SetLoadOffset, crc16
from tallystick.wire.version import BootloaderInfo, SecureElementInfo

MANAGER = b"\x04" + bytes(64)
TARGET = 0x05010003


class Store:
    """A board's store with an update on its way, that takes one Normal World."""

    def __init__(self, *, has_normal_world: bool = False) -> None:
        self.pending = Pending(version="1.2.0", manager=MANAGER, mcu_version="4.04" if has_normal_world else "")
        self.is_over = False
        self.given: list[bytes] = []

    def put_normal_world(self, raw: bytes) -> Pending:
        """Take the right one."""
        self.given.append(raw)
        if raw != b"the right world":
            raise TrustError("another")
        self.pending = replace(self.pending, mcu_version="4.04")
        return self.pending

    def forget(self) -> None:
        """Forget the update."""
        self.pending = None


def in_update(device: VirtualDevice, **given) -> Store:
    """Let the device find an update on its way at its next start, and start it."""
    store = Store(**given)
    board = device.board
    board._hardware = replace(board._hardware, updates=store)
    device.replug()
    return store


def bootloader(device: VirtualDevice, *commands, select: bool = True) -> list[int]:
    """Return the status words of the plain commands of a bootloader."""
    words = [status(device, Ins.VALIDATE_TARGET_ID, data=TARGET.to_bytes(4, "big"))] if select else []
    return words + [status(device, Ins.CHANNEL, data=command.to_bytes()) for command in commands]


def test_an_upgrader_says_so_and_knows_little(device_factory):
    """Version with -osu and the new MCU's; neither apps nor settings nor the name of the dashboard."""
    device = device_factory()
    in_update(device, has_normal_world=True)
    info = SecureElementInfo.from_bytes(data(device, Ins.GET_VERSION))
    assert (info.version, info.mcu_version, info.is_osu) == ("1.2.0-osu", "4.04", True)
    assert device.exchange("b001000000").status == 0x6E00
    for ins in (Ins.LIST_APPS, Ins.OPEN_APP, Ins.GET_DEVICE_NAME, Ins.STORAGE_BACKUP, Ins.HOST_ONBOARDING):
        assert status(device, ins) == 0x6D00
    assert status(device, Ins.CHANNEL_NONCE, data=bytes(8)) == 0x6985


def test_an_upgrader_is_locked_like_the_device(device_factory):
    """Nothing is answered before the PIN; the seed is behind it as ever."""
    device = device_factory(pin=PIN)
    in_update(device, has_normal_world=True)
    assert status(device, Ins.GET_VERSION) == 0x5515
    device.user.enter_pin(PIN)
    assert SecureElementInfo.from_bytes(data(device, Ins.GET_VERSION)).is_osu


@pytest.mark.parametrize("has_normal_world", [False, True])
def test_an_update_is_given_up_on_the_screen(device_factory, has_normal_world):
    """The way back is on the screen of bootloader and upgrader; the device starts with the release it has."""
    device = device_factory()
    in_update(device, has_normal_world=has_normal_world)
    assert device.status["mode"] == ("upgrader" if has_normal_world else "bootloader")
    device.user.choose("Cancel update")
    device.user.choose("Keep")
    assert device.status["mode"] != "normal"
    device.user.choose("Cancel update")
    device.user.choose("Cancel update")
    assert device.status["mode"] == "normal"
    assert SecureElementInfo.from_bytes(data(device, Ins.GET_VERSION)).version == "1.1.1"


def test_the_bootloader_comes_by_itself_while_a_normal_world_is_missing(device_factory):
    """It says which release is on its way; held by its left button it comes also later."""
    device = device_factory()
    in_update(device)
    info = BootloaderInfo.from_bytes(data(device, Ins.GET_VERSION))
    assert (info.target_id, info.se_version, info.se_target_id) == (TARGET, "1.2.0-osu", 0x33100004)
    in_update(device, has_normal_world=True)
    device.replug("left")
    assert device.status["mode"] == "bootloader"


def test_a_normal_world_is_taken_in_any_order_of_its_parts(device_factory):
    """Areas and chunks from the top down, parts twice: what counts is the memory at the boot command."""
    device = device_factory()
    store = in_update(device)
    world = b"the right world"
    words = bootloader(
        device,
        SetLoadOffset(address=BASE + 8),
        Load(offset=2, data=world[10:]),
        Load(offset=0, data=world[8:10]),
        SetLoadOffset(address=BASE),
        Load(offset=0, data=b"something else"),
        Load(offset=0, data=world),
        Flush(),
        CheckCrc(length=len(world), crc=crc16(world)),
        Boot(address=BASE | 1),
    )
    assert set(words) == {0x9000}
    assert store.given == [world]
    device.turn(1)
    assert device.status["mode"] == "upgrader"


def test_nothing_is_answered_between_the_last_command_of_a_step_and_the_restart(device_factory):
    """A client that asks at once what the device is hears nothing of what it was, and after the restart what it is."""
    device = device_factory()
    in_update(device)
    world = b"the right world"
    words = bootloader(device, SetLoadOffset(address=BASE), Load(offset=0, data=world), Flush(), Boot(address=BASE | 1))
    assert set(words) == {0x9000}
    asked = device.send("e001000000")
    assert not asked.done
    device.turn(1)
    assert SecureElementInfo.from_bytes(data(device, Ins.GET_VERSION)).is_osu


def test_a_wrong_normal_world_leaves_the_bootloader_waiting(device_factory):
    """It is refused and forgotten; the right one is taken afterwards."""
    device = device_factory()
    store = in_update(device)
    begin = SetLoadOffset(address=BASE)
    assert bootloader(device, begin, Load(offset=0, data=b"x" * 200), Boot(address=BASE | 1))[-1] == 0x6984
    assert device.status["mode"] == "bootloader"
    words = bootloader(device, begin, Load(offset=0, data=b"the right world"), Boot(address=BASE | 1), select=False)
    assert words == [0x9000] * 3
    assert store.given[1] == b"the right world"


@pytest.mark.parametrize(
    ("commands", "refusal"),
    [
        ([Load(offset=0, data=b"x")], 0x6985),
        ([Flush()], 0x6985),
        ([SetLoadOffset(address=BASE - 1)], 0x680B),
        ([SetLoadOffset(address=BASE + MAX_PACKAGE + 1)], 0x680B),
        ([SetLoadOffset(address=0xFFFFFFFF)], 0x680B),
        ([SetLoadOffset(address=BASE + MAX_PACKAGE), Load(offset=0, data=b"x")], 0x5103),
        ([SetLoadOffset(address=BASE), CheckCrc(length=1, crc=0)], 0x680B),
        ([SetLoadOffset(address=BASE), CheckCrc(length=0xFFFFFFFF, crc=0)], 0x680B),
        ([SetLoadOffset(address=BASE), Load(offset=0, data=b"x"), CheckCrc(length=1, crc=0)], 0x6984),
        ([Boot(address=BASE | 1)], 0x6984),
        ([Boot(address=BASE + 16)], 0x680B),
    ],
)
def test_what_cannot_be_is_refused(device_factory, commands, refusal):
    """Addresses outside, commands out of order, a wrong CRC: each its status, and the bootloader stays."""
    device = device_factory()
    in_update(device)
    assert bootloader(device, *commands)[-1] == refusal
    assert device.status["mode"] == "bootloader"


def test_nothing_is_taken_without_an_update_or_for_another_target(device_factory):
    """A bootloader that was asked for by its button has nothing to repair with."""
    device = device_factory()
    device.replug("left")
    assert bootloader(device, SetLoadOffset(address=BASE)) == [0x9000, 0x6985]
    assert status(device, Ins.VALIDATE_TARGET_ID, data=bytes.fromhex("33100004")) == 0x6484
    in_update(device)
    assert bootloader(device, SetLoadOffset(address=BASE), select=False) == [0x6985]


def test_a_second_client_begins_its_own_memory(device_factory):
    """Whoever selects the target last is served; the other one is told, and mixes nothing in."""
    device = device_factory()
    store = in_update(device)
    bootloader(device, SetLoadOffset(address=BASE), Load(offset=0, data=b"foreign"))
    other = device.client()
    target = call(Ins.VALIDATE_TARGET_ID, data=TARGET.to_bytes(4, "big"))
    for raw in (target, call(Ins.CHANNEL, data=SetLoadOffset(address=BASE).to_bytes())):
        assert other.exchange(raw).status == 0x9000
    assert bootloader(device, Flush(), select=False) == [0x6985]
    load, boot = Load(offset=0, data=b"the right world"), Boot(address=BASE | 1)
    for command in (load, boot):
        assert other.exchange(call(Ins.CHANNEL, data=command.to_bytes())).status == 0x9000
    assert store.given == [b"the right world"]


@settings(max_examples=60, deadline=None)
@given(raws=st.lists(st.binary(max_size=40).map(lambda raw: raw or b"\5"), max_size=12))
def test_any_bytes_leave_a_bootloader_that_serves(raws):
    """Whatever comes in plain commands has an answer, and nothing starts."""
    device = VirtualDevice(model="nanosp")
    in_update(device)
    bootloader(device)
    for raw in raws:
        assert device.exchange(call(Ins.CHANNEL, data=raw)).status
    assert BootloaderInfo.from_bytes(data(device, Ins.GET_VERSION)).target_id == TARGET
    assert device.status["mode"] == "bootloader"
    device.close()
