"""Firmware updates cut off at every write of flash and chip: the old release, the new one, or one step to go; never a brick."""

from __future__ import annotations

import json

import pytest
from tests.device import boot_stage, update_stage
from tests.device.update_stage import LIGHT, MANAGER, NEW, package, provisioned, ready

from tallystick.device.os.registry import Registry
from tallystick.device.os.session import BootMode
from tallystick.device.os.storage import Storage
from tallystick.device.os.upgrade import finish_update, mode_of
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.bundle import Bundle
from tallystick.wire.firmware_package import PackageKind
from tallystick.wire.model import MODELS

_SEED = b"the sealed seed"
"""What must be there, whatever happens."""


def _registry(flash) -> Registry:
    return Registry(storage=Storage(flash), model=MODELS["nanosp"], os_version="1.0.0")


def _owned(bundle: Bundle):
    """Return a device with a seed and an app."""
    bench = provisioned()
    bench.flash.write("vault", _SEED)
    _registry(bench.flash).install(bundle)
    return bench


def _resume(bench, new, first=PackageKind.OSU):
    """Do what a client does that knows nothing but what the device says; return the modes that it met."""
    met = []
    for _ in range(10):
        found, staging = ready(bench)
        finish_update(staging, _registry(bench.flash))
        mode = mode_of(staging.pending, BootMode.NORMAL)
        met.append(mode)
        if mode is BootMode.BOOTLOADER:
            staging.put_normal_world(package(PackageKind.MCU, new))
        elif mode is BootMode.UPGRADER:
            staging.finish(package(PackageKind.FINAL, new))
        elif found.secure_world.header.version == "1.1.0":
            return met
        else:
            staging.begin(package(first, new), manager=MANAGER)
    raise AssertionError("the update does not end")


@pytest.fixture(scope="module")
def bundle():
    """Return an app."""
    from tallystick import apps

    return apps.bundle("cosmos")


@pytest.mark.parametrize("part", ["flash", "chip"])
@pytest.mark.parametrize(
    ("first", "new", "modes"),
    [
        (PackageKind.OSU, NEW, 4),
        (PackageKind.OSU, LIGHT, 3),
        (PackageKind.WHOLE, NEW, 3),
        (PackageKind.WHOLE, LIGHT, 2),
    ],
)
def test_an_update_cut_at_every_write_goes_on_from_what_the_device_says(bundle, part, first, new, modes):
    """Cut anywhere, the seed is there, one whole release starts, and the same client brings the update to its end."""
    whole = _owned(bundle)
    assert len(_resume(whole, new, first)) == modes
    cuts = 0
    for count in range(1000):
        bench = _owned(bundle)
        flash, chip = bench.flash, bench.chip
        faulty = FaultyFlash(getattr(bench, part), cut_after=count)
        run = boot_stage.Bench(flash=faulty if part == "flash" else flash, chip=faulty if part == "chip" else chip)
        try:
            _resume(run, new, first)
        except PowerCut:
            cuts += 1
        else:
            break
        after = boot_stage.Bench(flash=flash, chip=chip)
        found = after.boot(is_dry=True)
        pair = found.secure_world.raw, found.normal_world.raw
        assert pair in [(one.secure_world, one.normal_world) for one in (update_stage.OLD, new)]
        registry = _registry(flash)
        if found.secure_world.raw == update_stage.OLD.secure_world:
            assert [app.name for app in registry.apps()] == ["Cosmos"], "apps go with the new release and not before"
        _resume(after, new, first)
        assert flash.read("vault") == _SEED
        assert _registry(flash).apps() == []
        assert Storage(flash).retired() == ["Cosmos"]
        assert not [name for name in flash.names() if name.startswith(("update", "app."))]
        assert json.loads(flash.read("slots"))["active"] == "b"
    assert cuts > (10 if part == "flash" else 1)


def test_an_update_given_up_cut_at_every_write_is_on_its_way_or_gone(bundle):
    """Giving it up is one write that counts; the rest is swept at the next start."""
    for count in range(1000):
        bench = _owned(bundle)
        _found, staging = ready(bench)
        staging.begin(package(PackageKind.OSU, NEW), manager=MANAGER)
        staging.put_normal_world(package(PackageKind.MCU, NEW))
        flash = bench.flash
        faulty = boot_stage.Bench(flash=FaultyFlash(flash, cut_after=count), chip=bench.chip)
        try:
            update_stage.staging(faulty, faulty.boot(is_dry=True)).forget()
        except PowerCut:
            after = boot_stage.Bench(
                flash=MemoryFlash({name: flash.read(name) for name in flash.names()}), chip=bench.chip
            )
            _found, staging = ready(after)
            pending = staging.pending
            assert pending is None or pending.has_normal_world
            assert _registry(after.flash).apps()
            if pending is None:
                assert not [name for name in after.flash.names() if name.startswith("update")]
        else:
            break
    assert count > 2
