"""One device's update in small: real keys, signatures and records, tiny images."""

from __future__ import annotations

import hashlib

from tests.device.boot_stage import KEYS, PLACES, Bench, image, release

from tallystick.device.boot.pending import Running
from tallystick.device.boot.slot import Artefacts
from tallystick.device.boot.staging import Staging
from tallystick.wire.firmware import ImageRole
from tallystick.wire.firmware_package import FirmwarePackage, PackageKind

MANAGER = b"\x04" + bytes(range(64))


def made(version: str, *, mcu: str = "4.03", security_version: int = 1, keys=KEYS) -> Artefacts:
    """Return a release whose Normal World is that of the MCU version: equal for equal versions."""
    world = image(ImageRole.NORMAL_WORLD, version=mcu, security_version=1)
    return release(keys, version=version, security_version=security_version, normal_world=world)


OLD = made("1.0.0")
NEW = made("1.1.0", mcu="4.04", security_version=2)
#: the same Normal World as the old one's
LIGHT = made("1.1.0", security_version=2)


def package(kind: PackageKind, artefacts: Artefacts) -> bytes:
    """Return the package of one step."""
    return FirmwarePackage.of(kind, artefacts.to_files()).to_bytes()


def ready(bench: Bench):
    """Boot, and reach READY; return what was booted and its staging."""
    found = bench.boot()
    bench.slots.confirm(found.slot, versions=found.versions, fuses=bench.fuses)
    return found, staging(bench, found)


def staging(bench: Bench, found) -> Staging:
    """Return the staging of what was booted."""
    running = Running(
        slot=found.slot,
        version=found.secure_world.header.version,
        mcu_version=found.normal_world.header.version,
        normal_world=hashlib.sha256(found.normal_world.raw).hexdigest(),
    )
    return Staging(
        flash=bench.flash,
        running=running,
        fuses=lambda: bench.fuses.state,
        places=PLACES,
        now_s=lambda: 0.0,
    )


def provisioned(bench: Bench | None = None) -> Bench:
    """Return a device that has reached READY with the old release."""
    bench = bench or Bench()
    bench.slots.provision(OLD)
    ready(bench)
    return bench
