"""Where firmware gathers on a board with slots: `tallystick.device.boot.staging`, loaded when there is an update.

A start without an update on its way reads one record that is not there, and loads nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tallystick.device.boot.pending import Pending, Running
from tallystick.device.boot.slot import MARK
from tallystick.device.hil import Flash

if TYPE_CHECKING:
    from tallystick.device.boot.staging import Staging
    from tallystick.device.boot.start import Handover
    from tallystick.device.silicon.fuses import FuseState
    from tallystick.device.silicon.provider import ChipProvider
    from tallystick.wire.firmware import BootConfig


class SlotUpdates:
    """The `FirmwareStore` of a device that was started as `handover` says, and runs `running`."""

    def __init__(self, *, flash: Flash, handover: Handover, chip: ChipProvider, running: Running) -> None:
        self._flash = flash
        self._handover = handover
        self._chip = chip
        self._running = running
        self._staging: Staging | None = None

    @property
    def pending(self) -> Pending | None:
        """What is on its way, or None; what a cut has left of one that was forgotten is swept up."""
        if self._is_marked() or any(name.startswith(f"{MARK}.") for name in self._flash.names()):
            return self._load().pending
        return None

    @property
    def is_over(self) -> bool:
        """Whether the release that runs is the one that was on its way."""
        return self._is_marked() and self._load().is_over

    def look(self, raw: bytes) -> BootConfig:
        """Check the package of the first step; raise NotNewer or TrustError."""
        return self._load().look(raw)

    def begin(self, raw: bytes, *, manager: bytes) -> Pending:
        """Take the package of the first step; raise as `look` does."""
        return self._load().begin(raw, manager=manager)

    def put_normal_world(self, raw: bytes) -> Pending:
        """Take the package of the second step; raise TrustError."""
        return self._load().put_normal_world(raw)

    def finish(self, raw: bytes) -> str:
        """Take the package of the last step; raise TrustError."""
        return self._load().finish(raw)

    def forget(self) -> None:
        """Forget the update."""
        self._load().forget()

    def _is_marked(self) -> bool:
        return self._flash.read(MARK) is not None

    def _load(self) -> Staging:
        if self._staging is None:
            from tallystick.device.boot.library import places
            from tallystick.device.boot.staging import Staging

            self._staging = Staging(
                flash=self._flash,
                running=self._running,
                fuses=self._fuses,
                places=places(self._handover.libraries),
                now_s=time.monotonic,
            )
        return self._staging

    def _fuses(self) -> FuseState:
        """Return the fuses as the ROM read them at this start, with the least versions as they are now."""
        from tallystick.device.board.chip_minimum import ChipMinimums
        from tallystick.device.silicon.fuses import FuseState

        told = self._handover
        return FuseState(
            key_table=bytes.fromhex(told.key_table),
            revoked=told.revoked,
            is_closed=told.state == "verified",
            minimum=ChipMinimums(self._chip).read(),
        )
