"""What a system is made of and how it is started: the hardware under it, and the options of one start."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tallystick.device.boot.pending import Pending
from tallystick.device.hil import AppHost, Battery, Clock, Counter, Flash, KeyProvider, NormalLink, Panel, Rng
from tallystick.device.os.identity import VERSIONS, Versions
from tallystick.device.os.session import BootMode
from tallystick.device.os.upgrade import FirmwareStore
from tallystick.device.secure.vault import COST, Cost, PinPolicy, Vault
from tallystick.wire.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a system is started."""

    mode: BootMode = BootMode.NORMAL
    #: apps' settings named `expert` are on until the person changes them
    expert: bool = False
    #: what a PIN guess costs
    cost: Cost = COST
    #: what wrong PINs lead to, on a device that is set up now
    pin_policy: PinPolicy = PinPolicy.LEDGER
    #: facts the board adds to the status people see
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a system runs on: everything that comes from outside."""

    model: Model
    flash: Flash
    rng: Rng
    clock: Clock
    panel: Panel
    link: NormalLink
    apps: AppHost
    #: what holds the key of the hardware
    keys: KeyProvider
    #: what counts in hardware, if anything does
    counter: Counter | None = None
    battery: Battery | None = None
    #: versions that the images say they have; None: the model's
    versions: Versions | None = None
    #: where updates gather, if this board has slots
    updates: FirmwareStore | None = None

    def versions_told(self, pending: Pending | None) -> Versions:
        """Return the versions that clients are told: with an update on its way, that it is (wire-protocol I.1, I.6)."""
        versions = self.versions or VERSIONS[self.model.name]
        if pending is None:
            return versions
        return replace(versions, os=f"{pending.version}-osu", mcu=pending.mcu_version or versions.mcu)

    def vault(self, options: Options) -> Vault:
        """Return the vault of this flash and this chip."""
        return Vault(
            flash=self.flash,
            rng=self.rng,
            clock=self.clock,
            keys=self.keys,
            counter=self.counter,
            cost=options.cost,
            policy=options.pin_policy,
        )
