"""The seam between scenes and pixels: one view shows one scene on one model.

A view is a small state machine without clock, files or sockets: it is given gestures and the time, and it says what to
draw and, in the end, what was answered. `Display` (stack.py) owns the views, numbers the frames and wakes their
deadlines.
"""

from __future__ import annotations

from typing import Protocol

from tallystick.wire.events import Gesture
from tallystick.wire.panel import Drawing
from tallystick.wire.screen import Answer


class View(Protocol):
    """One scene on the screen."""

    def draw(self) -> Drawing:
        """Return what the screen shows now, and the gestures possible. Pure: equal state draws equal pictures."""
        ...

    def gesture(self, gesture: Gesture, *, now_s: float) -> Answer | None:
        """Take one gesture at `now_s` (monotonic seconds); return the answer once the person has decided."""
        ...

    def let_go(self) -> None:
        """Forget what is held down: another view took the screen, and the release may be told to that one.

        A view that is covered and shown again would otherwise take the next button for the second of two, or count
        the time in which it was not seen as a hold.
        """
        ...

    def deadline_s(self) -> float | None:
        """Return when `advance` wants to be called (a held finger, a moving bar), or None."""
        ...

    def advance(self, *, now_s: float) -> Answer | None:
        """Let time pass up to `now_s`; return the answer if that decided it (a hold that was long enough)."""
        ...
