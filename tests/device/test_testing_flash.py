"""Flash that loses power, under a whole device."""

import pytest

from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import LocalProtocolError
from tallystick.testing import FaultyFlash, PowerCut, VirtualDevice


def test_the_count_of_writes_is_durable_and_no_more():
    """After the n-th change the next one does not happen; nothing works until the power is back."""
    inner = MemoryFlash({"old": b"0"})
    flash = FaultyFlash(inner, cut_after=2)
    flash.write("a", b"1")
    flash.remove("old")
    with pytest.raises(PowerCut):
        flash.write("b", b"2")
    assert flash.is_cut
    assert flash.changes == 2
    for use in (lambda: flash.read("a"), flash.names, lambda: flash.write("c", b"3"), lambda: flash.remove("a")):
        with pytest.raises(PowerCut):
            use()
    assert inner.names() == ["a"]
    flash.restore(cut_after=1)
    assert flash.read("a") == b"1"
    flash.write("b", b"2")
    with pytest.raises(PowerCut):
        flash.remove("a")
    assert inner.names() == ["a", "b"]


def test_flash_that_is_never_cut_only_counts():
    """Without a number nothing fails, and the changes are counted."""
    flash = FaultyFlash(MemoryFlash())
    for number in range(5):
        flash.write("record", bytes([number]))
    assert flash.changes == 5
    assert flash.read("record") == b"\x04"
    assert flash.names() == ["record"]


def test_a_negative_count_is_refused():
    """A cut before the beginning is an error of the caller."""
    with pytest.raises(LocalProtocolError):
        FaultyFlash(MemoryFlash(), cut_after=-1)


def rename(device):
    """Rename a device with the consent of its person; give the pending answer."""
    pending = device.send(b"\xe0\xd4\x00\x00\x05Alice")
    device.user.approve()
    return pending


def test_a_rename_cut_at_any_write_leaves_one_of_the_two_names(device):
    """However many writes of a renaming come through, the device starts again with its old name or its new one."""
    flash = FaultyFlash(device.flash)
    whole = VirtualDevice(flash=flash)
    before = flash.changes
    assert rename(whole).response.ok
    total = flash.changes - before
    assert total > 0
    for count in range(total):
        victim = VirtualDevice(deterministic_rng=count)
        cut = FaultyFlash(victim.flash)
        victim.close()
        victim = VirtualDevice(flash=cut)
        cut.restore(cut_after=count)
        with pytest.raises(PowerCut):
            rename(victim)
        cut.restore()
        again = VirtualDevice(flash=cut)
        assert again.status["name"] in {"Nano S+", "Alice"}
        assert again.status["onboarded"]
        assert again.exchange("B001000000").ok


def test_the_same_device_starts_again_after_a_cut(device):
    """A device whose power went is plugged in again like any other."""
    flash = FaultyFlash(device.flash)
    victim = VirtualDevice(flash=flash)
    flash.restore(cut_after=0)
    with pytest.raises(PowerCut):
        rename(victim)
    flash.restore()
    victim.replug()
    assert victim.status["name"] == "Nano S+"
    assert victim.exchange("B001000000").ok
