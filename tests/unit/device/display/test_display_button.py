"""Two buttons, three gestures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.os.display.button import ButtonTracker
from tallystick.wire.events import Button, ButtonEvent

_EVENTS = {
    "L": ButtonEvent(button=Button.LEFT, pressed=True),
    "l": ButtonEvent(button=Button.LEFT, pressed=False),
    "R": ButtonEvent(button=Button.RIGHT, pressed=True),
    "r": ButtonEvent(button=Button.RIGHT, pressed=False),
}
_NAMES = {Button.NONE: ".", Button.LEFT: "<", Button.RIGHT: ">", Button.BOTH: "="}


def _play(events: str) -> str:
    tracker = ButtonTracker()
    return "".join(_NAMES[tracker.feed(_EVENTS[event])] for event in events)


@pytest.mark.parametrize(
    ("events", "gestures"),
    [
        ("Ll", ".<"),
        ("Rr", ".>"),
        ("LRlr", "...="),
        ("LRrl", "...="),
        ("RLlr", "...="),
        ("RLrl", "...="),
        ("LlRr", ".<.>"),
        ("LRrRrl", ".....="),
        ("LRlLlr", ".....="),
        ("LLLl", "...<"),
        ("LlLl", ".<.<"),
        ("LRlrRr", "...=.>"),
    ],
)
def test_gesture_is_what_was_down_until_all_are_up(events, gestures):
    """A gesture comes with the last release, whatever the order of presses and releases before it."""
    assert _play(events) == gestures


@pytest.mark.parametrize("events", ["l", "r", "rl", "lr", "LRl", "L", "LLL"])
def test_nothing_without_press_or_before_the_last_release(events):
    """A release whose press was not seen, and a button still held, give nothing."""
    assert _play(events) == "." * len(events)


def test_release_of_an_earlier_press_does_not_disturb():
    """A button held since before is let go in the middle of another press: only the other counts."""
    assert _play("RlRr") == "...>"


def test_let_go_forgets_what_is_down():
    """After `let_go` the old releases mean nothing and the next press is a gesture of its own."""
    tracker = ButtonTracker()
    tracker.feed(_EVENTS["L"])
    tracker.let_go()
    assert [tracker.feed(_EVENTS[event]) for event in "lRr"] == [Button.NONE, Button.NONE, Button.RIGHT]


@given(st.text("LlRr", max_size=40))
def test_gestures_follow_the_sets_of_buttons_down(events):
    """Against a plain model: each stretch from nothing down to nothing down gives all buttons seen in it, once."""
    held: set[str] = set()
    seen: set[str] = set()
    expected = ""
    for event in events:
        side = event.upper()
        if event.isupper():
            held.add(side)
            seen.add(side)
            expected += "."
        elif side in held:
            held.discard(side)
            expected += "." if held else {"L": "<", "R": ">", "LR": "="}["".join(sorted(seen))]
            seen = seen if held else set()
        else:
            expected += "."
    assert _play(events) == expected
