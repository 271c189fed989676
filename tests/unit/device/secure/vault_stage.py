"""What the tests of vault and back-off share: one device's storage, chip and clock, and lives of its Secure World."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash
from tallystick.device.secure.vault import COST_TRIVIAL, PinPolicy, Vault
from tallystick.device.silicon.chip import Chip
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.provider import ChipProvider
from tallystick.wire.chip import ChipState

PHRASE = b"legal winner thank year wave sausage worth useful legal winner thank yellow"
PIN, WRONG, OTHER = b"471100", b"000000", b"8155"

_NUMBERS = itertools.count()


def copy(flash: MemoryFlash) -> MemoryFlash:
    """Return what somebody has who copied the files."""
    return MemoryFlash({name: flash.read(name) or b"" for name in flash.names()})


@dataclass
class Stage:
    """A device: `flash` and `chip_store` outlive its power cycles."""

    flash: Flash = field(default_factory=MemoryFlash)
    chip_store: Flash = field(default_factory=MemoryFlash)
    clock: VirtualClock = field(default_factory=VirtualClock)
    rng: RepeatableRng = field(default_factory=lambda: RepeatableRng(next(_NUMBERS)))
    state: ChipState = ChipState.OPEN
    policy: PinPolicy = PinPolicy.LEDGER
    counts: bool = True
    #: told of each guess that reached the hardware
    on_guess: Callable[[], None] = lambda: None

    def provider(self) -> ChipProvider:
        """Return the chip after a power cycle."""
        chip = Chip(store=self.chip_store, noise=self.rng, state=self.state)
        stage = self

        class Watched(ChipProvider):
            def derive(self, handle: bytes, proof: Secret) -> Secret:
                stage.on_guess()
                return super().derive(handle, proof)

        return Watched(chip.receive)

    def vault(self) -> Vault:
        """Return the vault after a power cycle."""
        provider = self.provider()
        return Vault(
            flash=self.flash,
            rng=self.rng,
            clock=self.clock,
            keys=provider,
            counter=provider if self.counts else None,
            cost=COST_TRIVIAL,
            policy=self.policy,
        )

    def sealed(self) -> Vault:
        """Return a vault that holds PHRASE under PIN."""
        vault = self.vault()
        vault.seal(Secret(PHRASE), Secret(PIN))
        return vault


def phrase_of(vault: Vault, pin: bytes = PIN) -> bytes:
    """Return the phrase that `pin` opens."""
    return vault.open(Secret(pin)).phrase.reveal()
