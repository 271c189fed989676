"""The player: rules and the approving policy at work on screens, held fingers included."""

from __future__ import annotations

import asyncio

from panel_double import APPROVE, DISMISS, HOLD, NEXT, REJECT, TAP_NEXT, RecordingHand, frame

from tallystick.ui.automation import parse_automation
from tallystick.ui.state import PanelState
from tallystick.ui.web.player import Player

TOUCH = (400, 672)


class Stage:
    """A state, a hand that writes down, and a player between them."""

    def __init__(self, *, document: dict | None = None, approving: bool = False) -> None:
        self.state, self.hand, self.exits = PanelState(), RecordingHand(), 0
        self.player = Player(
            state=self.state,
            hand=self.hand,
            on_exit=self._exit,
            automation=parse_automation(document) if document else None,
            is_approving=approving,
        )

    def _exit(self) -> None:
        self.exits += 1

    def buttons(self) -> list[str]:
        """Return the buttons that went down so far."""
        return [entry["button"] for entry in self.hand.json() if entry["pressed"]]


async def settled(stage: Stage) -> None:
    """Wait until no finger is held."""
    async with asyncio.timeout(60):
        while (held := stage.player._held) is not None:
            await held


def test_review_is_walked_and_approved():
    """Each page is passed, the approving page approved, the notice after it dismissed, the menu left alone."""
    stage = Stage(approving=True)
    for number, (scene, action) in enumerate(
        [("review", NEXT), ("review", NEXT), ("review", APPROVE), ("notice", DISMISS), ("menu", NEXT)], 1
    ):
        stage.state.show(frame(number, "page", actions=[action], scene=scene))
    assert stage.buttons() == ["right", "right", "left", "right", "left", "right"]


def test_what_an_app_paints_is_left_alone_and_that_is_told_once(caplog):
    """On a native app's own pictures nothing is pressed, and whoever asked for approval hears of it, with what helps."""
    stage = Stage(approving=True)
    for number, text in enumerate(("Review", "Approve", "Reject"), 1):
        stage.state.show(frame(number, text, scene="canvas"))
    assert stage.buttons() == []
    assert caplog.text.count("--automation") == 1
    stage.state.show(frame(4, "page", actions=[APPROVE], scene="review"))
    assert stage.buttons() == ["left", "right"]


def test_rules_see_what_an_app_paints_without_a_word(caplog):
    """With rules nobody is told that approval leaves pictures alone."""
    stage = Stage(document={"rules": [{"text": "Approve", "actions": [["button", 2, True]]}]})
    stage.state.show(frame(1, "Approve", scene="canvas"))
    assert (stage.buttons(), caplog.text) == (["right"], "")


def test_status_is_no_screen():
    """A change that is not a new screen makes nobody press again."""
    stage = Stage(approving=True)
    stage.state.show(frame(1, "page", actions=[NEXT], scene="review"))
    stage.state.tell({"app": "Cosmos"})
    assert stage.buttons() == ["right"]


def test_rules_take_the_place_of_approving():
    """Once rules are posted nothing else presses."""
    stage = Stage(approving=True)
    stage.player.use(parse_automation({"version": 1, "rules": []}))
    stage.state.show(frame(1, "page", actions=[APPROVE], scene="review"))
    assert stage.hand.events == []


def test_exit_is_told_and_later_actions_still_happen():
    """A rule may press and then end the panel."""
    stage = Stage(document={"rules": [{"text": "Done", "actions": [["button", 2, True], ["exit"]]}]})
    stage.state.show(frame(1, "Done"))
    assert (stage.buttons(), stage.exits) == (["right"], 1)


def test_hand_that_refuses_does_not_break_the_screen(caplog):
    """Frames go on arriving when gestures cannot be written; the reason is logged."""
    stage = Stage(approving=True)
    stage.hand.is_gone = True
    stage.state.show(frame(1, "page", actions=[NEXT], scene="review"))
    assert stage.state.sequence == 1
    assert "could not press" in caplog.text


async def test_held_finger_leaves_when_the_screen_has_moved_on():
    """A hold ends as soon as the action is no longer offered, and the new screen gets its turn."""
    stage = Stage(approving=True)
    stage.state.show(frame(1, "page", actions=[REJECT, HOLD], scene="review", size=TOUCH))
    await asyncio.sleep(0)
    stage.state.show(frame(2, "half way", actions=[REJECT, HOLD], scene="review", size=TOUCH))
    await asyncio.sleep(0)
    assert [entry["pressed"] for entry in stage.hand.json()] == [True]
    stage.state.show(frame(3, "next", actions=[TAP_NEXT], scene="review", size=TOUCH))
    await settled(stage)
    assert [(entry["finger"], entry["pressed"]) for entry in stage.hand.json()] == [
        ([200, 500], True),
        ([200, 500], False),
        ([360, 620], True),
        ([360, 620], False),
    ]


async def test_held_finger_leaves_when_time_is_up(monkeypatch):
    """If the screen never moves on the finger leaves after the time asked for, once."""
    monkeypatch.setattr("tallystick.ui.web.player.HOLD_MARGIN_S", 0.01)
    stage = Stage(approving=True)
    stage.state.show(frame(1, "page", actions=[HOLD], scene="review", size=TOUCH))
    await settled(stage)
    stage.state.tell({"app": "Cosmos"})
    assert [entry["pressed"] for entry in stage.hand.json()] == [True, False]
