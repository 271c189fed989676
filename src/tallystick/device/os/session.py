"""The state of the whole OS that its parts share: what is unlocked, in which mode, and how far set-up has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, unique

from tallystick.device.hil import Rng
from tallystick.device.os.display.stack import Display
from tallystick.device.os.identity import Identity
from tallystick.device.os.registry import Registry
from tallystick.device.os.storage import Storage
from tallystick.device.os.task import Scheduler
from tallystick.device.secure.keychain import Keychain
from tallystick.device.secure.vault import Vault
from tallystick.wire.version import OnboardingStep, SeedType


@unique
class BootMode(Enum):
    """How the device was started: by the button held while it was plugged in."""

    NORMAL = "normal"
    RECOVERY = "recovery"
    BOOTLOADER = "bootloader"


@dataclass(slots=True, kw_only=True)
class Session:
    """One life of the device, from power-on to power-off."""

    mode: BootMode
    identity: Identity
    scheduler: Scheduler
    display: Display
    vault: Vault
    keychain: Keychain
    storage: Storage
    registry: Registry
    rng: Rng
    #: how far set-up has come, for `E0 01`
    step: OnboardingStep = OnboardingStep.WELCOME_1
    seed_type: SeedType = SeedType.WORDS_24
    word_index: int = 0
    #: channels that were allowed to list the apps, and how far each has read
    listings: dict[int, int] = field(default_factory=dict)
    #: told when something people see on the panel has changed
    on_change: Callable[[], None] = lambda: None

    @property
    def is_onboarded(self) -> bool:
        """Whether the device has a seed."""
        return self.vault.is_filled

    @property
    def is_locked(self) -> bool:
        """Whether there is a seed and it is out of reach."""
        return self.keychain.is_empty and self.vault.is_filled
