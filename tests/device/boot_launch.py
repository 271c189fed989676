"""A bench for tests: the ROM's part in this process, and the checked bootloader started in a fresh one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tallystick.device.boot.explain import BootFailure, BootState, Chain, Stage
from tallystick.device.boot.image import VerifiedImage
from tallystick.device.boot.rom import Rom
from tallystick.device.boot.slot import Slots
from tallystick.device.boot.start import Handover, command
from tallystick.device.silicon.fuses import FuseState


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A slot whose bootloader the ROM has checked; the rest of the chain is that bootloader's."""

    slot: str
    state: BootState
    bootloader: VerifiedImage = field(repr=False)
    stages: tuple[Stage, ...] = field(repr=False)

    def start(
        self,
        fuses: FuseState,
        *,
        flash: Path,
        libraries: str,
        arguments: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        jig: int = -1,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start it with an empty environment and no descriptor but `pass_fds`; raise OSError without room.

        `flash` is the folder of the device's flash, which nobody may hold meanwhile; `libraries` the one of the installed
        packages, whose files are checked against the list in the images; `arguments` go through to the Secure World.
        """
        handover = Handover(
            libraries=libraries,
            state=self.state.value,
            slot=self.slot,
            flash=str(flash),
            minimum={role.value: number for role, number in fuses.minimum.items()},
            stages=[stage.to_json() for stage in self.stages],
            jig=jig,
        )
        image = self.bootloader.seal()
        told = handover.seal()
        try:
            return subprocess.Popen(
                command(image, told, *arguments),
                pass_fds=(image, told, *pass_fds),
                env={},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        finally:
            os.close(image)
            os.close(told)


def candidates(slots: Slots, fuses: FuseState, *, now_s: Callable[[], float] = time.monotonic) -> Iterator[Candidate]:
    """Yield the slots to start, in order; the attempt of each is written down before it is given out.

    Raises BootFailure when there is no further one: at once if no bootloader is good.
    """
    chain = Chain(now_s=now_s)
    for slot in slots.order():
        chain.slot = slot
        files = slots.read(slot)
        rom = Rom(fuses)
        try:
            checked = rom.check(
                chain, key_table=files.key_table, image=files.bootloader, signature=files.bootloader_signature
            )
        except BootFailure:
            continue
        slots.begin(slot)
        yield Candidate(slot=slot, state=rom.state, bootloader=checked, stages=tuple(chain.stages))
    raise BootFailure(tuple(chain.stages))
