"""Two slots, written in turns: the newer whole one counts, and damage is never taken for a record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.secure.slot import MAX_BODY, SlotPair, frame, unframe
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import LocalProtocolError, StateCorrupt
from tallystick.testing.flash import FaultyFlash, PowerCut


def test_slots_are_written_in_turns_and_the_newer_counts():
    """Each write goes to the other slot, and reading gives the last."""
    flash = MemoryFlash()
    pair = SlotPair(flash, "r")
    assert not pair.exists
    assert pair.read() is None
    for number in range(1, 5):
        pair.write(bytes((number,)))
        assert pair.read().body == bytes((number,))
        assert pair.read().sequence == number
        assert len(flash.names()) == min(number, 2)
    pair.retire()
    assert len(flash.names()) == 1
    assert pair.read().body == b"\x04"
    pair.remove()
    pair.retire()
    assert not pair.exists


def test_frame_is_sequence_body_and_crc():
    """The bytes of a slot are those of the module's description; the CRC is the common one (check value CBF43926)."""
    assert frame(0x31323334, b"56789") == b"123456789" + bytes.fromhex("cbf43926")
    assert unframe(frame(5, b"body")) == (5, b"body")


@given(body=st.binary(max_size=40), sequence=st.integers(0, 0xFFFFFFFF))
def test_cut_or_changed_slot_is_none(body, sequence):
    """A slot of any other length, or with any bit changed, does not count."""
    raw = frame(sequence, body)
    assert unframe(raw) == (sequence, body)
    for size in range(len(raw)):
        assert unframe(raw[:size]) is None
    assert unframe(raw + b"\x00") is None
    for at in range(len(raw)):
        assert unframe(raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]) is None


@pytest.mark.parametrize("damaged", ["r.a", "r.b"])
def test_one_damaged_slot_leaves_the_other(damaged):
    """With one slot unreadable the other counts, and the next write replaces the damaged one."""
    flash = MemoryFlash()
    pair = SlotPair(flash, "r")
    pair.write(b"1")
    pair.write(b"2")
    flash.write(damaged, b"???")
    assert pair.read().body == (b"2" if damaged == "r.a" else b"1")
    pair.write(b"3")
    assert pair.read().body == b"3"
    assert unframe(flash.read(damaged))[1] == b"3"


def test_two_damaged_slots_are_damage_not_emptiness():
    """Nothing readable is not the same as nothing there."""
    pair = SlotPair(MemoryFlash({"r.a": b"?", "r.b": b""}), "r")
    assert pair.read() is None
    assert pair.exists


@pytest.mark.parametrize("cut_after", range(3))
def test_cut_write_leaves_the_old_or_the_new(cut_after):
    """Wherever the power goes in a write and a retirement, the record is the old or the new one."""
    flash = MemoryFlash()
    SlotPair(flash, "r").write(b"old")
    faulty = FaultyFlash(flash, cut_after=cut_after)
    try:
        pair = SlotPair(faulty, "r")
        pair.write(b"new")
        pair.retire()
    except PowerCut:
        pass
    assert SlotPair(flash, "r").read().body == (b"old" if cut_after == 0 else b"new")


def test_flash_that_does_not_keep_what_is_written_is_found_out():
    """A write that does not stay is an error at once."""

    class Forgetful(MemoryFlash):
        def write(self, name, data):
            super().write(name, data[:-1])

    with pytest.raises(StateCorrupt):
        SlotPair(Forgetful(), "r").write(b"x")


def test_body_has_a_limit():
    """What would not fit is refused before it is written, and never read."""
    flash = MemoryFlash()
    with pytest.raises(LocalProtocolError):
        SlotPair(flash, "r").write(bytes(MAX_BODY + 1))
    assert flash.names() == []
    assert unframe(frame(1, bytes(MAX_BODY + 1))) is None
