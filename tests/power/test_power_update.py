"""Updates cut off at every write: a slot that starts is always there, and it is the old or the new one, whole."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.device import boot_stage as stage

from tallystick.device.boot.chain import update
from tallystick.device.boot.explain import BootFailure
from tallystick.device.boot.slot import TRIALS, Artefacts, SlotRecord
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import RemoteProtocolError, StateError, TrustError
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.firmware import ImageRole

OLD = stage.release(version="1.0.0", security_version=1)
NEW = stage.release(version="1.1.0", security_version=2)


def _bench(flash=None):
    return stage.Bench(flash=flash or MemoryFlash())


def _provisioned():
    """Return a device that has reached READY with the old images."""
    bench = _bench()
    bench.slots.provision(OLD)
    _ready(bench)
    return bench


def _ready(bench):
    found = bench.boot()
    bench.slots.confirm(found.slot, versions=found.versions, fuses=bench.fuses)
    return found


def _update(bench, artefacts=NEW):
    return update(bench.slots, bench.fuses, artefacts, places=stage.PLACES, now_s=lambda: 0.0)


def _version(found) -> str:
    versions = {found.bootloader.header.version, found.secure_world.header.version, found.normal_world.header.version}
    assert len(versions) == 1, "images of two releases must never start together"
    return versions.pop()


def test_an_update_goes_to_the_other_slot_is_tried_and_becomes_the_one_in_use():
    """After READY the new slot is in use and its security versions are the least allowed."""
    bench = _provisioned()
    assert _update(bench) == "b"
    assert bench.slots.record == SlotRecord(active="a", trial="b", attempts=TRIALS)
    found = bench.boot()
    assert (found.slot, _version(found)) == ("b", "1.1.0")
    assert bench.slots.record.attempts == TRIALS - 1
    assert bench.fuses.state.minimum[ImageRole.SECURE_WORLD] == 1
    bench.slots.confirm(found.slot, versions=found.versions, fuses=bench.fuses)
    assert bench.slots.record == SlotRecord(active="b")
    assert bench.fuses.state.minimum == dict.fromkeys(ImageRole, 2)
    assert _update(bench, stage.release(version="1.2.0", security_version=2)) == "a"


def test_an_update_that_never_is_ready_falls_back_to_the_old_one():
    """A slot on trial gets its attempts and no more; then the old one starts again, and nothing was raised."""
    bench = _provisioned()
    _update(bench)
    assert [_version(bench.boot()) for _ in range(TRIALS + 2)] == ["1.1.0"] * TRIALS + ["1.0.0"] * 2
    assert bench.fuses.state.minimum == dict.fromkeys(ImageRole, 1)


def test_a_look_at_the_chain_uses_up_no_attempt():
    """A dry boot writes nothing."""
    bench = _provisioned()
    _update(bench)
    before = {name: bench.flash.read(name) for name in bench.flash.names()}
    for _ in range(TRIALS + 1):
        assert _version(bench.boot(is_dry=True)) == "1.1.0"
    assert {name: bench.flash.read(name) for name in bench.flash.names()} == before


def test_after_the_minimum_rose_the_old_release_starts_nowhere():
    """Neither as an update, nor from its slot when the record is turned back, nor from a copy of the whole flash."""
    bench = _provisioned()
    copy = {name: bench.flash.read(name) for name in bench.flash.names()}
    _update(bench)
    _ready(bench)
    with pytest.raises(TrustError, match="security version 1 is below 2"):
        _update(bench, OLD)
    bench.flash.write("slots", SlotRecord(active="a").to_bytes())
    assert _version(bench.boot()) == "1.1.0"
    restored = stage.Bench(chip=bench.chip, flash=MemoryFlash(copy))
    with pytest.raises(BootFailure):
        restored.boot()


def test_an_update_that_would_not_start_is_not_installed():
    """Nothing is written for a set that some check refuses."""
    bench = _provisioned()
    before = {name: bench.flash.read(name) for name in bench.flash.names()}
    for spoilt in (stage.changed(NEW, config=b"{}"), stage.release(stage.OTHER_KEYS), Artefacts()):
        with pytest.raises(TrustError, match="would not start"):
            _update(bench, spoilt)
    assert {name: bench.flash.read(name) for name in bench.flash.names()} == before


def test_fall_back_goes_only_to_a_slot_that_passes_every_check():
    """A damaged slot in use leads to the other one; when that is damaged as well, nothing starts."""
    bench = _provisioned()
    _update(bench)
    _ready(bench)
    bench.slots.install(stage.release(version="1.1.1", security_version=2))
    bench.flash.write("slots", SlotRecord(active="b").to_bytes())
    raw = bench.flash.read("slot-b.secure-world.pyz")
    bench.flash.write("slot-b.secure-world.pyz", raw[:-1] + bytes((raw[-1] ^ 1,)))
    found = bench.boot()
    assert (found.slot, _version(found)) == ("a", "1.1.1")
    bench.flash.remove("slot-a.boot.conf.sig")
    with pytest.raises(BootFailure) as caught:
        bench.boot()
    assert {one.slot for one in caught.value.stages} == {"a", "b"}


def _cuts(make, act):
    """Yield (device after the cut) for a cut at every write of `act` on flash or chip."""
    for part in ("flash", "chip"):
        for count in range(1000):
            bench = make()
            flash, chip = bench.flash, bench.chip
            faulty = FaultyFlash(getattr(bench, part), cut_after=count)
            run = stage.Bench(flash=faulty if part == "flash" else flash, chip=faulty if part == "chip" else chip)
            try:
                act(run)
            except PowerCut:
                yield stage.Bench(flash=flash, chip=chip)
            else:
                break


def test_an_update_cut_at_every_write_leaves_a_slot_that_starts():
    """From the check to the READY of the new slot: after each cut the old or the new release starts, whole."""

    def act(bench):
        _update(bench)
        _ready(bench)

    seen = []
    for bench in _cuts(_provisioned, act):
        found = _ready(bench)
        seen.append(_version(found))
        # and from there the same update goes through
        _update(bench)
        assert _version(_ready(bench)) == "1.1.0"
    assert set(seen) == {"1.0.0", "1.1.0"}
    # slots record twice, configuration away, eight artefacts, attempts, in use; three minimums in the chip
    assert len(seen) == 13 + 3


def test_a_second_update_cut_at_every_write_leaves_a_slot_that_starts():
    """Also when the other slot holds a release of before, which is replaced piece by piece."""

    def make():
        bench = _provisioned()
        _update(bench, stage.release(version="1.0.5", security_version=1))
        _ready(bench)
        return bench

    def act(bench):
        _update(bench)
        _ready(bench)

    for bench in _cuts(make, act):
        assert _version(_ready(bench)) in {"1.0.5", "1.1.0"}


def test_provisioning_cut_at_every_write_starts_nothing_or_the_release():
    """A device that is not made to the end does not start; it never starts something else."""

    def act(bench):
        bench.slots.provision(OLD)

    for bench in _cuts(_bench, act):
        with contextlib.suppress(BootFailure):
            assert _version(bench.boot()) == "1.0.0"


def test_flash_that_does_not_keep_what_is_written_is_found_out():
    """What was written is read again before the slot goes on trial."""

    class Forgetful(MemoryFlash):
        def write(self, name, data):
            super().write(name, data[:-1] if name.endswith("normal-world.pyz") else data)

    bench = _bench(Forgetful())
    with pytest.raises(StateError):
        bench.slots.install(NEW)
    assert not bench.slots.record.trial


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"\xff",
        b'{"active": "c", "trial": "", "attempts": 0}',
        b'{"active": "a", "trial": "a", "attempts": 0}',
        b'{"active": "a", "trial": "b", "attempts": 3}',
        b'{"active": "a", "trial": "b", "attempts": true}',
        b'{"active": ["a"], "trial": "", "attempts": 0}',
        b'{"active": "a", "active": "b", "trial": "", "attempts": 0}',
    ],
)  # fmt: skip
def test_an_unreadable_record_is_a_hint_less_and_no_failure(raw):
    """The record decides nothing: the device starts from a slot that passes."""
    with pytest.raises(RemoteProtocolError):
        SlotRecord.from_bytes(raw)
    bench = _provisioned()
    bench.flash.write("slots", raw)
    assert _version(bench.boot()) == "1.0.0"


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_slots_filled_with_any_mixture_start_a_whole_release_or_nothing(data):
    """Whatever pieces of two releases lie in the slots: what starts is one release, of the minimum or above."""
    bench = _provisioned()
    names = list(OLD.to_files())
    for slot in ("a", "b"):
        for name in names:
            piece = data.draw(st.sampled_from([OLD.to_files()[name], NEW.to_files()[name], b"", b"noise"]))
            bench.flash.write(f"slot-{slot}.{name}", piece)
    bench.flash.write("slots", data.draw(st.sampled_from([b"", b'{"active": "b", "trial": "a", "attempts": 2}'])))
    try:
        found = bench.boot()
    except BootFailure:
        return
    pair = found.secure_world.raw, found.normal_world.raw
    assert pair in [(one.secure_world, one.normal_world) for one in (OLD, NEW)]
