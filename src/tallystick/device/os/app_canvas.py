"""What a native app with a picture of its own has beside other apps: the picture, inputs that wait for it, and a ticker.

Everything is bounded: inputs that nobody takes are dropped, oldest first, and pixels that are painted are counted.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from tallystick.device.os.display.canvas import CanvasView
from tallystick.device.os.task import Timer
from tallystick.wire.call_canvas import MAX_INPUTS, CanvasEvent, HandInput, Inputs, Paint, TickInput

__all__ = ["MAX_PAINTED_PER_SECOND", "TICK_S", "AppCanvas"]

#: from one tick to the next
TICK_S: Final = 0.1
#: pixels an app may paint in a second: 120 of the largest screen
MAX_PAINTED_PER_SECOND: Final = 32_000_000
_MAX_INPUTS: Final = 64


class AppCanvas:
    """The picture of one life of one app; None for `view` until it painted."""

    def __init__(self) -> None:
        self.view: CanvasView | None = None
        self.inputs: deque[CanvasEvent] = deque(maxlen=_MAX_INPUTS)
        self.ticker: Timer | None = None
        #: the app has not answered an APDU whose client is gone: it gets no other one before it did
        self.is_in_debt = False
        self._ticked_at_s = 0.0
        self._second = -1
        self._painted = 0

    def is_flooded(self, painting: Paint, *, now_s: float) -> bool:
        """Count a painting; return whether the app paints too much."""
        if int(now_s) != self._second:
            self._second, self._painted = int(now_s), 0
        self._painted += painting.w * painting.h
        return self._painted > MAX_PAINTED_PER_SECOND

    def next_tick_s(self, now_s: float) -> float:
        """Return when the next tick is due."""
        return max(now_s, self._ticked_at_s + TICK_S)

    def tick(self, now_s: float) -> None:
        """Have a tick wait for the app."""
        self.ticker = None
        self._ticked_at_s = now_s
        self.inputs.append(TickInput())

    def take(self) -> CanvasEvent | Inputs:
        """Take what waits longest: of the person's hand all until nothing is held any more, as far as it has happened."""
        first = self.inputs.popleft()
        if isinstance(first, TickInput):
            return first
        taken: list[HandInput] = [first]
        while self.inputs and len(taken) < MAX_INPUTS and taken[-1].is_held:
            following = self.inputs[0]
            if isinstance(following, TickInput):
                break
            taken.append(following)
            self.inputs.popleft()
        return first if len(taken) == 1 else Inputs(tuple(taken))

    def stop(self) -> None:
        """Take the ticker back."""
        if self.ticker is not None:
            self.ticker.cancel()
            self.ticker = None
