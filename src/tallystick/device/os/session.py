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
from tallystick.device.secure.attestation import Attestation
from tallystick.device.secure.endorsement import EndorsementKeys
from tallystick.device.secure.keychain import Keychain
from tallystick.device.secure.vault import Vault
from tallystick.wire.app_storage import ReinstallRequest
from tallystick.wire.version import OnboardingStep, SeedType


@unique
class BootMode(Enum):
    """How the device was started: by the button held while it was plugged in, and by an update on its way."""

    NORMAL = "normal"
    RECOVERY = "recovery"
    BOOTLOADER = "bootloader"
    #: nothing but the last step of a firmware update, or giving it up
    UPGRADER = "upgrader"


@dataclass(slots=True, kw_only=True)
class Reinstall:
    """What the person agreed to have put back without being asked again: a picture, and the data of some apps."""

    lock_image: bool
    storages: int

    def take_lock_image(self) -> bool:
        """Use the consent for the picture up; return whether there was one."""
        had, self.lock_image = self.lock_image, False
        return had

    def take_storage(self) -> bool:
        """Use the consent for one app's data up; return whether there was one."""
        had = self.storages > 0
        self.storages -= had
        return had


@dataclass(slots=True, kw_only=True)
class Session:
    """One life of the device, from power-on to power-off."""

    mode: BootMode
    identity: Identity
    attestation: Attestation
    endorsement: EndorsementKeys
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
    #: whether the device has answered that it restarts: from there on it is as good as unplugged
    is_leaving: bool = False
    #: channels that were allowed to list the apps, and how far each has read
    listings: dict[int, int] = field(default_factory=dict)
    #: channels that were allowed to put things back after an update, and what is left of it
    reinstalls: dict[int, Reinstall] = field(default_factory=dict)
    #: told when something people see on the panel has changed
    on_change: Callable[[], None] = lambda: None

    def allow_reinstall(self, channel: int, request: ReinstallRequest) -> None:
        """Note the consent the person gave to the client of `channel`."""
        self.reinstalls[channel] = Reinstall(lock_image=request.lock_image, storages=request.storages)

    def forget(self, channel: int | None) -> None:
        """Forget what the client of `channel` was allowed; None is all clients."""
        for allowed in (self.listings, self.reinstalls):
            if channel is None:
                allowed.clear()
            else:
                allowed.pop(channel, None)

    @property
    def is_onboarded(self) -> bool:
        """Whether the device has a seed."""
        return self.vault.is_filled

    @property
    def is_locked(self) -> bool:
        """Whether there is a seed and it is out of reach; a bootloader knows of none."""
        return self.keychain.is_empty and self.mode is not BootMode.BOOTLOADER and self.vault.is_filled
