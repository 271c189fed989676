"""A person who presses by rule: the approving policy of `tally up --approve`, or automation rules of Speculos' form.

The rules and the policy are those of the front panel; here they act in the process, at once, and holding a finger turns the
clock of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tallystick.errors import UsageError
from tallystick.ui.approval import approving_action
from tallystick.ui.automation import Automation, Exit, load_automation, parse_automation
from tallystick.ui.text_event import text_events
from tallystick.wire.events import PanelEvent
from tallystick.wire.panel import Action, Frame

#: screens that are gone through for one input
_MAX_SCREENS = 10_000
#: what somebody who answers by rule does on a frame; None leaves it alone
Policy = Callable[[Frame], Action | None]
#: what `VirtualDevice.auto` takes: a policy, rules, a document of rules, or a path to one (also `file:PATH`, or JSON)
Automatic = Policy | Automation | Mapping[str, Any] | str


def approve_all(frame: Frame) -> Action | None:
    """Return what somebody who approves everything does: never a PIN, never a word, and menus are left alone."""
    return approving_action(frame)


def automatic_from(value: Automatic) -> Policy | Automation:
    """Return `value` ready for use.

    Raises:
        UsageError: the rules cannot be read, or one of them can never match.

    """
    if isinstance(value, Automation):
        return value
    if isinstance(value, str):
        return load_automation(value)
    if isinstance(value, Mapping):
        return parse_automation(dict(value))
    if callable(value):
        return value
    raise UsageError("automatic answers are a policy, automation rules, or where to read such")


class Player:
    """Acts on each new screen of a device as `mode` says, until there is none to act on.

    It is given the screen to look at, a way to carry out one of its actions, and one to make a rule's gesture.
    """

    def __init__(
        self, *, frame: Callable[[], Frame], perform: Callable[[Action], None], gesture: Callable[[PanelEvent], None]
    ) -> None:
        self._frame = frame
        self._perform = perform
        self._gesture = gesture
        self._acted_on = 0
        self._is_acting = False
        self.mode: Policy | Automation | None = None

    def use(self, value: Automatic | None) -> None:
        """Answer by `value` from now on, beginning with the screen that is shown; None is nobody."""
        self.mode = None if value is None else automatic_from(value)
        self._acted_on = 0
        self.play()

    def play(self) -> None:
        """Act until nothing new appears; raise UsageError, and switch off, when that never happens."""
        if self.mode is None or self._is_acting:
            return
        self._is_acting = True
        try:
            for _ in range(_MAX_SCREENS):
                if not self._act():
                    return
        finally:
            self._is_acting = False
        self.mode = None
        raise UsageError("the automatic answers go round in circles", remedy="give each rule a condition that ends it")

    def _act(self) -> bool:
        """Act on the screen if it is a new one; tell whether it was."""
        frame, mode = self._frame(), self.mode
        if mode is None or frame.sequence == self._acted_on:
            return False
        self._acted_on = frame.sequence
        if isinstance(mode, Automation):
            for step in mode.react(text_events(frame)):
                if isinstance(step, Exit):
                    self.mode = None
                    break
                self._gesture(step)
        elif (action := mode(frame)) is not None:
            self._perform(action)
        return True
