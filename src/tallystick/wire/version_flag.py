"""The flags in the answer to ``E0 01``: state, seed and step of the set-up (wire-protocol C.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag, unique
from typing import Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Writer

__all__ = ["OnboardingStep", "SeedType", "StateFlag", "VersionFlags"]


class StateFlag(IntFlag):
    """Byte 0 of the flags."""

    PIN_VALIDATED = 0x80
    HAS_MCU_SERIAL = 0x40
    HAS_CERTIFICATE = 0x20
    CUSTOM_CA_ALLOWED = 0x10
    MANAGER_ALLOWED = 0x08
    ONBOARDED = 0x04
    MCU_CODE_SIGNED = 0x02
    RECOVERY_MODE = 0x01


@unique
class SeedType(IntEnum):
    """Bits 6-5 of byte 2: how many words are being set up."""

    WORDS_24 = 0
    WORDS_18 = 1
    WORDS_12 = 2


@unique
class OnboardingStep(IntEnum):
    """Byte 3: where the person is while the device is set up."""

    WELCOME_1 = 0x00
    WELCOME_2 = 0x01
    WELCOME_3 = 0x02
    WELCOME_4 = 0x03
    WELCOME_REMINDER = 0x04
    SETUP_CHOICE = 0x05
    PIN = 0x06
    NEW_DEVICE = 0x07
    CONFIRM_WORDS = 0x08
    RESTORE_SEED = 0x09
    SAFETY_WARNING = 0x0A
    READY = 0x0B
    CHOOSE_NAME = 0x0C
    RECOVER_RESTORE = 0x0D
    SETUP_CHOICE_RESTORE = 0x0E
    EARLY_SECURITY_CHECK = 0x0F
    RESTORE_WITH_RECOVERY_KEY = 0x10


@dataclass(frozen=True, slots=True)
class VersionFlags:
    """The flags field as it was sent: four bytes from a current device; old bootloaders send other sizes, or noise."""

    raw: bytes = bytes(4)

    @classmethod
    def of(
        cls,
        state: StateFlag,
        *,
        endorsement: int = 0,
        seed_type: SeedType = SeedType.WORDS_24,
        word_index: int = 0,
        step: OnboardingStep = OnboardingStep.WELCOME_1,
    ) -> Self:
        """Build the four bytes; `word_index` counts from 0 to 31. Raises LocalProtocolError when a value does not fit."""
        if not 0 <= word_index < 32:
            raise LocalProtocolError(f"a word index is 0 to 31, not {word_index}")
        return cls(Writer().u8(state).u8(endorsement).u8(seed_type << 5 | word_index).u8(step).to_bytes())

    @property
    def state(self) -> StateFlag:
        """Byte 0."""
        return StateFlag(self._byte(0))

    @property
    def endorsement(self) -> int:
        """Byte 1; what its bits mean is not published."""
        return self._byte(1)

    @property
    def seed_type(self) -> SeedType | None:
        """How many words are set up, or None for the value nobody defined."""
        value = self._byte(2) >> 5 & 0x03
        return SeedType(value) if value < len(SeedType) else None

    @property
    def word_index(self) -> int:
        """The word in hand, counted from 0."""
        return self._byte(2) & 0x1F

    @property
    def step(self) -> OnboardingStep | None:
        """Where the person is, or None for a step this version does not know."""
        value = self._byte(3)
        return OnboardingStep(value) if value < len(OnboardingStep) else None

    def _byte(self, index: int) -> int:
        return self.raw[index] if index < len(self.raw) else 0
