"""The silicon as a process: boot ROM first, then the chip that the Secure World talks to over the bus.

Arguments: the chip's folder, the folder of the flash, the folder of the installed packages, the descriptor of the jig,
and further descriptors that the Secure World is to have. This is the mask ROM of the simulation: its code comes from the
installation and not from flash, as silicon does not come from flash either.

The ROM starts the bootloader of one slot after the other, until one of them has become a Secure World that speaks on the
bus. From then on there is only the chip, locked in with its memory.
"""

from __future__ import annotations

import gc
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.device.board.secure_entry import WORLD
from tallystick.device.boot.door import shut_memory
from tallystick.device.boot.explain import BootFailure, Chain
from tallystick.device.boot.rom import Rom
from tallystick.device.boot.slot import Slots
from tallystick.device.boot.start import BOOT_FAILURE, Handover, command, tell_failure
from tallystick.device.silicon.flash import DirectoryFlash
from tallystick.device.silicon.fuses import Fuses
from tallystick.device.silicon.nvm import KEY_PROVIDER, ChipMemory
from tallystick.errors import TallyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallystick.device.silicon.chip import Chip

_FAILED = 1
#: artefacts that the ROM looks at
_NEEDED = ("key_table", "bootloader", "bootloader_signature")


def main(argv: list[str]) -> int:
    """Boot; return 78 when nothing was started, else how the Secure World ended."""
    gc.disable()  # until there is a chip: what is loaded stays
    shut_memory()
    chip, flash, libraries = argv[:3]
    parent = os.getppid()
    descriptors = [int(number) for number in argv[3:]]
    if not _has_power(descriptors[0]):
        return 0
    try:
        memory = ChipMemory.open(Path(chip))
        fuses = Fuses(memory).state
        rom = Rom(fuses)
        tpm = _chip_with_tpm(memory, rom)
        for slot in _order(flash):
            chain = Chain(now_s=time.monotonic, slot=slot)
            try:
                image = _check(rom, chain, flash, slot)
            except BootFailure as failure:
                tell_failure(descriptors[0], chain.failure(failure))
                continue
            told = Handover(
                libraries=libraries,
                state=rom.state.value,
                slot=slot,
                flash=flash,
                minimum={role.value: version for role, version in fuses.minimum.items()},
                key_table=fuses.key_table.hex(),
                revoked=fuses.revoked,
                jig=descriptors[0],
                stages=chain.to_json(),
            )
            if _serves(image, told, descriptors, make=lambda: tpm or _make_chip(memory, rom), parent=parent):
                return 0
    except TallyError as error:
        from tallystick.device.board.jig import complain

        complain(_read_order(descriptors[0]), error)
        return _FAILED
    _read_order(descriptors[0])
    return BOOT_FAILURE


def _serves(image: int, told: Handover, descriptors: list[int], *, make: Callable[[], Chip], parent: int) -> bool:
    """Start a bootloader and be the chip of the Secure World that comes of it, to its end; return False when none does."""
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with inner, outer:
        child = _start(image, told.seal(), [descriptors[0], outer.fileno(), *descriptors[1:]])
        outer.close()
        # loaded while the bootloader works, which is started as early as can be
        from tallystick.device.board import silicon_chip

        lock = silicon_chip.make_lock()
        if not _speaks(inner, child):
            return False
        silicon_chip.become(inner, make(), lock=lock, parent=parent, passed_on=descriptors)
        del child  # reaped by init: a locked chip cannot wait for anybody
    return True


def _make_chip(memory: ChipMemory, rom: Rom) -> Chip:
    from tallystick.device.board.silicon_chip import make_chip

    return make_chip(memory, rom.state)


def _chip_with_tpm(memory: ChipMemory, rom: Rom) -> Chip | None:
    """Return the chip if its key is in a TPM: that must be there before anything starts. Any other chip can be made later."""
    if memory.read(KEY_PROVIDER) is None:
        return None
    return _make_chip(memory, rom)


def _has_power(jig: int) -> bool:
    """Wait for the order, which is left to the Secure World; return False when the bench has let go instead."""
    link = socket.socket(fileno=jig)
    try:
        return bool(link.recv(1, socket.MSG_PEEK))
    except ConnectionResetError:
        return False
    finally:
        link.detach()


def _read_order(jig: int) -> socket.socket:
    """Take the order off the jig, if nobody has: to close the line with it unread would take along what was told last."""
    link = socket.socket(fileno=jig)
    with suppress(OSError):
        link.recv(1, socket.MSG_DONTWAIT)
    return link


def _order(folder: str) -> tuple[str, ...]:
    flash = DirectoryFlash(Path(folder))
    try:
        return Slots(flash).order()
    finally:
        flash.close()


def _check(rom: Rom, chain: Chain, folder: str, slot: str) -> int:
    """Check the bootloader of a slot and note the attempt; return its sealed bytes. The flash is let go again."""
    flash = DirectoryFlash(Path(folder))
    try:
        slots = Slots(flash)
        artefacts = slots.read(slot, only=_NEEDED)
        verified = rom.check(
            chain,
            key_table=artefacts.key_table,
            image=artefacts.bootloader,
            signature=artefacts.bootloader_signature,
        )
        slots.begin(slot)
        return verified.seal()
    finally:
        flash.close()


def _start(image: int, handover: int, descriptors: list[int]) -> subprocess.Popen[bytes]:
    """Start the bootloader, which becomes the Secure World in the same process."""
    jig, bus, *_rest = descriptors
    try:
        return subprocess.Popen(  # noqa: S603 -- our own interpreter, and bytes that were checked
            command(image, handover, WORLD, str(jig), str(bus)),
            pass_fds=(image, handover, *descriptors),
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    finally:
        os.close(image)
        os.close(handover)


def _speaks(bus: socket.socket, child: subprocess.Popen[bytes]) -> bool:
    """Wait until the bus is spoken on or let go of; tell whether there is a Secure World."""
    select.select([bus], [], [])
    if bus.recv(1, socket.MSG_PEEK):
        return True
    child.wait()
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
