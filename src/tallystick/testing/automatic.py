"""A person who presses by rule: the approving policy of `tally up --approve`, or automation rules of Speculos' form.

The rules and the policy are those of the front panel; here they act in the process, at once, and holding a finger turns the
clock of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tallystick.errors import UsageError
from tallystick.ui.approval import approving_action
from tallystick.ui.automation import Automation, load_automation, parse_automation
from tallystick.wire.panel import Action, Frame

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
