"""The least security versions of the chip, by way of the bus."""

from __future__ import annotations

from tallystick.device.silicon.provider import ChipProvider
from tallystick.wire.chip import ChipRole, ChipState
from tallystick.wire.firmware import ImageRole

_ROLES = {
    ImageRole.BOOTLOADER: ChipRole.BOOTLOADER,
    ImageRole.SECURE_WORLD: ChipRole.SECURE_WORLD,
    ImageRole.NORMAL_WORLD: ChipRole.NORMAL_WORLD,
}


class ChipMinimums:
    """The `Minimums` of a slot on the chip at the end of the bus; an open chip raises none."""

    def __init__(self, chip: ChipProvider) -> None:
        self._chip = chip

    def raise_minimum(self, role: ImageRole, security_version: int) -> None:
        """Raise one, if the boot was verified."""
        if self._chip.describe().state is ChipState.VERIFIED:
            self._chip.raise_minimum(_ROLES[role], security_version)

    def read(self) -> dict[ImageRole, int]:
        """Return them all."""
        return {role: self._chip.minimum(chip_role) for role, chip_role in _ROLES.items()}
