"""Flash, clocks, entropy and battery: real and simulated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.hil import Flash
from tallystick.device.silicon.battery import SimulatedBattery
from tallystick.device.silicon.clock import MonotonicClock, VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng, SystemRng
from tallystick.device.silicon.flash import DirectoryFlash, MemoryFlash, check_name
from tallystick.device.silicon.nvm import ChipMemory
from tallystick.errors import LocalProtocolError, StateError, StateLocked
from tallystick.wire.dashboard import BatteryFlag, BatteryQuery


@pytest.fixture(params=["memory", "directory"])
def flash(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flash]:
    """Give flash of each kind."""
    directory = DirectoryFlash(tmp_path / "state")
    yield MemoryFlash() if request.param == "memory" else directory
    directory.close()


def test_record_is_what_was_written_last(flash: Flash) -> None:
    """Records are read back, replaced whole, listed in order and removed; removing twice is nothing."""
    assert flash.read("a") is None
    flash.write("b", b"1")
    flash.write("a", b"x" * 100_000)
    flash.write("a", b"")
    assert flash.read("a") == b""
    assert flash.names() == ["a", "b"]
    flash.remove("a")
    flash.remove("a")
    assert flash.names() == ["b"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "A", ".lock", "-a", "a" * 101, "a.tmp", "ä", "a b", "a\n"]
)
def test_name_that_is_none_is_refused(flash: Flash, name: str) -> None:
    """No name leads out of the folder, to the lock or to a leftover."""
    for use in (lambda: flash.read(name), lambda: flash.write(name, b""), lambda: flash.remove(name)):
        with pytest.raises(LocalProtocolError):
            use()


def test_names_of_the_os_fit() -> None:
    """The longest name the OS makes can be one."""
    assert check_name("app.4294967295.data-" + "ff" * 32)


def test_memory_flash_takes_its_own_copy() -> None:
    """What is changed outside afterwards is not changed in flash."""
    records, data = {"a": b"1"}, bytearray(b"2")
    flash = MemoryFlash(records)
    flash.write("b", data)
    records["a"], data[:] = b"x", b"x"
    assert (flash.read("a"), flash.read("b")) == (b"1", b"2")


def test_directory_keeps_records_and_sweeps_leftovers(tmp_path: Path) -> None:
    """What one process wrote the next reads; half a write that a cut left is swept up and is no record."""
    flash = DirectoryFlash(tmp_path)
    flash.write("a", b"1")
    flash.close()
    (tmp_path / "a.tmp").write_bytes(b"half")
    again = DirectoryFlash(tmp_path)
    assert again.names() == ["a"]
    assert not (tmp_path / "a.tmp").exists()
    again.close()


def test_directory_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """A second device over the same folder is refused until the first lets go."""
    first = DirectoryFlash(tmp_path)
    with pytest.raises(StateLocked, match="in use"):
        DirectoryFlash(tmp_path)
    first.close()
    DirectoryFlash(tmp_path).close()


def test_directory_and_records_are_the_owners_alone(tmp_path: Path) -> None:
    """Folder 0700, files 0600."""
    flash = DirectoryFlash(tmp_path / "state")
    flash.write("a", b"1")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "a").stat().st_mode & 0o777 == 0o600
    flash.close()


def test_folder_that_cannot_be_used_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """A file in place of the folder is told, with what to do."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StateError) as failed:
        DirectoryFlash(tmp_path / "file")
    assert failed.value.remedy


def test_write_that_fails_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error, and what was stored before is still there."""
    flash = DirectoryFlash(tmp_path)
    flash.write("a", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match="cannot be written"):
        flash.write("a", b"new")
    monkeypatch.undo()
    assert flash.read("a") == b"old"
    flash.close()


def test_virtual_clock_moves_by_hand_and_forward_alone() -> None:
    """Time stands still until it is turned, and is never turned back."""
    clock = VirtualClock(5.0)
    assert clock.now_s() == clock.now_s() == 5.0
    clock.turn(1.5)
    assert clock.now_s() == 6.5
    with pytest.raises(LocalProtocolError):
        clock.turn(-0.1)


def test_monotonic_clock_does_not_go_back() -> None:
    """Two readings are in order."""
    clock = MonotonicClock()
    assert clock.now_s() <= clock.now_s()


@given(seed=st.integers(0, 2**80), sizes=st.lists(st.integers(0, 100), max_size=20))
def test_repeatable_bytes_are_one_stream(seed: int, sizes: list[int]) -> None:
    """Equal numbers give equal bytes, however they are taken."""
    one, two = RepeatableRng(seed), RepeatableRng(seed)
    assert b"".join(one.read(size) for size in sizes) == two.read(sum(sizes))


def test_repeatable_bytes_are_the_known_ones() -> None:
    """The stream never changes between versions: a seed in somebody's test stays that device (SHA-256 in counter mode)."""
    import hashlib

    key = hashlib.sha256(b"tallystick repeatable rng\x07").digest()
    expected = b"".join(hashlib.sha256(key + block.to_bytes(8, "big")).digest() for block in range(3))
    assert RepeatableRng(7).read(96) == expected
    assert RepeatableRng(7).repeatable


def test_different_seeds_have_nothing_in_common() -> None:
    """Numbers that look alike give other bytes; a negative one is refused."""
    assert len({RepeatableRng(seed).read(32) for seed in (0, 1, 256, 2**64)}) == 4
    with pytest.raises(LocalProtocolError):
        RepeatableRng(-1)


def test_system_randomness_does_not_repeat() -> None:
    """Two readings of the machine's generator differ and have the size asked for."""
    rng = SystemRng()
    assert not rng.repeatable
    assert len(rng.read(32)) == 32
    assert rng.read(32) != rng.read(32)


@pytest.mark.parametrize(
    ("percent", "plugged", "expected"),
    [
        (100, True, {"PERCENT": 100, "MILLIVOLTS": 4200, "CELSIUS": 25, "MILLIAMPERES": 0, "FLAGS": 0x0A}),
        (50, True, {"PERCENT": 50, "MILLIVOLTS": 3750, "CELSIUS": 25, "MILLIAMPERES": 90, "FLAGS": 0x0B}),
        (0, False, {"PERCENT": 0, "MILLIVOLTS": 3300, "CELSIUS": 25, "MILLIAMPERES": -20, "FLAGS": 0}),
    ],
)
def test_battery_readings_go_together(percent: int, plugged: bool, expected: dict[str, int]) -> None:
    """Voltage follows charge, and it is charged while the cable is in and it is not full (flags: wire-protocol C)."""
    battery = SimulatedBattery(percent=percent, plugged=plugged)
    assert {query.name: battery.read(query) for query in BatteryQuery} == expected
    assert BatteryFlag(battery.read(BatteryQuery.FLAGS)) & BatteryFlag.CHARGING == (
        1 if plugged and percent < 100 else 0
    )


def test_battery_of_101_percent_is_a_mistake() -> None:
    """A state of charge outside 0 to 100 is the caller's bug."""
    with pytest.raises(LocalProtocolError):
        SimulatedBattery(percent=101).read(BatteryQuery.PERCENT)


def test_folder_where_others_may_write_is_none_for_a_state(tmp_path: Path) -> None:
    """Who may put files there may put an old record in place of a new one: it is refused, and says what to do."""
    tmp_path.chmod(0o777)
    with pytest.raises(StateError, match="others may write") as refused:
        DirectoryFlash(tmp_path)
    assert "chmod 700" in refused.value.remedy
    with pytest.raises(StateError, match="others may write"):
        ChipMemory.open(tmp_path, create=True)
    assert not list(tmp_path.iterdir())


def test_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    """A link that somebody left for what is written next leads nowhere: its target stays as it is."""
    target = tmp_path / "target"
    target.write_bytes(b"somebody's")
    folder = tmp_path / "state"
    flash = DirectoryFlash(folder)
    (folder / "record.tmp").symlink_to(target)
    with pytest.raises(StateError):
        flash.write("record", b"ours")
    flash.close()
    (folder / ".lock").unlink()
    (folder / ".lock").symlink_to(target)
    with pytest.raises(StateError):
        DirectoryFlash(folder)
    (folder / "memory").symlink_to(target)
    with pytest.raises(StateError):
        ChipMemory.open(folder)
    assert target.read_bytes() == b"somebody's"
