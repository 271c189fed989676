"""Two buttons become three gestures: left, right, both.

Nothing happens before every button is up again. Then the gesture is what was down at any time since the first went
down: so the order in which two fingers land and leave does not matter, and a button held for long counts once.
"""

from __future__ import annotations

from tallystick.wire.events import Button, ButtonEvent


class ButtonTracker:
    """Remembers which buttons are down."""

    def __init__(self) -> None:
        self._down = Button.NONE
        self._seen = Button.NONE

    def let_go(self) -> None:
        """Take all buttons as up; the releases that follow are ignored."""
        self._down = self._seen = Button.NONE

    def feed(self, event: ButtonEvent) -> Button:
        """Take one event; return LEFT, RIGHT or BOTH when it completes a gesture, else NONE.

        The release of a button whose press was not seen (it was held while the screen changed) is ignored.
        """
        if event.pressed:
            self._down |= event.button
            self._seen |= event.button
            return Button.NONE
        if not self._down & event.button:
            return Button.NONE
        self._down &= ~event.button
        if self._down:
            return Button.NONE
        done, self._seen = self._seen, Button.NONE
        return done
