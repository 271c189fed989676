"""One timer of the event loop, kept at the deadline a device names: a device that waits for nobody costs nothing."""

from __future__ import annotations

import asyncio

from tallystick.device.board.core import DeviceCore


class Alarm:
    """Wakes `device` when it wants to be woken; must be used inside a running event loop."""

    def __init__(self, device: DeviceCore) -> None:
        self._device = device
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Follow the device's next deadline; call after each thing that happened to it."""
        deadline_s = self._device.deadline_s()
        if self._timer is not None:
            if deadline_s is not None and self._timer.when() <= deadline_s and not self._timer.cancelled():
                return
            self.cancel()
        if deadline_s is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline_s, self._ring)

    def cancel(self) -> None:
        """Wake nobody any more, until `set`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._device.advance()
        self.set()
