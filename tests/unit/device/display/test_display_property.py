"""What holds for every scene on every model."""

from __future__ import annotations

import pytest
from display_hand import pages, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.device.os.display import layout_for, view_for
from tallystick.wire.model import MODELS
from tallystick.wire.panel import MAX_ELEMENTS, Code, Frame, Role, Style, Text
from tallystick.wire.screen import (
    Choice,
    Decided,
    DiceEntry,
    Dismissed,
    Entry,
    Item,
    Menu,
    Notice,
    PinEntry,
    Progress,
    Review,
    ReviewKind,
    Selected,
    Tone,
    WordEntry,
    WordList,
)

_TEXT = st.text(st.characters(), max_size=80)
_LINES = st.lists(_TEXT, max_size=12).map(tuple)
_ITEMS = st.lists(
    st.builds(Item, title=_TEXT, values=st.lists(st.text(max_size=400), max_size=3).map(tuple)), max_size=8
).map(tuple)
_WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=8), min_size=1, max_size=40).map(tuple)

_REVIEWS = st.builds(Review, items=_ITEMS, kind=st.sampled_from(ReviewKind), intro=_LINES, approve=_TEXT, reject=_TEXT)
_MENUS = st.builds(
    Menu,
    title=_TEXT,
    entries=st.lists(st.builds(Entry, label=_TEXT, value=_TEXT), min_size=1, max_size=30).map(tuple),
    icon=st.sampled_from(["", "cosmos"]) | _TEXT,
    start=st.integers(-2, 40),
)
_CHOICES = st.builds(
    Choice,
    lines=_LINES,
    options=st.lists(_TEXT, min_size=1, max_size=12).map(tuple),
    icon=st.sampled_from(["", "lock"]),
)
_NOTICES = st.builds(Notice, lines=_LINES, button=_TEXT, tone=st.sampled_from(Tone))
_SCENES = (
    _REVIEWS
    | _MENUS
    | _CHOICES
    | _NOTICES
    | st.builds(Progress, text=_TEXT, percent=st.none() | st.integers(-10, 200))
    | st.builds(PinEntry, title=_TEXT)
    | st.builds(DiceEntry, title=_TEXT, minimum=st.just(2), maximum=st.just(3))
    | st.builds(WordList, title=_TEXT, words=_WORDS)
    | st.builds(WordEntry, title=_TEXT, candidates=_WORDS)
)
_MODELS = st.sampled_from(sorted(MODELS.values(), key=lambda model: model.name))


@settings(max_examples=200, deadline=None)
@given(_SCENES, _MODELS)
def test_everything_drawn_fits_the_screen(scene, model):
    """On every page each element lies inside, no text is wider than its box, and texts and codes do not cover each other."""
    layout = layout_for(model)
    for drawing in pages(view_for(scene, model)):
        assert len(drawing.elements) <= MAX_ELEMENTS
        for element in drawing.elements:
            assert 0 <= element.x <= element.x + element.w <= layout.width
            assert 0 <= element.y <= element.y + element.h <= layout.height
        texts = [element for element in drawing.elements if isinstance(element, Text)]
        for text in texts:
            assert len(text.text) <= layout.columns
            assert len(text.text) <= layout.cells(text.w, large=layout.touch and text.style is Style.LARGE)
            assert text.text.isprintable()
        solid = [element for element in drawing.elements if isinstance(element, Text | Code) and element.text]
        for number, one in enumerate(solid):
            for other in solid[number + 1 :]:
                apart_x = one.x + one.w <= other.x or other.x + other.w <= one.x
                apart_y = one.y + one.h <= other.y or other.y + other.h <= one.y
                assert apart_x or apart_y


@settings(max_examples=100, deadline=None)
@given(_SCENES, _MODELS.filter(lambda model: model.touch))
def test_areas_to_tap_lie_apart_and_hold_their_points(scene, model):
    """No point of a touch screen means two things, and each action points into its own area."""
    view = view_for(scene, model)
    for drawing in pages(view):
        areas = [target.area for target in view._current().targets]
        assert len(areas) == len(drawing.actions)
        for number, (area, action) in enumerate(zip(areas, drawing.actions, strict=True)):
            assert area.holds(action.x, action.y)
            for other in areas[number + 1 :]:
                apart_x = area.x + area.w <= other.x or other.x + other.w <= area.x
                apart_y = area.y + area.h <= other.y or other.y + other.h <= area.y
                assert apart_x or apart_y


@settings(max_examples=100, deadline=None)
@given(_SCENES, _MODELS)
def test_every_drawing_survives_the_link(scene, model):
    """A frame of any page can be written as JSON and read back the same."""
    for drawing in pages(view_for(scene, model)):
        frame = Frame(sequence=1, width=model.screen_width, height=model.screen_height, drawing=drawing)
        assert Frame.from_json(frame.to_json()) == frame


@settings(max_examples=150, deadline=None)
@given(_REVIEWS, _MODELS, st.sampled_from([Role.APPROVE, Role.REJECT]))
def test_every_review_can_be_walked_to_either_answer(scene, model, role):
    """Going on leads to the approving and to the rejecting action, and each does what it says."""
    answer = walk(view_for(scene, model), lambda action: action.role is role)
    assert answer == Decided(approved=role is Role.APPROVE)


@settings(max_examples=100, deadline=None)
@given(_REVIEWS, _MODELS)
def test_nothing_can_be_approved_before_all_was_shown(scene, model):
    """The pages up to the approving action hold every character of every value."""
    shown = 0
    for drawing in pages(view_for(scene, model)):
        shown += sum(len(text) for text in drawing.texts())
        if any(action.role is Role.APPROVE for action in drawing.actions):
            break
    else:
        pytest.fail("no page approves")
    assert shown >= sum(len(value) for item in scene.items for value in item.values)


@settings(max_examples=100, deadline=None)
@given(_MENUS | _CHOICES, _MODELS, st.data())
def test_every_entry_and_option_can_be_selected(scene, model, data):
    """Counting the selecting actions from the first page leads to each index."""
    if isinstance(scene, Menu):
        scene = Menu(title=scene.title, entries=scene.entries, icon=scene.icon)
    count = len(scene.entries if isinstance(scene, Menu) else scene.options)
    index = data.draw(st.integers(0, count - 1))
    seen = iter(range(count))
    answer = walk(view_for(scene, model), lambda action: action.role is Role.SELECT and next(seen) == index)
    assert answer == Selected(index)


@settings(max_examples=60, deadline=None)
@given(_NOTICES | st.builds(WordList, title=_TEXT, words=_WORDS), _MODELS)
def test_every_notice_and_list_can_be_dismissed(scene, model):
    """Going on leads to the action that dismisses."""
    assert walk(view_for(scene, model), lambda action: action.role is Role.DISMISS) == Dismissed()


@settings(max_examples=60, deadline=None)
@given(_SCENES, _MODELS)
def test_equal_state_draws_equal_pictures(scene, model):
    """Two views of a scene show the same pages, and drawing changes nothing."""
    one, other = view_for(scene, model), view_for(scene, model)
    assert one.draw() is one.draw()
    assert list(pages(one)) == list(pages(other))
