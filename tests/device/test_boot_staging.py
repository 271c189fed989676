"""Updates in three steps: what is taken, what is refused, and that nothing of the old release is touched before the end."""

from __future__ import annotations

import pytest
from tests.device.boot_stage import KEYS, OTHER_KEYS, PLACES, changed, image
from tests.device.update_stage import LIGHT, MANAGER, NEW, OLD, made, package, provisioned, ready

from tallystick.device.boot.chain import update
from tallystick.device.boot.pending import NotNewer, Pending
from tallystick.errors import TrustError
from tallystick.wire.firmware import ARTEFACTS, ImageRole
from tallystick.wire.firmware_package import PackageKind

OSU, MCU, FINAL, WHOLE = PackageKind


def _slots(bench):
    return {name: bench.flash.read(name) for name in bench.flash.names() if name.startswith("slot")}


def _version(found):
    return found.secure_world.header.version, found.normal_world.header.version


def test_three_steps_bring_the_new_release():
    """First the small artefacts, then the Normal World, then the Secure World; the slots are touched by the last alone."""
    bench = provisioned()
    _found, staging = ready(bench)
    before = _slots(bench)
    assert staging.pending is None
    assert staging.begin(package(OSU, NEW), manager=MANAGER) == Pending(version="1.1.0", manager=MANAGER)
    assert not staging.pending.has_normal_world
    assert staging.put_normal_world(package(MCU, NEW)).mcu_version == "4.04"
    assert _slots(bench) == before
    assert staging.finish(package(FINAL, NEW)) == "b"
    found, staging = ready(bench)
    assert _version(found) == ("1.1.0", "4.04")
    assert staging.is_over
    assert staging.pending is None
    staging.forget()
    assert not [name for name in bench.flash.names() if name.startswith("update")]
    assert not staging.is_over


def test_a_release_with_the_normal_world_that_runs_needs_no_second_step():
    """Its Normal World is there already, and is copied with the last step."""
    bench = provisioned()
    _found, staging = ready(bench)
    pending = staging.begin(package(OSU, LIGHT), manager=MANAGER)
    assert pending.mcu_version == "4.03"
    assert pending.has_normal_world
    staging.finish(package(FINAL, LIGHT))
    assert _version(ready(bench)[0]) == ("1.1.0", "4.03")


def test_a_first_step_that_brings_the_last_needs_no_last():
    """With its Normal World the release is whole, and on trial; nothing is touched before."""
    bench = provisioned()
    _found, staging = ready(bench)
    before = _slots(bench)
    assert not staging.begin(package(WHOLE, NEW), manager=MANAGER).has_normal_world
    assert _slots(bench) == before
    assert staging.put_normal_world(package(MCU, NEW)).mcu_version == "4.04"
    found, staging = ready(bench)
    assert _version(found) == ("1.1.0", "4.04")
    assert staging.is_over


def test_a_first_step_that_brings_the_last_may_be_the_only_one():
    """With the Normal World that runs nothing is missing."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(WHOLE, LIGHT), manager=MANAGER)
    assert _version(ready(bench)[0]) == ("1.1.0", "4.03")


@pytest.mark.parametrize(
    "spoilt",
    [
        changed(LIGHT, secure_world=OLD.secure_world),
        changed(LIGHT, secure_world=LIGHT.secure_world + b"x"),
        changed(LIGHT, normal_world_signature=OTHER_KEYS.normal.sign(LIGHT.normal_world, comment="x")),
    ],
)
def test_a_first_step_that_brings_a_wrong_last_one_is_refused_and_nothing_is_kept(spoilt):
    """Another Secure World than the configuration's, and what the boot would refuse: the flash is as it was."""
    bench = provisioned()
    _found, staging = ready(bench)
    before = {name: bench.flash.read(name) for name in bench.flash.names()}
    with pytest.raises(TrustError):
        staging.begin(package(WHOLE, spoilt), manager=MANAGER)
    assert {name: bench.flash.read(name) for name in bench.flash.names()} == before


def test_a_whole_release_that_never_is_ready_waits_for_a_last_step():
    """It is not tried again by itself, or the device would never start anything else; sent again, the last step is taken."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(WHOLE, LIGHT), manager=MANAGER)
    bench.boot()
    bench.boot()
    found, staging = ready(bench)
    assert _version(found) == ("1.0.0", "4.03")
    assert staging.pending.has_normal_world
    staging.finish(package(FINAL, LIGHT))
    assert _version(ready(bench)[0]) == ("1.1.0", "4.03")


def test_an_update_on_its_way_survives_a_restart_and_can_be_forgotten():
    """Each start finds it as it was left; forgotten, nothing of it remains and the old release goes on."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, NEW), manager=MANAGER)
    found, staging = ready(bench)
    assert _version(found) == ("1.0.0", "4.03")
    assert staging.pending == Pending(version="1.1.0", manager=MANAGER)
    staging.put_normal_world(package(MCU, NEW))
    _found, staging = ready(bench)
    assert staging.pending.has_normal_world
    staging.forget()
    assert ready(bench)[1].pending is None
    assert not [name for name in bench.flash.names() if name.startswith("update")]


def test_a_second_update_takes_the_place_of_the_first():
    """What came for another release is not used for this one."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, NEW), manager=MANAGER)
    staging.put_normal_world(package(MCU, NEW))
    other = made("1.2.0", mcu="4.05", security_version=2)
    assert not staging.begin(package(OSU, other), manager=MANAGER).has_normal_world
    with pytest.raises(TrustError):
        staging.finish(package(FINAL, NEW))
    staging.put_normal_world(package(MCU, other))
    staging.finish(package(FINAL, other))
    assert _version(ready(bench)[0]) == ("1.2.0", "4.05")


def test_the_same_first_step_again_keeps_the_normal_world_that_came():
    """A client that begins anew need not flash again."""
    _found, staging = ready(provisioned())
    staging.begin(package(OSU, NEW), manager=MANAGER)
    staging.put_normal_world(package(MCU, NEW))
    assert staging.begin(package(OSU, NEW), manager=MANAGER).has_normal_world


@pytest.mark.parametrize(
    "spoilt",
    [
        changed(NEW, bootloader=NEW.bootloader + b"x"),
        changed(NEW, bootloader_signature=KEYS.config.sign(NEW.bootloader, comment="x")),
        changed(NEW, config=NEW.config.replace(b"1.1.0", b"1.1.1")),
        changed(NEW, config_signature=KEYS.normal.sign(NEW.config, comment="x")),
        changed(NEW, key_table=bytes(168)),
        changed(NEW, key_table=b""),
        made("1.1.0", keys=OTHER_KEYS),
    ],
)
def test_a_first_step_that_the_boot_would_refuse_is_refused(spoilt):
    """Other keys, other bytes, signatures of another place: nothing is written."""
    bench = provisioned()
    _found, staging = ready(bench)
    before = {name: bench.flash.read(name) for name in bench.flash.names()}
    with pytest.raises(TrustError):
        staging.begin(package(OSU, spoilt), manager=MANAGER)
    assert {name: bench.flash.read(name) for name in bench.flash.names()} == before


@pytest.mark.parametrize("older", [OLD, made("0.9.9"), made("0.9.9", security_version=5)])
def test_a_release_that_is_not_newer_is_refused(older):
    """The very one that runs and any of a lower version, whatever its security version."""
    _found, staging = ready(provisioned())
    with pytest.raises(NotNewer):
        staging.begin(package(OSU, older), manager=MANAGER)
    assert staging.pending is None


def test_a_release_below_the_least_security_version_is_refused():
    """A higher version does not make up for a security version that the device has left behind."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, NEW), manager=MANAGER)
    staging.put_normal_world(package(MCU, NEW))
    staging.finish(package(FINAL, NEW))
    _found, staging = ready(bench)
    staging.forget()
    with pytest.raises(NotNewer):
        staging.begin(package(OSU, made("1.5.0", security_version=1)), manager=MANAGER)


@pytest.mark.parametrize(
    "raw",
    [
        package(MCU, OLD),
        package(OSU, NEW),
        b"",
        b"noise",
        package(MCU, changed(NEW, normal_world=NEW.normal_world + b"x")),
        package(MCU, changed(NEW, normal_world=image(ImageRole.NORMAL_WORLD, version="4.04", security_version=9))),
        package(MCU, changed(NEW, normal_world=NEW.secure_world)),
    ],
)
def test_another_normal_world_is_refused(raw):
    """Only the very bytes that the release names are taken, and what had come stays."""
    _found, staging = ready(provisioned())
    with pytest.raises(TrustError):
        staging.put_normal_world(package(MCU, NEW))
    staging.begin(package(OSU, NEW), manager=MANAGER)
    with pytest.raises(TrustError):
        staging.put_normal_world(raw)
    assert staging.pending == Pending(version="1.1.0", manager=MANAGER)


def test_another_secure_world_is_refused_and_nothing_is_lost():
    """Also a genuine one of another release; the right one is taken afterwards."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, NEW), manager=MANAGER)
    with pytest.raises(TrustError):
        staging.finish(package(FINAL, NEW))  # the Normal World is missing
    staging.put_normal_world(package(MCU, NEW))
    before = _slots(bench)
    for raw in (package(FINAL, OLD), package(FINAL, made("1.2.0")), package(MCU, NEW), b"noise"):
        with pytest.raises(TrustError):
            staging.finish(raw)
    assert _slots(bench) == before
    staging.finish(package(FINAL, NEW))
    assert _version(ready(bench)[0]) == ("1.1.0", "4.04")


def test_a_signature_of_the_normal_world_that_does_not_hold_is_found_at_the_end():
    """It is in the first step, and the key for it is in the Secure World, which comes last: then nothing is installed."""
    spoilt = changed(NEW, normal_world_signature=OTHER_KEYS.normal.sign(NEW.normal_world, comment="x"))
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, spoilt), manager=MANAGER)
    staging.put_normal_world(package(MCU, NEW))
    with pytest.raises(TrustError, match="would not start"):
        staging.finish(package(FINAL, NEW))
    assert _version(ready(bench)[0]) == ("1.0.0", "4.03")


@pytest.mark.parametrize("record", ["update", "update.osu", "update.normal-world"])
def test_damaged_records_lose_the_update_and_never_the_device(record):
    """A record that was changed is refused or forgotten; the old release starts, and the update can begin again."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, NEW), manager=MANAGER)
    staging.put_normal_world(package(MCU, NEW))
    raw = bench.flash.read(record)
    bench.flash.write(record, raw[:-2] + b"x" + raw[-1:])
    _found, staging = ready(bench)
    with pytest.raises(TrustError):
        staging.finish(package(FINAL, NEW))
    assert staging.begin(package(OSU, NEW), manager=MANAGER).version == "1.1.0"
    staging.put_normal_world(package(MCU, NEW))
    staging.finish(package(FINAL, NEW))
    assert _version(ready(bench)[0]) == ("1.1.0", "4.04")


def test_a_release_that_never_is_ready_leaves_the_update_on_its_way():
    """After its trials the old release starts again, and says that the update is still to be finished."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, LIGHT), manager=MANAGER)
    staging.finish(package(FINAL, LIGHT))
    bench.boot()
    bench.boot()
    found, staging = ready(bench)
    assert _version(found) == ("1.0.0", "4.03")
    assert staging.pending.version == "1.1.0"
    staging.finish(package(FINAL, LIGHT))
    assert _version(ready(bench)[0]) == ("1.1.0", "4.03")


def test_every_artefact_of_the_new_release_arrives_as_it_was_sent():
    """The slot holds the release byte for byte."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, NEW), manager=MANAGER)
    staging.put_normal_world(package(MCU, NEW))
    slot = staging.finish(package(FINAL, NEW))
    for name, data in NEW.to_files().items():
        assert bench.flash.read(f"slot-{slot}.{name}") == data
    assert set(NEW.to_files()) == set(ARTEFACTS.values())


def test_images_put_in_by_hand_end_an_update_that_a_manager_began():
    """The device does not go on to call itself half updated to something else."""
    bench = provisioned()
    _found, staging = ready(bench)
    staging.begin(package(OSU, NEW), manager=MANAGER)
    other = made("1.3.0", mcu="4.06", security_version=2)
    update(bench.slots, bench.fuses, other, places=PLACES, now_s=lambda: 0.0)
    found, staging = ready(bench)
    assert _version(found) == ("1.3.0", "4.06")
    assert staging.pending is None
