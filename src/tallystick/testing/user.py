"""The person at the device, who knows it by what each screen says can be done: the same on every model.

No text is searched for a button and no key is counted: a frame names its actions by role (`wire.panel.Role`), and only
those are used. What is read on the way is returned, so that a test can say what the person saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tallystick.errors import UsageError
from tallystick.testing.reading import Page, Reading, pages_of
from tallystick.ui.approval import approving_action
from tallystick.wire.panel import Action, Drawing, Frame, Role

#: screens of one walk: more than any review has
_MAX_SCREENS = 10_000
_CONFIRM = "confirm"
_ENDS = frozenset({Role.APPROVE, Role.SELECT})


class Screen(Protocol):
    """What a person needs of a device."""

    @property
    def frame(self) -> Frame:
        """The screen as it is now."""

    def perform(self, action: Action) -> None:
        """Carry out one of its actions."""


class User:
    """The person. Every method raises UsageError, with what is on the screen, when that cannot be done there."""

    def __init__(self, device: Screen) -> None:
        self._device = device

    def read(self) -> tuple[str, ...]:
        """Return the lines of text on the screen, from top to bottom."""
        return tuple(text for text in self._device.frame.drawing.texts() if text)

    def pages(self) -> Reading:
        """Return what is on the screen as pages of title and value."""
        return pages_of(self._device.frame)

    def next(self) -> None:
        """Go on to the next screen."""
        self._do(Role.NEXT)

    def previous(self) -> None:
        """Go back to the screen before."""
        self._do(Role.PREVIOUS)

    def dismiss(self) -> Reading:
        """Read a notice (or a list of words) to its end and put it away; return what it said."""
        return self._walk(Role.DISMISS)

    def approve(self) -> Reading:
        """Read a review to its end and approve it, or answer a question with its first option; return the pages read.

        Notices on the way are put away.
        """
        pages: list[Page] = []
        for step in range(_MAX_SCREENS):
            frame = self._device.frame
            action = approving_action(frame)
            if action is None:
                if not step:
                    raise self._cannot("there is nothing to approve")
                return Reading(pages)
            pages += pages_of(frame)
            self._device.perform(action)
            if action.role in _ENDS:
                return Reading(pages)
        raise self._cannot("the review does not end")

    def reject(self) -> Reading:
        """Reject a review, or answer a question with its last option; return the pages read until then."""
        if self._device.frame.scene != "choice":
            return self._walk(Role.REJECT)
        pages: list[Page] = []
        for _ in range(_MAX_SCREENS):
            frame = self._device.frame
            pages += pages_of(frame)
            if frame.action(Role.NEXT) is None:
                break
            self.next()
        options = [action for action in self._device.frame.drawing.actions if action.role is Role.SELECT]
        if not options:
            raise self._cannot("there is nothing to reject")
        self._device.perform(options[-1])
        return Reading(pages)

    def until(self, text: str) -> Reading:
        """Go on until a screen says `text` somewhere; return the pages read, that one's last."""
        pages: list[Page] = []
        for frame in self._onward():
            pages += pages_of(frame)
            lines = self.read()
            if any(text in way for way in ("\n".join(lines), " ".join(lines), "".join(lines))):
                return Reading(pages)
        raise self._cannot(f"no screen from here on says {text!r}")

    def choose(self, label: str) -> None:
        """Choose the entry of a menu, or the option of a question, with this label, whatever its case."""
        wanted = label.casefold()
        offered: list[str] = []
        for frame in self._onward():
            for action in frame.drawing.actions:
                if action.role is Role.SELECT:
                    if action.label.casefold() == wanted:
                        self._device.perform(action)
                        return
                    offered.append(action.label)
        raise self._cannot(f"{label!r} cannot be chosen, only {', '.join(map(repr, offered)) or 'nothing'}")

    def enter_pin(self, pin: str) -> None:
        """Type a PIN and confirm it. Raises UsageError, without the digits, when the screen takes no PIN."""
        for digit in pin:
            self._key((digit,))
        self._key((_CONFIRM,))

    def enter_word(self, word: str) -> None:
        """Type a recovery word: letters until the device offers it whole."""
        for letter in (*word, ""):
            if self._key((word, letter) if letter else (word,)) == word:
                return

    def _key(self, keys: tuple[str, ...]) -> str:
        """Take the first of `keys` that the screen offers, going round if it shows one at a time; return which."""
        start = self._device.frame.drawing
        for step in range(_MAX_SCREENS):
            frame = self._device.frame
            if step and frame.drawing == start:
                break
            offered = {action.label: action for action in frame.drawing.actions if action.role is Role.KEY}
            for key in keys:
                if key in offered:
                    self._device.perform(offered[key])
                    return key
            if not offered or frame.action(Role.NEXT) is None:
                break
            self.next()
        raise self._cannot("this cannot be typed here")

    def _onward(self) -> Iterator[Frame]:
        """Yield the screen that is shown and those behind it, going on in between, until there is no other one."""
        start = self._device.frame.drawing
        for step in range(_MAX_SCREENS):
            frame = self._device.frame
            if step and self._came_round(frame, start):
                return
            yield frame
            if frame.action(Role.NEXT) is None:
                return
            self.next()

    def _walk(self, role: Role) -> Reading:
        """Go on until `role` is offered, and do it; return the pages read."""
        pages: list[Page] = []
        for frame in self._onward():
            pages += pages_of(frame)
            if frame.action(role) is not None:
                self._do(role)
                return Reading(pages)
        raise self._cannot(f"there is nothing to {role.value}")

    def _do(self, role: Role) -> None:
        action = self._device.frame.action(role)
        if action is None:
            raise self._cannot(f"there is no way to {_WORDS.get(role, role.value)}")
        self._device.perform(action)

    @staticmethod
    def _came_round(frame: Frame, start: Drawing) -> bool:
        """Menus go round on two buttons; pages of a review may look alike and do not."""
        return frame.scene == "menu" and frame.drawing == start

    def _cannot(self, what: str) -> UsageError:
        frame = self._device.frame
        shown = " / ".join(self.read()) or "nothing"
        offered = ", ".join(dict.fromkeys(action.role.value for action in frame.drawing.actions)) or "nothing"
        return UsageError(f"{what}; the screen says: {shown}", remedy=f"it offers: {offered}")


_WORDS = {Role.NEXT: "go on", Role.PREVIOUS: "go back"}
