"""The Secure World's hold on the Normal World: its image checked once, and started locked.

The first one is started before the rest of the Secure World is loaded, and waits at the gate: nothing it says is heard
before the Secure World is there and has looked at it from outside.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tallystick.crypto.minisign import PublicKey
from tallystick.device.board.gate_pair import gate_pair
from tallystick.device.board.normal_entry import PROGRAM
from tallystick.device.boot.explain import Chain
from tallystick.device.boot.pending import Running
from tallystick.device.boot.secure import check_normal_world
from tallystick.device.boot.slot import Minimums, Slots
from tallystick.device.boot.start import Handover, member
from tallystick.device.sandbox.inspect import own_filters
from tallystick.device.sandbox.program import Programs
from tallystick.device.sandbox.role import Role
from tallystick.wire.firmware import HEADER, NORMAL_KEY, ImageHeader, ImageRole

if TYPE_CHECKING:
    from tallystick.device.board.gate import Watcher
    from tallystick.device.board.normal_voice import NormalVoice
    from tallystick.device.hil import Flash

#: artefacts that are looked at here
_NEEDED = ("normal_world", "normal_world_signature")


class NormalWorld:
    """A started Normal World."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: int, *, inherited: int = 0) -> None:
        self._process = process
        self._pipe: int | NormalVoice = pipe
        #: filters that it was born with
        self.inherited = inherited

    @property
    def pid(self) -> int:
        """The number of the process, which is not reaped before `kill`."""
        return self._process.pid

    def listen(self, watcher: Watcher) -> None:
        """Begin to read what it prints."""
        from tallystick.device.board.normal_voice import NormalVoice  # the first world is started before there is a log

        if isinstance(self._pipe, int):
            self._pipe = NormalVoice(self._pipe, watcher)

    def kill(self) -> None:
        """End it now and reap it."""
        self._process.kill()
        self._process.wait()
        if not isinstance(self._pipe, int):
            self._pipe.close()


class NormalWorlds:
    """Starts Normal Worlds from one checked image; raises BootFailure when the image does not hold."""

    def __init__(self, handover: Handover, flash: Flash, *, listeners: Mapping[str, int]) -> None:
        self._slots, self._slot = Slots(flash), handover.slot
        artefacts = self._slots.read(handover.slot, only=_NEEDED)
        image = check_normal_world(
            Chain(now_s=time.monotonic, slot=handover.slot),
            key=PublicKey.from_text(member(NORMAL_KEY).decode("ascii", "replace")),
            minimum={role: handover.minimum.get(role.value, 0) for role in ImageRole},
            image=artefacts.normal_world,
            signature=artefacts.normal_world_signature,
            digest=bytes.fromhex(handover.normal_world),
        )
        header = ImageHeader.from_bytes(member(HEADER))
        #: the release that runs
        self.running = Running(
            slot=handover.slot,
            version=header.version,
            mcu_version=image.header.version,
            normal_world=handover.normal_world,
        )
        self._versions = {
            ImageRole.BOOTLOADER: handover.bootloader,
            ImageRole.SECURE_WORLD: header.security_version,
            ImageRole.NORMAL_WORLD: image.header.security_version,
        }
        told = Handover(libraries=handover.libraries)
        self._programs = Programs.of_image(image.seal(), told.seal())
        #: descriptors of the sockets that clients come by, by what is spoken there
        self._listeners = listeners
        self._is_confirmed = False
        #: tells when a Normal World prints; the first one waits for it
        self.watcher: Watcher | None = None
        #: the Secure World's end of the first one's gate, and the first one
        self.first = self._begin()

    def _begin(self) -> tuple[socket.socket, NormalWorld]:
        inner, outer = gate_pair()
        with outer:
            return inner, self.start(outer)

    def start(self, outer: socket.socket) -> NormalWorld:
        """Start one with its end of the gate."""
        inherited = own_filters()
        pipe, mouth = os.pipe2(os.O_CLOEXEC)
        try:
            process = self._programs.start(
                Role.NORMAL,
                PROGRAM,
                (outer.fileno(), *self._listeners.values()),
                words=tuple(self._listeners),
                stdout=mouth,
                stderr=mouth,
            )
        finally:
            os.close(mouth)
        world = NormalWorld(process, pipe, inherited=inherited)
        if self.watcher is not None:
            world.listen(self.watcher)
        return world

    def confirm(self, fuses: Minimums) -> None:
        """Note that this slot has reached READY, and raise the least security versions; an open chip raises none.

        Once in a life: an update that this release has put on trial meanwhile stays on trial.
        """
        if self._is_confirmed:
            return
        self._is_confirmed = True
        self._slots.confirm(self._slot, versions=self._versions, fuses=fuses)
