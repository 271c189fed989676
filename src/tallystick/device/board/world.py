"""The Secure World's hold on the Normal World: its image checked once, started locked, looked at from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterable

from tallystick.crypto.minisign import PublicKey
from tallystick.device.board.normal_entry import PROGRAM
from tallystick.device.boot.explain import Chain
from tallystick.device.boot.secure import check_normal_world
from tallystick.device.boot.slot import Slots
from tallystick.device.boot.start import Handover, member
from tallystick.device.hil import Flash
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.inspect import require_confined
from tallystick.device.sandbox.program import Programs
from tallystick.device.sandbox.role import Role
from tallystick.device.silicon.provider import ChipProvider
from tallystick.wire.bundle import MAX_BUNDLE, Bundle
from tallystick.wire.chip import ChipRole, ChipState
from tallystick.wire.firmware import HEADER, NORMAL_KEY, ImageHeader, ImageRole

_ROLES = {ImageRole.SECURE_WORLD: ChipRole.SECURE_WORLD, ImageRole.NORMAL_WORLD: ChipRole.NORMAL_WORLD}


class NormalWorld:
    """A started Normal World."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The number of the process, which is not reaped before `kill`."""
        return self._process.pid

    def kill(self) -> None:
        """End it now and reap it."""
        self._process.kill()
        self._process.wait()


class NormalWorlds:
    """Starts Normal Worlds from one checked image; raises BootFailure when the image does not hold."""

    def __init__(self, handover: Handover, flash: Flash, *, listener: int) -> None:
        self._slots, self._slot = Slots(flash), handover.slot
        artefacts = self._slots.read(handover.slot)
        image = check_normal_world(
            Chain(now_s=time.monotonic, slot=handover.slot),
            key=PublicKey.from_text(member(NORMAL_KEY).decode("ascii", "replace")),
            minimum={role: handover.minimum.get(role.value, 0) for role in ImageRole},
            image=artefacts.normal_world,
            signature=artefacts.normal_world_signature,
        )
        self._versions = {
            ImageRole.SECURE_WORLD: ImageHeader.from_bytes(member(HEADER)).security_version,
            ImageRole.NORMAL_WORLD: image.header.security_version,
        }
        told = Handover(libraries=handover.libraries)
        self._programs = Programs.of_image(image.seal(), told.seal())
        self._listener = listener
        self._offered = survey()

    def start(self, outer: socket.socket) -> NormalWorld:
        """Start one with its end of the gate."""
        return NormalWorld(self._programs.start(Role.NORMAL, PROGRAM, (outer.fileno(), self._listener)))

    def confirm(self, chip: ChipProvider) -> None:
        """Note that this slot has reached READY, and raise the least security versions; an open chip raises none."""
        self._slots.confirm(self._slot, versions=self._versions, fuses=_Minimums(chip))

    def inspect(self, world: NormalWorld) -> None:
        """Make sure it is locked; raise TrustError when it is not."""
        require_confined(world.pid, self._offered)


class _Minimums:
    """The least security versions, by way of the bus."""

    def __init__(self, chip: ChipProvider) -> None:
        self._chip = chip

    def raise_minimum(self, role: ImageRole, security_version: int) -> None:
        """Raise one, if the boot was verified."""
        if self._chip.describe().state is ChipState.VERIFIED:
            self._chip.raise_minimum(_ROLES[role], security_version)


def take_bundles(descriptors: Iterable[int]) -> list[Bundle]:
    """Read the bundles in these descriptors, and close them."""
    bundles = []
    for descriptor in descriptors:
        with os.fdopen(descriptor, "rb") as file:
            bundles.append(Bundle.from_bytes(file.read(MAX_BUNDLE + 1)))
    return bundles
