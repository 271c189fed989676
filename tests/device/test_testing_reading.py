"""Reading any review off the screens of any model."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.os.display.factory import view_for
from tallystick.errors import UsageError
from tallystick.testing import User
from tallystick.wire.events import FingerEvent
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Frame
from tallystick.wire.screen import Choice, Decided, Dismissed, Item, Menu, Notice, Review, Selected

TITLES = st.text(string.ascii_letters, min_size=1, max_size=12) | st.sampled_from(["REJECT", "APPROVE", "Fee", "1/2"])
VALUES = st.text(string.ascii_letters + string.digits + " :/[]", max_size=150) | st.sampled_from(
    ["REJECT", "APPROVE", "1/2"]
)


class Sheet:
    """One scene on one model, without a device: what a `User` needs."""

    def __init__(self, scene, model):
        self._view, self._model, self._scene = view_for(scene, MODELS[model]), MODELS[model], scene
        self._now_s, self._sequence, self.answer = 0.0, 0, None

    @property
    def frame(self):
        """The screen as it is now."""
        self._sequence += 1
        model, name = self._model, type(self._scene).__name__.lower()
        return Frame(
            sequence=self._sequence,
            width=model.screen_width,
            height=model.screen_height,
            drawing=self._view.draw(),
            scene=name,
        )

    def perform(self, action):
        """Carry out an action; a finger stays as long as it has to."""
        for gesture in action.gestures():
            if isinstance(gesture, FingerEvent) and not gesture.pressed:
                self._now_s += action.hold_s
            self.answer = self._view.gesture(gesture, now_s=self._now_s) or self.answer


@pytest.mark.parametrize("model", MODELS)
@given(items=st.lists(st.tuples(TITLES, VALUES), max_size=6))
def test_every_review_is_read_as_it_was_meant(model, items):
    """Whatever titles and values a review has, also those that look like buttons or are empty, they are read to the letter."""
    sheet = Sheet(Review(items=tuple(Item(title, (value,)) for title, value in items)), model)
    reading = User(sheet).approve()
    assert sheet.answer == Decided(approved=True)
    assert [tuple(item) for item in reading.items] == [("", "Please review"), *items]


@pytest.mark.parametrize("model", MODELS)
def test_a_title_too_long_for_the_screen_is_read_whole(model):
    """A title that must be shortened is shown whole before it (os, pagination): both are read, as pages of their own."""
    title = "x" * 100
    reading = User(Sheet(Review(items=(Item(title, ("value",)), Item("Fee", ("1",)))), model)).approve()
    assert title in "".join(page.title for page in reading).replace(" ", "")
    assert reading[-2].value == "value"
    assert len(reading[-2].title) < len(title)
    assert reading.value("Fee") == "1"


@pytest.mark.parametrize("model", MODELS)
def test_questions_and_notices_are_read(model):
    """A question and a notice are pages without a title; the labels of their buttons are no part of them."""
    sheet = Sheet(Choice(lines=("Open app", "Cosmos"), options=("Open", "Not now please", "Cancel")), model)
    assert User(sheet).reject() == (("", "Open app Cosmos"),)
    assert sheet.answer == Selected(2)
    sheet = Sheet(Choice(lines=("Open app",), options=("Open", "Not now please")), model)
    User(sheet).choose("not now please")
    assert sheet.answer == Selected(1)
    sheet = Sheet(Notice(lines=("Expert mode", "required"), button="Understood"), model)
    assert User(sheet).dismiss() == (("", "Expert mode required"),)
    assert sheet.answer == Dismissed()


@pytest.mark.parametrize("model", MODELS)
def test_empty_lines_are_no_pages(model):
    """A screen that says nothing but its button is no page."""
    assert User(Sheet(Notice(lines=("",)), model)).dismiss() == ()


@pytest.mark.parametrize("model", MODELS)
def test_an_empty_menu_offers_nothing(model):
    """On a menu without entries nothing can be chosen, and looking for it ends."""
    with pytest.raises(UsageError, match="only nothing"):
        User(Sheet(Menu(title="Empty", entries=()), model)).choose("Settings")
