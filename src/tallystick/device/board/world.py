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
from tallystick.wire.bundle import MAX_BUNDLE, Bundle
from tallystick.wire.firmware import NORMAL_KEY, ImageRole


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
        artefacts = Slots(flash).read(handover.slot)
        image = check_normal_world(
            Chain(now_s=time.monotonic, slot=handover.slot),
            key=PublicKey.from_text(member(NORMAL_KEY).decode("ascii", "replace")),
            minimum={role: handover.minimum.get(role.value, 0) for role in ImageRole},
            image=artefacts.normal_world,
            signature=artefacts.normal_world_signature,
        )
        told = Handover(libraries=handover.libraries)
        self._programs = Programs.of_image(image.seal(), told.seal())
        self._listener = listener
        self._offered = survey()

    def start(self, outer: socket.socket) -> NormalWorld:
        """Start one with its end of the gate."""
        return NormalWorld(self._programs.start(Role.NORMAL, PROGRAM, (outer.fileno(), self._listener)))

    def inspect(self, world: NormalWorld) -> None:
        """Make sure it is locked; raise TrustError when it is not."""
        require_confined(world.pid, self._offered)


def take_bundles(descriptors: Iterable[int]) -> list[Bundle]:
    """Read the bundles in these descriptors, and close them."""
    bundles = []
    for descriptor in descriptors:
        with os.fdopen(descriptor, "rb") as file:
            bundles.append(Bundle.from_bytes(file.read(MAX_BUNDLE + 1)))
    return bundles
