"""Waiting for the panel's state to change, without polling and without a queue for each reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tallystick.ui.state import PanelState


class Change:
    """Wakes everybody who waits, whenever the state changes; who does not wait costs nothing."""

    def __init__(self, state: PanelState) -> None:
        self._future: asyncio.Future[None] | None = None
        self.close: Callable[[], None] = state.listen(self._on_change)

    def future(self) -> asyncio.Future[None]:
        """Return a future that is done at the next change; shared, so never cancel it."""
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
        return self._future

    async def wait(self, *, timeout_s: float | None = None) -> bool:
        """Wait for the next change, at most `timeout_s` seconds; say whether there was one."""
        done, _ = await asyncio.wait({self.future()}, timeout=timeout_s)
        return bool(done)

    def _on_change(self) -> None:
        if self._future is not None:
            self._future.set_result(None)
            self._future = None
