"""Approving everything: what is pressed on each kind of screen, and what never is."""

from __future__ import annotations

import pytest
from panel_double import APPROVE, DISMISS, HOLD, KEY, NEXT, PREVIOUS, REJECT, SELECT, TAP_NEXT, frame

from tallystick.ui.approval import approving_action
from tallystick.wire.events import Button
from tallystick.wire.panel import Action, Role

SECOND = Action(role=Role.SELECT, label="No", button=Button.BOTH)


@pytest.mark.parametrize(
    ("scene", "actions", "expected"),
    [
        ("review", (NEXT,), NEXT),
        ("review", (PREVIOUS, NEXT), NEXT),
        ("review", (REJECT, TAP_NEXT), TAP_NEXT),
        ("review", (APPROVE, PREVIOUS, NEXT), APPROVE),
        ("review", (REJECT, HOLD), HOLD),
        ("review", (REJECT, PREVIOUS), None),
        ("notice", (DISMISS,), DISMISS),
        ("notice", (NEXT,), NEXT),
        ("choice", (NEXT,), NEXT),
        ("choice", (SELECT, SECOND), SELECT),
        ("wordlist", (PREVIOUS, NEXT), NEXT),
        ("menu", (SELECT, PREVIOUS, NEXT), None),
        ("menu", (NEXT,), None),
        ("progress", (), None),
        ("pinentry", (KEY, PREVIOUS, NEXT), None),
        ("wordentry", (KEY, NEXT), None),
        ("", (APPROVE, PREVIOUS), APPROVE),
        ("", (PREVIOUS, NEXT), NEXT),
        ("", (SELECT, PREVIOUS, NEXT), None),
        ("", (KEY, APPROVE, NEXT), None),
        ("", (), None),
    ],
)
def test_policy_presses_only_what_leads_to_approval(scene, actions, expected):
    """Reviews are walked and approved, notices dismissed, questions answered first; menus and keys are left alone."""
    assert approving_action(frame(1, "text", actions=actions, scene=scene)) is expected
