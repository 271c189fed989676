"""Frames as JSON objects: what is drawn comes back, and hostile documents are refused by one declared error."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.events import Button, ButtonEvent, FingerEvent
from tallystick.wire.panel import (
    MAX_ELEMENTS,
    MAX_TEXT,
    Action,
    Align,
    Bitmap,
    Box,
    Code,
    Drawing,
    Frame,
    Icon,
    Role,
    Style,
    Text,
)

PLACE = {"x": 1, "y": 2, "w": 3, "h": 4}
# one of each element and both kinds of action, written by hand
FRAME = Frame(
    sequence=7,
    width=128,
    height=64,
    scene="review",
    drawing=Drawing(
        elements=(
            Text(**PLACE, text="Fees", style=Style.BOLD, align=Align.LEFT, inverted=True),
            Icon(**PLACE, name="check"),
            Box(**PLACE, filled=50, radius=2),
            Code(**PLACE, text="cosmos1"),
            Bitmap(x=0, y=0, w=9, h=2, bpp=1, data=b"\x01\x02\x03\x04"),
        ),
        actions=(
            Action(role=Role.NEXT, button=Button.RIGHT),
            Action(role=Role.APPROVE, label="Hold", x=5, y=6, hold_s=1.5),
        ),
    ),
)
DOCUMENT = {
    "sequence": 7,
    "size": [128, 64],
    "lit": True,
    "scene": "review",
    "elements": [
        {"kind": "text", "box": [1, 2, 3, 4], "text": "Fees", "style": "bold", "align": "left", "inverted": True},
        {"kind": "icon", "box": [1, 2, 3, 4], "name": "check"},
        {"kind": "box", "box": [1, 2, 3, 4], "filled": 50, "radius": 2},
        {"kind": "code", "box": [1, 2, 3, 4], "text": "cosmos1"},
        {"kind": "bitmap", "box": [0, 0, 9, 2], "bpp": 1, "data": "AQIDBA=="},
    ],
    "actions": [
        {"role": "next", "label": "", "button": "right"},
        {"role": "approve", "label": "Hold", "point": [5, 6], "hold_s": 1.5},
    ],
}
sides = st.integers(0, 65535)
places = st.fixed_dictionaries({"x": sides, "y": sides, "w": sides, "h": sides})
texts = st.text(max_size=20)


def at(kind, **members):
    """Return a strategy for elements of `kind` anywhere."""
    return st.builds(lambda place, rest: kind(**place, **rest), places, st.fixed_dictionaries(members))


bitmaps = st.tuples(st.integers(0, 20), st.integers(0, 20), st.sampled_from((1, 2, 4))).flatmap(
    lambda shape: st.binary(
        min_size=(shape[0] * shape[2] + 7) // 8 * shape[1], max_size=(shape[0] * shape[2] + 7) // 8 * shape[1]
    ).map(lambda data: Bitmap(x=0, y=0, w=shape[0], h=shape[1], bpp=shape[2], data=data))
)
elements = (
    at(Text, text=texts, style=st.sampled_from(Style), align=st.sampled_from(Align), inverted=st.booleans())
    | at(Icon, name=texts)
    | at(Box, filled=st.integers(0, 100), radius=sides)
    | at(Code, text=texts)
    | bitmaps
)
buttons = st.sampled_from((Button.LEFT, Button.RIGHT, Button.BOTH))
actions = st.builds(Action, role=st.sampled_from(Role), label=texts, button=buttons) | st.builds(
    Action, role=st.sampled_from(Role), label=texts, x=sides, y=sides, hold_s=st.floats(0, 60)
)
frames = st.builds(
    Frame,
    sequence=st.integers(0, 2**53),
    width=sides,
    height=sides,
    lit=st.booleans(),
    scene=texts,
    drawing=st.builds(
        Drawing, elements=st.lists(elements, max_size=4).map(tuple), actions=st.lists(actions, max_size=3).map(tuple)
    ),
)


def places_in(document, at=()):
    """Return the way to every value in `document`."""
    found = [at] if at else []
    if isinstance(document, dict):
        for name, value in document.items():
            found += places_in(value, (*at, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            found += places_in(value, (*at, index))
    return found


def replaced(way, value):
    """Return the sample with the value at `way` replaced."""
    document = copy.deepcopy(DOCUMENT)
    inner = document
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = value
    return document


def without(way):
    """Return the sample without the member at `way`."""
    document = copy.deepcopy(DOCUMENT)
    inner = document
    for step in way[:-1]:
        inner = inner[step]
    del inner[way[-1]]
    return document


def test_sample_both_ways():
    """A frame has one form, the one written down here."""
    assert (json.loads(json.dumps(FRAME.to_json())), Frame.from_json(DOCUMENT)) == (DOCUMENT, FRAME)


@given(frames)
def test_round_trip_through_text(frame):
    """Any frame survives the way over the link."""
    assert Frame.from_json(json.loads(json.dumps(frame.to_json()))) == frame


#: members that have a value when they are left out
OPTIONAL = {"scene", "inverted"}


@pytest.mark.parametrize(
    "way", [way for way in places_in(DOCUMENT) if isinstance(way[-1], str) and way[-1] not in OPTIONAL]
)
def test_a_missing_member_is_refused(way):
    """Every member but the optional ones is needed, wherever it stands; a point may stand in for a button."""
    with pytest.raises(RemoteProtocolError):
        Frame.from_json(without(way))


#: where any value has a meaning: true, or not true
LENIENT = {"lit", "inverted"}
HOSTILE = {
    "null": None,
    "object": {},
    "nested": [[]],
    "huge": 10**400,
    "negative": -2,
    "nan": float("nan"),
    "long": "\0" * (MAX_TEXT + 1),
    "deeper": {"a": []},
}
#: numbers of any size are brought into bounds here, and only what is no number is refused
CLAMPED = {"hold_s"}


@pytest.mark.parametrize("way", [way for way in places_in(DOCUMENT) if way[-1] not in LENIENT], ids=str)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_value_in_any_place_is_refused(way, value):
    """Wrong types, numbers without end and texts beyond the limit are refused by the one declared error."""
    if way[-1] in CLAMPED and isinstance(value, int):
        assert 0 <= Frame.from_json(replaced(way, value)).drawing.actions[1].hold_s <= 60
        return
    with pytest.raises(RemoteProtocolError):
        Frame.from_json(replaced(way, value))


@pytest.mark.parametrize("document", [None, 5, "frame", [], {}, [DOCUMENT]])
def test_what_is_no_object_is_refused(document):
    """Only an object is a frame."""
    with pytest.raises(RemoteProtocolError):
        Frame.from_json(document)


def test_elements_and_texts_have_limits():
    """As many elements, and as long a text, as the limits say, and not one more."""
    element = DOCUMENT["elements"][1]
    assert len(Frame.from_json(DOCUMENT | {"elements": [element] * MAX_ELEMENTS}).drawing.elements) == MAX_ELEMENTS
    assert Frame.from_json(DOCUMENT | {"scene": "x" * MAX_TEXT}).scene == "x" * MAX_TEXT
    for member in ("elements", "actions"):
        with pytest.raises(RemoteProtocolError):
            Frame.from_json(DOCUMENT | {member: [DOCUMENT[member][1]] * (MAX_ELEMENTS + 1)})


@pytest.mark.parametrize(
    "bitmap",
    [
        {"bpp": 3},
        {"bpp": 0},
        {"data": "AQIDBA"},
        {"data": "AQID"},
        {"data": "*QIDBA=="},
        {"data": "AQIDBAU="},
        {"box": [0, 0, 9, 3]},
        {"box": [0, 0, -1, -1], "data": ""},
    ],
)
def test_a_bitmap_has_exactly_its_pixels(bitmap):
    """Depth, size and content of a picture fit each other, or it is none."""
    entry = DOCUMENT["elements"][4] | bitmap
    with pytest.raises(RemoteProtocolError):
        Frame.from_json(DOCUMENT | {"elements": [entry]})


def test_the_time_of_a_hold_stays_within_a_minute():
    """A frame cannot make a hand hold for ever."""
    entry = DOCUMENT["actions"][1]
    (action,) = Frame.from_json(DOCUMENT | {"actions": [entry | {"hold_s": 1e300}]}).drawing.actions
    assert action.hold_s == 60.0
    (action,) = Frame.from_json(DOCUMENT | {"actions": [entry | {"hold_s": -5}]}).drawing.actions
    assert action.hold_s == 0.0


def test_an_action_becomes_gestures():
    """A button action is pressed and released, a point is touched and left."""
    right, hold = FRAME.drawing.actions
    assert right.gestures() == tuple(ButtonEvent(button=Button.RIGHT, pressed=down) for down in (True, False))
    assert hold.gestures() == tuple(FingerEvent(x=5, y=6, pressed=down) for down in (True, False))
    assert FRAME.action(Role.APPROVE) is hold
    assert FRAME.action(Role.REJECT) is None
    assert FRAME.drawing.texts() == ("Fees",)
