"""A device that somebody guesses at for ever: ``w`` after each wrong PIN it answered, ``R`` and ``r`` around right ones.

Arguments: the folder of its flash, the folder of its chip. It ends by being killed.
"""

import os
import sys
from pathlib import Path

from tallystick.crypto.secret import Secret
from tallystick.device.secure.vault import COST_TRIVIAL, PinPolicy, Vault, WrongPin
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import SystemRng
from tallystick.device.silicon.flash import DirectoryFlash
from tallystick.device.silicon.provider import ChipProvider
from tallystick.wire.chip import ChipState

PIN = b"4711"
TRIES = 10


def vault_of(folder: Path, clock: VirtualClock) -> Vault:
    """Return the vault of the device in `folder`."""
    flash, store = DirectoryFlash(folder / "flash"), DirectoryFlash(folder / "chip")
    provider = ChipProvider(Chip(store=store, noise=SystemRng(), state=ChipState.OPEN).receive)
    return Vault(
        flash=flash,
        rng=SystemRng(),
        clock=clock,
        keys=provider,
        counter=provider,
        cost=COST_TRIVIAL,
        policy=PinPolicy.BACKOFF,
    )


def main() -> None:
    """Guess until the power goes."""
    clock = VirtualClock()
    vault = vault_of(Path(sys.argv[1]), clock)
    while True:
        while vault.tries_left > TRIES:
            clock.turn(vault.wait_s)
            try:
                vault.open(Secret(b"0000"))
            except WrongPin:
                os.write(1, b"w")
        os.write(1, b"R")
        clock.turn(vault.wait_s)
        vault.open(Secret(PIN)).close()
        os.write(1, b"r")


if __name__ == "__main__":
    main()
