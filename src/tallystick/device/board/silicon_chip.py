"""What the silicon is once it has booted: the chip on the bus, locked in with its memory.

Apart from the ROM, so that the ROM starts the bootloader without having loaded any of this.
"""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterable

from tallystick.device.boot.explain import BootState
from tallystick.device.sandbox.confine import Lock
from tallystick.device.sandbox.entry import seal_imports
from tallystick.device.sandbox.role import Role
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.chip_server import serve
from tallystick.device.silicon.entropy import machine_rng
from tallystick.device.silicon.nvm import KEY_PROVIDER, ChipMemory
from tallystick.errors import StateError
from tallystick.wire.chip import ChipState

_STATES = {BootState.VERIFIED: ChipState.VERIFIED, BootState.OPEN: ChipState.OPEN}


def make_lock() -> Lock:
    """Return the chip's lock, made ready while there is nobody on the bus yet who would have to wait for it."""
    return Lock(Role.CHIP)


def make_chip(memory: ChipMemory, state: BootState) -> Chip:
    """Return the chip; raise KeyRefused when its key is in a TPM that is not there.

    A TPM and the machine's source of noise are opened here and nowhere else, so that the lock leaves the chip with their
    descriptors and nobody else with one.
    """
    if memory.read(KEY_PROVIDER) is None:
        return Chip(store=memory, noise=machine_rng(), state=_STATES[state])
    from tallystick.device.silicon.tpm_binding import binding_of
    from tallystick.device.silicon.tpm_chip import TpmChip

    binding = binding_of(memory)
    if binding is None:
        raise StateError("the chip does not say which TPM its key is in", remedy="make another device")
    return TpmChip(store=memory, rng=machine_rng(), state=_STATES[state], binding=binding)


def become(bus: socket.socket, chip: Chip, *, lock: Lock, parent: int, passed_on: Iterable[int]) -> None:
    """Serve `bus`, locked in with the chip's memory, until the Secure World is gone; raise TrustError without a lock.

    `passed_on` are the descriptors that the Secure World has now: the chip keeps none of them.
    """
    gc.freeze()
    gc.enable()
    seal_imports()
    lock.put_on(parent=parent)
    for descriptor in passed_on:  # not before: the jig is what a failure is told by
        os.close(descriptor)
    serve(chip, bus)
