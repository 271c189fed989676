"""The touch family: pages, areas to tap and to hold."""

from __future__ import annotations

import pytest
from display_hand import act, down, find, pages, push, tap, up, walk

from tallystick.device.os.display import view_for
from tallystick.wire.events import Button, FingerEvent
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Box, Code, Icon, Role
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
    ReviewKind,
    Selected,
    Tone,
    WordList,
)

_ADDRESS = "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl"
_REVIEW = Review(items=(Item("Amount", ("1 ATOM",)), Item("Memo", ("hello",))))
_LONG = Review(items=tuple(Item(f"Title {number}", ("z" * 40,)) for number in range(12)))


@pytest.fixture(params=["stax", "flex", "apex_p"])
def touch(request):
    """Each model with a touch screen."""
    return MODELS[request.param]


def _finger(x, y, *, pressed):
    return FingerEvent(x=x, y=y, pressed=pressed)


def _at_approval(touch, scene=_REVIEW):
    view = view_for(scene, touch)
    list(pages(view))
    approve = find(view, Role.APPROVE)
    assert approve is not None
    return view, approve


def test_review_begins_with_what_it_is(touch):
    """The first page says the intro in one line and leads on by a tap anywhere above the footer."""
    view = view_for(_REVIEW, touch)
    assert view.draw().texts() == ("Please review", "Tap to continue", "REJECT")
    assert tap(view, 3, 3) is None
    assert view.draw().texts()[:4] == ("Amount", "1 ATOM", "Memo", "hello")


def test_review_puts_several_items_on_a_page(touch):
    """Items follow each other on a page; all of them are there, in order, each whole."""
    drawings = list(pages(view_for(_LONG, touch)))
    titles = [text for drawing in drawings for text in drawing.texts() if text.startswith("Title")]
    assert titles == [f"Title {number}" for number in range(12)]
    assert len(drawings) < 2 + 12
    assert sum(text.count("z") for drawing in drawings for text in drawing.texts()) == 12 * 40


def test_review_walks_on_and_back_by_its_arrows(touch):
    """Next and previous lead to the neighbours; the last page has no next, the first no previous."""
    view = view_for(_LONG, touch)
    drawings = list(pages(view))
    for drawing in reversed(drawings[:-1]):
        back = find(view, Role.PREVIOUS)
        assert back is not None
        assert act(view, back) is None
        assert view.draw() == drawing
    assert find(view, Role.PREVIOUS) is None


def test_review_can_be_rejected_on_every_page(touch):
    """The area at the bottom left rejects, wherever one is."""
    count = len(list(pages(view_for(_LONG, touch))))
    for page in range(count):
        view = view_for(_LONG, touch)
        for _ in range(page):
            act(view, find(view, Role.NEXT))
        reject = find(view, Role.REJECT)
        assert reject.x < touch.screen_width // 2
        assert tap(view, reject.x, reject.y) == Decided(approved=False)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        (ReviewKind.TRANSACTION, "Hold to sign"),
        (ReviewKind.MESSAGE, "Hold to sign"),
        (ReviewKind.ADDRESS, "Hold to confirm"),
        (ReviewKind.OTHER, "Hold to confirm"),
    ],
)
def test_last_page_says_what_to_hold(touch, kind, hint):
    """The last page carries the label given and a hint by kind; nothing before it approves."""
    drawings = list(pages(view_for(Review(items=_REVIEW.items, kind=kind, approve="Sign it"), touch)))
    assert hint in drawings[-1].texts()
    assert "Sign it" in drawings[-1].texts()
    assert all(action.role is not Role.APPROVE for drawing in drawings[:-1] for action in drawing.actions)


def test_holding_for_long_enough_approves_without_letting_go(touch):
    """After one second the answer comes by itself, and letting go afterwards does nothing."""
    view, approve = _at_approval(touch)
    assert approve.hold_s == 1.0
    assert view.deadline_s() is None
    assert view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=10.0) is None
    assert view.deadline_s() == 11.0
    assert view.advance(now_s=10.999) is None
    assert view.advance(now_s=11.0) == Decided(approved=True)
    assert view.deadline_s() is None
    assert view.gesture(_finger(approve.x, approve.y, pressed=False), now_s=11.5) is None


def test_letting_go_after_the_time_approves_even_if_nobody_advanced(touch):
    """The time held counts, not who noticed first."""
    view, approve = _at_approval(touch)
    view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=0.0)
    assert view.gesture(_finger(approve.x, approve.y, pressed=False), now_s=1.0) == Decided(approved=True)


def test_letting_go_early_cancels(touch):
    """A hold too short approves nothing, then or later, and a new one begins from nothing."""
    view, approve = _at_approval(touch)
    view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=0.0)
    assert view.gesture(_finger(approve.x, approve.y, pressed=False), now_s=0.99) is None
    assert view.deadline_s() is None
    assert view.advance(now_s=5.0) is None
    view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=6.0)
    assert view.advance(now_s=6.5) is None
    assert view.advance(now_s=7.0) == Decided(approved=True)


def test_moving_out_cancels_a_hold_even_when_coming_back(touch):
    """A finger that slides off the area and on again has not held it; small moves inside do no harm."""
    view, approve = _at_approval(touch)
    view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=0.0)
    view.gesture(_finger(approve.x + 2, approve.y + 2, pressed=True), now_s=0.3)
    assert view.deadline_s() == 1.0
    view.gesture(_finger(approve.x, 0, pressed=True), now_s=0.5)
    view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=0.6)
    assert view.deadline_s() is None
    assert view.advance(now_s=3.0) is None
    assert view.gesture(_finger(approve.x, approve.y, pressed=False), now_s=3.0) is None


def test_view_shown_again_does_not_remember_a_finger(touch):
    """A hold does not go on while another view has the screen, and the next tap is a whole one."""
    view, approve = _at_approval(touch)
    view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=0.0)
    view.let_go()
    assert view.deadline_s() is None
    assert view.advance(now_s=5.0) is None
    assert view.gesture(_finger(approve.x, approve.y, pressed=False), now_s=5.0) is None
    reject = find(view, Role.REJECT)
    assert tap(view, reject.x, reject.y) == Decided(approved=False)


def test_pressing_changes_nothing_on_the_screen(touch):
    """While a finger is down the picture stays the same, so the next frame is what the gesture led to."""
    view, approve = _at_approval(touch)
    before = view.draw()
    view.gesture(_finger(approve.x, approve.y, pressed=True), now_s=0.0)
    view.advance(now_s=0.5)
    assert view.draw() is before


def test_tap_counts_where_it_began_and_ended(touch):
    """A finger that leaves an area before it is lifted, or arrives in it from outside, taps nothing."""
    view = view_for(_REVIEW, touch)
    reject = find(view, Role.REJECT)
    inside, outside = (reject.x, reject.y), (touch.screen_width - 1, touch.screen_height - 1)
    for first, last in ((inside, outside), (outside, inside)):
        assert view.gesture(_finger(*first, pressed=True), now_s=0.0) is None
        assert view.gesture(_finger(*last, pressed=False), now_s=0.1) is None
    assert tap(view, *inside) == Decided(approved=False)


def test_release_without_touch_and_points_outside_are_ignored(touch):
    """A finger already down when the scene came, and points that no screen has, do nothing."""
    view = view_for(_REVIEW, touch)
    before = view.draw()
    reject = find(view, Role.REJECT)
    assert view.gesture(_finger(reject.x, reject.y, pressed=False), now_s=0.0) is None
    assert tap(view, 4095, 4095) is None
    assert view.draw() is before


def test_buttons_mean_nothing(touch):
    """A touch model ignores buttons."""
    view = view_for(_REVIEW, touch)
    before = view.draw()
    for button in (Button.LEFT, Button.RIGHT, Button.BOTH):
        assert push(view, button) is None
    assert view.gesture(down(Button.LEFT), now_s=0.0) is None
    assert view.gesture(up(Button.LEFT), now_s=0.0) is None
    assert view.draw() is before


def test_address_review_shows_a_code_of_the_address(touch):
    """The address stands on a page of its own, as a QR code and as text that together say the same."""
    items = (Item("Address", (_ADDRESS,)), Item("Path", ("44'/118'/0'/0/0",)))
    drawings = list(pages(view_for(Review(kind=ReviewKind.ADDRESS, items=items), touch)))
    (code,) = [element for element in drawings[1].elements if isinstance(element, Code)]
    assert code.text == _ADDRESS
    assert code.w == code.h
    assert _ADDRESS in "".join(drawings[1].texts())
    assert drawings[2].texts()[:2] == ("Path", "44'/118'/0'/0/0")


@pytest.mark.parametrize("value", ["cosmos1\u202eabc", "x" * 200, ""])
def test_no_code_that_would_say_other_than_the_text(touch, value):
    """An address with hidden characters, a very long one and an empty one are shown as text only."""
    scene = Review(kind=ReviewKind.ADDRESS, items=(Item("Address", (value,)),))
    drawings = list(pages(view_for(scene, touch)))
    assert not any(isinstance(element, Code) for drawing in drawings for element in drawing.elements)
    assert drawings[1].texts()[0] == "Address"


def test_only_address_reviews_have_a_code(touch):
    """A transaction never shows a QR code."""
    scene = Review(items=(Item("To", (_ADDRESS,)),))
    drawings = pages(view_for(scene, touch))
    assert not any(isinstance(element, Code) for drawing in drawings for element in drawing.elements)


def test_menu_rows_are_tapped(touch):
    """Each entry has a row with its value, and the row answers its index."""
    entries = (Entry("Cosmos"), Entry("Expert mode", "disabled"), Entry("Quit"))
    view = view_for(Menu(title="Cosmos", icon="cosmos", entries=entries), touch)
    assert view.draw().texts() == ("Cosmos", "Cosmos", "Expert mode", "disabled", "Quit")
    rows = [action for action in view.draw().actions if action.role is Role.SELECT]
    assert [action.label for action in rows] == ["Cosmos", "Expert mode", "Quit"]
    assert [tap(view, action.x, action.y) for action in rows] == [Selected(0), Selected(1), Selected(2)]
    assert tap(view, 1, 1) is None


def test_long_menu_has_pages_and_opens_at_its_start(touch):
    """Entries that do not fit follow on further pages; the menu opens on the page of its start entry."""
    entries = tuple(Entry(f"entry {number}") for number in range(40))
    view = view_for(Menu(title="Many", entries=entries), touch)
    assert walk(view, lambda action: action.label == "entry 39") == Selected(39)
    opened = view_for(Menu(title="Many", entries=entries, start=39), touch).draw()
    assert "entry 39" in opened.texts()
    assert "entry 0" not in opened.texts()


def test_choice_shows_question_and_options_together(touch):
    """A short question and its options share a page, the first option on top."""
    view = view_for(Choice(lines=("Open app", "Cosmos?"), options=("Open", "Cancel")), touch)
    assert view.draw().texts() == ("Open app", "Cosmos?", "Open", "Cancel")
    first, second = view.draw().actions
    assert first.y < second.y
    assert (tap(view, first.x, first.y), tap(view, second.x, second.y)) == (Selected(0), Selected(1))


def test_long_choice_shows_all_text_before_the_options(touch):
    """A question too long, or too many options, are cut into pages; nothing is lost."""
    lines = tuple(f"line {number}" for number in range(30))
    scene = Choice(lines=lines, options=tuple(f"option {number}" for number in range(9)))
    shown = [text for drawing in pages(view_for(scene, touch)) for text in drawing.texts() if " " in text]
    assert shown == [*lines, *scene.options]
    assert walk(view_for(scene, touch), lambda action: action.label == "option 8") == Selected(8)


def test_notice_is_dismissed_by_its_button(touch):
    """A notice shows its tone and leaves by its button alone."""
    view = view_for(Notice(lines=("Expert mode", "required"), tone=Tone.WARNING, button="Got it"), touch)
    assert view.draw().texts() == ("Expert mode", "required", "Got it")
    assert "warning" in [element.name for element in view.draw().elements if isinstance(element, Icon)]
    assert tap(view, 1, 1) is None
    assert act(view, find(view, Role.DISMISS)) == Dismissed()


def test_long_notice_is_dismissed_at_its_end(touch):
    """The button of a long notice is on its last page."""
    lines = tuple(f"line {number}" for number in range(40))
    view = view_for(Notice(lines=lines), touch)
    drawings = list(pages(view))
    assert [text for drawing in drawings for text in drawing.texts() if text.startswith("line")] == list(lines)
    has_button = [any(action.role is Role.DISMISS for action in drawing.actions) for drawing in drawings]
    assert has_button == [False] * (len(drawings) - 1) + [True]


@pytest.mark.parametrize(("percent", "filled"), [(37, [37]), (150, [100]), (None, [])])
def test_progress_draws_a_bar_and_asks_nothing(touch, percent, filled):
    """The bar is as full as told; no gesture leads on."""
    view = view_for(Progress(text="Loading", percent=percent), touch)
    assert view.draw().texts() == ("Loading",)
    assert [element.filled for element in view.draw().elements if isinstance(element, Box)] == filled
    assert view.draw().actions == ()
    assert tap(view, 10, 10) is None


def test_words_stand_twelve_on_a_page(touch):
    """Recovery words are numbered in two columns of six, and a closing page answers."""
    words = tuple(f"word{letter}" for letter in "abcdefghijklmnopqr")
    view = view_for(WordList(title="Write down", words=words), touch)
    drawings = list(pages(view))
    shown = [[text for text in drawing.texts() if ". " in text] for drawing in drawings]
    numbered = [f"{number}. {word}" for number, word in enumerate(words, 1)]
    assert shown == [numbered[:12], numbered[12:], []]
    left = {element.x for element in drawings[0].elements if getattr(element, "text", "").startswith(("1.", "6."))}
    right = {element.x for element in drawings[0].elements if getattr(element, "text", "").startswith(("7.", "12."))}
    assert len(left) == len(right) == 1
    assert left != right
    assert act(view, find(view, Role.DISMISS)) == Dismissed()
