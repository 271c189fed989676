"""The touch family: pages with areas to tap or to hold.

=======================================  ==========================================================
finger                                   effect
=======================================  ==========================================================
down in an area, up in the same area     what the area does, on leaving
down in an area, moved out of it         nothing, even when it comes back
held for as long as the area asks for    what the area does, without waiting for the finger to leave
held for less                            nothing
=======================================  ==========================================================

Pressing alone changes nothing on the screen, so that the next frame is always the one a gesture led to.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.device.os.display.sheet import Effect, GoTo, Key, Target, TouchPage
from tallystick.wire.events import FingerEvent, Gesture
from tallystick.wire.panel import Drawing
from tallystick.wire.screen import Answer


class Touchscreen:
    """A view of pages; `page` makes the page of an index when it is first shown."""

    def __init__(self, *, page: Callable[[int], TouchPage], start: int = 0) -> None:
        self._make = page
        self._index = start
        self._page: TouchPage | None = None
        self._down = False
        self._held: Target | None = None
        self._since_s = 0.0

    def _current(self) -> TouchPage:
        if self._page is None:
            self._page = self._make(self._index)
        return self._page

    def draw(self) -> Drawing:
        """Return the page shown now."""
        return self._current().drawing

    def gesture(self, gesture: Gesture, *, now_s: float) -> Answer | None:
        """Take one touch, move or release of the finger; a button means nothing here."""
        if not isinstance(gesture, FingerEvent):
            return None
        answer = self.advance(now_s=now_s)
        if answer is not None:
            return answer
        if gesture.pressed:
            self._touch(gesture, now_s)
            return None
        target, self._held, self._down = self._held, None, False
        if target is None or target.hold_s or not target.area.holds(gesture.x, gesture.y):
            return None
        return self._perform(target.effect)

    def _touch(self, finger: FingerEvent, now_s: float) -> None:
        if self._down:
            if self._held is not None and not self._held.area.holds(finger.x, finger.y):
                self._held = None
            return
        self._down, self._since_s = True, now_s
        hits = (target for target in self._current().targets if target.area.holds(finger.x, finger.y))
        self._held = next(hits, None)

    def let_go(self) -> None:
        """Forget the finger, and with it a hold."""
        self._down, self._held = False, None

    def deadline_s(self) -> float | None:
        """Return when the area under the finger has been held for long enough, or None."""
        return self._since_s + self._held.hold_s if self._held is not None and self._held.hold_s else None

    def advance(self, *, now_s: float) -> Answer | None:
        """Let time pass up to `now_s`; return the answer of an area that was held for long enough."""
        deadline_s = self.deadline_s()
        if deadline_s is None or now_s < deadline_s or self._held is None:
            return None
        target, self._held = self._held, None
        return self._perform(target.effect)

    def _perform(self, effect: Effect) -> Answer | None:
        match effect:
            case GoTo(page=index):
                self._index, self._page = index, None
                return None
            case Key(key=key):
                return self._type(key)
            case _:
                return effect

    def _type(self, key: str) -> Answer | None:  # noqa: ARG002 - only a screen with keys knows what to do with one
        return None
