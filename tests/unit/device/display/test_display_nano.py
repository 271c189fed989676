"""The two-button family: pages and how the buttons walk them."""

from __future__ import annotations

import pytest
from display_hand import down, find, pages, push, up

from tallystick.device.os.display import view_for
from tallystick.wire.events import Button, FingerEvent
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Box, Icon, Role, Text
from tallystick.wire.screen import (
    Choice,
    Decided,
    Dismissed,
    Entry,
    Item,
    Menu,
    Notice,
    Progress,
    Review,
    Selected,
    Tone,
    WordList,
)

L, R, B = Button.LEFT, Button.RIGHT, Button.BOTH
_STEPS = {"<": L, ">": R, "=": B}

_REVIEW = Review(items=(Item("Amount", ("1 ATOM",)), Item("Memo", ("hello",))))
_MENU = Menu(
    title="Cosmos", entries=(Entry("is ready"), Entry("Expert mode:", "disabled"), Entry("Quit")), icon="cosmos"
)
_CHOICE = Choice(lines=("Open app", "Cosmos?"), options=("Open", "Cancel"))


def _play(view, steps):
    """Press as `steps` say (< left, > right, = both) and return the answers."""
    return [push(view, _STEPS[step]) for step in steps]


def _first(view):
    return view.draw().texts()[0]


@pytest.fixture(params=["nanos", "nanox", "nanosp"])
def nano(request):
    """Each model with two buttons."""
    return MODELS[request.param]


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        ("", "Please"),
        ("<", "Please"),
        (">", "Amount"),
        ("><", "Please"),
        (">>", "Memo"),
        (">>>", "APPROVE"),
        (">>>>", "REJECT"),
        (">>>>>>", "REJECT"),
        (">>>><", "APPROVE"),
        ("=", "Please"),
        (">=", "Amount"),
    ],
)
def test_review_walks_without_going_round(nano, steps, shown):
    """Left and right walk the pages of a review and stop at its ends; both do nothing on a page to read."""
    view = view_for(_REVIEW, nano)
    assert _play(view, steps) == [None] * len(steps)
    assert _first(view) == shown


@pytest.mark.parametrize(("steps", "approved"), [(">>>=", True), (">>>>=", False), (">>>><=", True)])
def test_review_is_decided_by_both_on_the_last_pages(nano, steps, approved):
    """Both on the first label approves, on the second rejects."""
    assert _play(view_for(_REVIEW, nano), steps)[-1] == Decided(approved=approved)


def test_review_pages_read_as_the_reference_says():
    """On nanox: Please review, one page for each page of a value with its count, APPROVE, REJECT (cosmos-app 4)."""
    address = "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl"
    scene = Review(items=(Item("From", (address,)), Item("Memo", ("m" * 60,)), Item("Fee", ("1 ATOM", "2 OSMO"))))
    assert [page.texts() for page in pages(view_for(scene, MODELS["nanox"]))] == [
        ("Please", "review"),
        ("From", "cosmos1r5v5srda7x", "fth3hn2s26txvrcrn", "tldjumt8mhl"),
        ("Memo [1/2]", "m" * 17, "m" * 17, "m" * 17),
        ("Memo [2/2]", "m" * 9),
        ("Fee [1/2]", "1 ATOM"),
        ("Fee [2/2]", "2 OSMO"),
        ("APPROVE",),
        ("REJECT",),
    ]


def test_review_without_items_can_still_be_decided(nano):
    """A review of nothing is an intro and the two labels."""
    assert [page.texts()[0] for page in pages(view_for(Review(items=()), nano))] == ["Please", "APPROVE", "REJECT"]


def test_arrows_and_actions_say_where_one_can_go(nano):
    """The first page leads only on, the last only back, and an arrow is drawn for each."""
    drawings = list(pages(view_for(_REVIEW, nano)))
    for number, drawing in enumerate(drawings):
        roles = {action.role: action.button for action in drawing.actions}
        assert roles.get(Role.PREVIOUS) == (L if number > 0 else None)
        assert roles.get(Role.NEXT) == (R if number < len(drawings) - 1 else None)
        arrows = {icon.name for icon in drawing.elements if isinstance(icon, Icon)} & {"left", "right"}
        assert arrows == {name for name, role in (("left", Role.PREVIOUS), ("right", Role.NEXT)) if role in roles}


@pytest.mark.parametrize(
    ("steps", "index"), [("=", 0), (">=", 1), (">>=", 2), (">>>=", 0), ("<=", 2), ("<<<=", 0), (">><=", 1)]
)
def test_menu_goes_round(nano, steps, index):
    """Left and right go round the entries of a menu, both choose."""
    *before, answer = _play(view_for(_MENU, nano), steps)
    assert before == [None] * len(before)
    assert answer == Selected(index)


def test_menu_can_be_used_again_after_a_choice(nano):
    """An idle menu answers each time, and stays where it is."""
    view = view_for(_MENU, nano)
    assert _play(view, ">==") == [None, Selected(1), Selected(1)]


def test_menu_says_what_is_running_on_its_first_entry(nano):
    """Title and picture stand with the first entry only, values below their labels."""
    drawings = list(pages(view_for(_MENU, nano)))
    assert [drawing.texts() for drawing in drawings] == [
        ("Cosmos", "is ready"),
        ("Expert mode:", "disabled"),
        ("Quit",),
    ]
    assert any(isinstance(element, Icon) and element.name == "cosmos" for element in drawings[0].elements) == (
        nano.screen_height > 32
    )
    assert all(element.name in ("left", "right") for element in drawings[1].elements if isinstance(element, Icon))


@pytest.mark.parametrize(("start", "shown"), [(1, "Expert mode:"), (2, "Quit"), (9, "Quit"), (-1, "Cosmos")])
def test_menu_begins_where_it_is_told(nano, start, shown):
    """A menu opens at its start entry, or at the nearest there is."""
    assert _first(view_for(Menu(title="Cosmos", entries=_MENU.entries, start=start), nano)) == shown


def test_menu_of_one_entry_leads_nowhere(nano):
    """With one entry there is nothing to walk to, and the buttons show it."""
    view = view_for(Menu(title="A", entries=(Entry("A"),)), nano)
    assert [action.role for action in view.draw().actions] == [Role.SELECT]
    assert view.draw().texts() == ("A",)
    assert _play(view, "><=") == [None, None, Selected(0)]


def test_menu_of_nothing_shows_its_title(nano):
    """A menu without entries cannot answer."""
    view = view_for(Menu(title="Empty", entries=()), nano)
    assert view.draw().texts() == ("Empty",)
    assert _play(view, "<>=") == [None] * 3


@pytest.mark.parametrize(("steps", "index"), [(">=", 0), (">>=", 1), (">>>>=", 1), (">><=", 0)])
def test_choice_shows_the_question_then_the_options(nano, steps, index):
    """The options follow the question; the row does not go round."""
    view = view_for(_CHOICE, nano)
    assert view.draw().texts() == ("Open app", "Cosmos?")
    assert push(view, B) is None
    assert _play(view, steps)[-1] == Selected(index)


@pytest.mark.parametrize("button", [B, R])
def test_notice_is_dismissed_by_both_or_right(nano, button):
    """A notice of one page shows its label and leaves by either gesture; left does nothing."""
    view = view_for(Notice(lines=("Expert mode", "required"), button="Ok"), nano)
    assert view.draw().texts() == ("Expert mode", "required", "Ok")
    assert push(view, L) is None
    assert push(view, button) == Dismissed()


def test_long_notice_is_dismissed_at_its_end(nano):
    """A notice longer than a page is read to its end before anything dismisses it."""
    view = view_for(Notice(lines=tuple(f"line {number}" for number in range(10))), nano)
    assert find(view, Role.DISMISS) is None
    assert push(view, B) is None
    drawings = list(pages(view))
    assert "line 9" in drawings[-1].texts()
    assert [drawing.texts()[-1] == "Ok" for drawing in drawings] == [False] * (len(drawings) - 1) + [True]
    assert push(view, R) == Dismissed()


@pytest.mark.parametrize(
    ("tone", "icon"), [(Tone.SUCCESS, "check"), (Tone.WARNING, "warning"), (Tone.FAILURE, "cross")]
)
def test_notice_shows_its_tone(tone, icon):
    """Where there is room, a picture says how serious it is."""
    drawing = view_for(Notice(lines=("Something",), tone=tone), MODELS["nanox"]).draw()
    assert icon in [element.name for element in drawing.elements if isinstance(element, Icon)]


@pytest.mark.parametrize(
    ("percent", "filled"), [(0, [0]), (37, [37]), (100, [100]), (150, [100]), (-1, [0]), (None, [])]
)
def test_progress_draws_a_bar_and_asks_nothing(nano, percent, filled):
    """The bar is as full as told, within bounds; without a percentage there is none; no gesture leads on."""
    view = view_for(Progress(text="Loading", percent=percent), nano)
    drawing = view.draw()
    assert drawing.texts() == ("Loading",)
    assert [element.filled for element in drawing.elements if isinstance(element, Box)] == filled
    assert drawing.actions == ()
    assert _play(view, "<>=") == [None] * 3


def test_long_text_leaves_room_for_the_bar(nano):
    """However long the text of a progress, the bar stands below it."""
    elements = view_for(Progress(text="word " * 50, percent=5), nano).draw().elements
    (bar,) = [element for element in elements if isinstance(element, Box)]
    assert all(element.y + element.h <= bar.y for element in elements if isinstance(element, Text))


def test_words_come_one_by_one_with_a_closing_page(nano):
    """Each recovery word has its page and number; only the closing page answers."""
    view = view_for(WordList(title="Write down", words=("abandon", "ability")), nano)
    shown = [drawing.texts() for drawing in pages(view)]
    assert shown == [("Write down",), ("Word #1", "abandon"), ("Word #2", "ability"), ("Done",)]
    assert push(view, R) is None
    assert push(view, B) == Dismissed()


def test_nothing_happens_before_the_buttons_are_up(nano):
    """Pressing changes nothing on the screen: the page turns when the button is let go."""
    view = view_for(_REVIEW, nano)
    before = view.draw()
    assert view.gesture(down(R), now_s=0.0) is None
    assert view.draw() == before
    assert view.gesture(up(R), now_s=9.0) is None
    assert view.draw() != before


@pytest.mark.parametrize("events", ["LRlr", "LRrl", "RLlr", "RLrl"])
def test_both_decide_in_any_order(nano, events):
    """However two fingers land and leave, the answer comes with the last of them and only once."""
    view = view_for(Review(items=(), intro=()), nano)
    answers = [
        view.gesture((down if event.isupper() else up)(L if event in "Ll" else R), now_s=number * 1.5)
        for number, event in enumerate(events)
    ]
    assert answers == [None, None, None, Decided(approved=True)]


def test_button_held_while_the_screen_changed_is_not_a_gesture(nano):
    """The release of a button pressed on an earlier screen does not answer this one."""
    view = view_for(Notice(lines=("Read me",)), nano)
    assert view.gesture(up(R), now_s=0.0) is None
    assert view.gesture(up(L), now_s=0.0) is None
    assert push(view, R) == Dismissed()


def test_view_shown_again_does_not_remember_a_button(nano):
    """A button pressed before the view was covered does not turn the next one into both."""
    view = view_for(Review(items=(), intro=()), nano)
    view.gesture(down(L), now_s=0.0)
    view.let_go()
    assert push(view, R) is None
    assert view.draw().texts() == ("REJECT",)


def test_finger_and_time_mean_nothing(nano):
    """A two-button model ignores a finger, wants no deadline, and time alone answers nothing."""
    view = view_for(_REVIEW, nano)
    before = view.draw()
    for pressed in (True, False):
        assert view.gesture(FingerEvent(x=64, y=16, pressed=pressed), now_s=0.0) is None
    assert view.deadline_s() is None
    assert view.advance(now_s=1e9) is None
    assert view.draw() == before


def test_unchanged_page_is_the_same_drawing(nano):
    """Drawing twice gives the very same object, drawing after a turn another one, even if it looks alike."""
    view = view_for(Review(items=(Item("A", ("same",)), Item("A", ("same",)))), nano)
    push(view, R)
    first = view.draw()
    assert view.draw() is first
    push(view, R)
    assert view.draw() == first
    assert view.draw() is not first


def test_labels_longer_than_a_page_are_cut_with_a_mark(nano):
    """A hostile label does not run out of the screen, and the label for scripts stays bounded."""
    drawing = view_for(Menu(title="T", entries=(Entry("x" * 4000, "y" * 4000), Entry("b")), start=0), nano).draw()
    assert all(len(text) <= 17 for text in drawing.texts())
    assert any(text.endswith("…") for text in drawing.texts())
    assert all(len(action.label) <= 128 for action in drawing.actions)
    assert all(element.y + element.h <= nano.screen_height for element in drawing.elements if isinstance(element, Text))
