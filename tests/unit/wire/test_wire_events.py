"""Gestures as JSON objects: three forms, in bounds, and nothing beside them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.events import (
    MAX_COORDINATE,
    MAX_TOGETHER,
    Button,
    ButtonEvent,
    FingerEvent,
    ReplugEvent,
    event_from_json,
    events_from_json,
    press,
)

# written by hand from the forms in the module's description
SAMPLES = [
    (ButtonEvent(button=Button.LEFT, pressed=True), {"button": "left", "pressed": True}),
    (ButtonEvent(button=Button.RIGHT, pressed=False), {"button": "right", "pressed": False}),
    (FingerEvent(x=0, y=MAX_COORDINATE, pressed=True), {"finger": [0, MAX_COORDINATE], "pressed": True}),
    (ReplugEvent(), {"replug": None}),
    (ReplugEvent(hold=Button.LEFT), {"replug": "left"}),
    (ReplugEvent(hold=Button.RIGHT), {"replug": "right"}),
    (ReplugEvent(hold=Button.BOTH), {"replug": "both"}),
]
coordinates = st.integers(0, MAX_COORDINATE)
events = (
    st.builds(ButtonEvent, button=st.sampled_from((Button.LEFT, Button.RIGHT)), pressed=st.booleans())
    | st.builds(FingerEvent, x=coordinates, y=coordinates, pressed=st.booleans())
    | st.builds(ReplugEvent, hold=st.sampled_from(Button))
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(("left", "both", "", "x")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("button", "finger", "replug", "pressed", "x")), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(("event", "document"), SAMPLES)
def test_samples_both_ways(event, document):
    """A gesture has one form, the one written down here."""
    assert (event.to_json(), event_from_json(document)) == (document, event)


@given(events)
def test_round_trip_through_text(event):
    """Any gesture survives the way over the link."""
    assert event_from_json(json.loads(json.dumps(event.to_json()))) == event


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "left",
        {},
        {"button": "both", "pressed": True},
        {"button": "left"},
        {"button": "left", "pressed": 1},
        {"button": "left", "pressed": True, "x": 1},
        {"button": ["left"], "pressed": True},
        {"button": "left", "replug": None, "pressed": True},
        {"finger": [1, 2]},
        {"finger": [1], "pressed": True},
        {"finger": [1, 2, 3], "pressed": True},
        {"finger": [-1, 2], "pressed": True},
        {"finger": [1, MAX_COORDINATE + 1], "pressed": True},
        {"finger": [1.0, 2], "pressed": True},
        {"finger": [True, 2], "pressed": True},
        {"finger": {"x": 1, "y": 2}, "pressed": True},
        {"replug": "up"},
        {"replug": False},
        {"replug": ""},
        {"replug": None, "pressed": True},
    ],
)
def test_everything_else_is_refused(document):
    """Wrong names, types, bounds and members beside the expected ones are no gesture."""
    with pytest.raises(RemoteProtocolError):
        event_from_json(document)


@given(st.lists(events, min_size=1, max_size=MAX_TOGETHER))
def test_several_gestures_come_as_a_list(several):
    """A list of a few gestures is those, in order; one needs no list."""
    assert events_from_json([event.to_json() for event in several]) == tuple(several)
    assert events_from_json(several[0].to_json()) == (several[0],)


@pytest.mark.parametrize("document", [[], [{"replug": None}] * (MAX_TOGETHER + 1), [[{"replug": None}]], [None]])
def test_list_of_other_things_is_refused(document):
    """None, too many, a list within the list: no gestures."""
    with pytest.raises(RemoteProtocolError):
        events_from_json(document)


@given(documents)
def test_any_document_is_a_gesture_or_refused(document):
    """No document, however it is nested, makes the reader fail in another way."""
    try:
        event = event_from_json(document)
    except RemoteProtocolError:
        return
    assert event.to_json() == document


def test_a_press_of_both_buttons_holds_them_together():
    """Both go down before one comes up: that is what makes it one press of both."""
    both = press(Button.BOTH)
    assert [(event.button, event.pressed) for event in both] == [
        (Button.LEFT, True),
        (Button.RIGHT, True),
        (Button.LEFT, False),
        (Button.RIGHT, False),
    ]
    assert [event.pressed for event in press(Button.LEFT)] == [True, False]
    assert press(Button.NONE) == ()
