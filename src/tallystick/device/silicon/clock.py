"""Clocks: the machine's monotonic one, and one that a test turns by hand."""

from __future__ import annotations

import time

from tallystick.errors import LocalProtocolError


class MonotonicClock:
    """The machine's clock; setting the time of day does not move it."""

    def now_s(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()


class VirtualClock:
    """A clock that stands still until it is turned: nobody sleeps."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        """Return the seconds turned so far."""
        return self._now_s

    def turn(self, seconds: float) -> None:
        """Let `seconds` (not negative) pass."""
        if seconds < 0:
            raise LocalProtocolError("time does not go back")
        self._now_s += seconds
