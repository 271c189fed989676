"""A device for the tests of cables: a cable follows it, and needs no more of it than this."""

from __future__ import annotations

import asyncio


class Device:
    """A running device; must be made inside an event loop."""

    def __init__(self) -> None:
        #: one member for each time it was told to come up
        self.powers: list[bool] = []
        self.on_power = lambda: self.powers.append(True)
        self.failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def fail(self, reason: Exception) -> None:
        """Note why it ended."""
        if not self.failed.done():
            self.failed.set_result(reason)
