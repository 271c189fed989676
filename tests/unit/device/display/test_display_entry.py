"""Typing PINs and words on every model."""

from __future__ import annotations

import pytest
from display_hand import act, find, push, type_keys
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic

from tallystick.device.os.display import view_for
from tallystick.device.os.display.entry import BACKSPACE, CONFIRM, DIGITS, MAX_OFFERED, PinKeys, WordKeys
from tallystick.device.os.display.nano import Line
from tallystick.device.os.display.sheet import Key
from tallystick.errors import LocalProtocolError
from tallystick.wire.events import Button
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Role
from tallystick.wire.screen import Entered, PinEntry, WordEntry

_WORDS = tuple(Mnemonic("english").wordlist)
_PIN = PinEntry(title="Enter PIN")


@pytest.fixture(params=sorted(MODELS))
def model(request):
    """Each model."""
    return MODELS[request.param]


def _keys(view):
    return [action.label for action in view.draw().actions if action.role is Role.KEY]


def test_pin_is_typed_and_confirmed(model):
    """Digits and `confirm` give the PIN back, on every model by its actions alone."""
    view = view_for(_PIN, model)
    assert type_keys(view, [*"204680", CONFIRM]) == Entered("204680")


def test_pin_is_shown_as_dots(model):
    """The line of the PIN shows how many digits there are, never which."""
    view = view_for(_PIN, model)
    assert view.draw().texts()[:2] == ("Enter PIN", "________")
    type_keys(view, list("777"))
    assert view.draw().texts()[1] == "•••_____"


def test_backspace_takes_the_last_digit(model):
    """A mistyped digit can be taken back."""
    view = view_for(_PIN, model)
    assert type_keys(view, [*"1239", BACKSPACE, *"4", CONFIRM]) == Entered("1234")


def test_touch_screen_has_only_keys_that_mean_something():
    """No backspace before the first digit, no confirm before the minimum, no digit after the maximum."""
    view = view_for(_PIN, MODELS["stax"])
    assert sorted(_keys(view)) == sorted(DIGITS)
    type_keys(view, ["1"])
    assert sorted(_keys(view)) == sorted([*DIGITS, BACKSPACE])
    type_keys(view, list("234"))
    assert sorted(_keys(view)) == sorted([*DIGITS, BACKSPACE, CONFIRM])
    type_keys(view, list("5678"))
    assert sorted(_keys(view)) == sorted([BACKSPACE, CONFIRM])


@pytest.mark.parametrize(
    ("digits", "order"),
    [
        ("", [*DIGITS]),
        ("1", [*DIGITS, BACKSPACE]),
        ("1234", [*DIGITS, CONFIRM, BACKSPACE]),
        ("12345678", [CONFIRM, BACKSPACE]),
    ],
)
def test_two_buttons_go_round_the_keys_from_a_fixed_start(digits, order):
    """The row of keys always begins at the same key, in both directions, so a script can count."""
    for button, expected in ((Button.RIGHT, order), (Button.LEFT, [order[0], *reversed(order[1:])])):
        view = view_for(_PIN, MODELS["nanox"])
        type_keys(view, list(digits))
        seen = []
        for _ in order:
            seen += _keys(view)
            push(view, button)
        assert seen == expected
        assert _keys(view) == order[:1]


def test_key_that_is_not_possible_changes_nothing():
    """The entry itself checks keys: a screen that offers a wrong one does no harm."""
    keys = PinKeys(PinEntry(title="", minimum=4, maximum=5))
    for key in (BACKSPACE, CONFIRM, "a", "10", ""):
        assert keys.take(key) is None
    assert keys.shown() == "_____"
    for key in "123456":
        keys.take(key)
    assert keys.take(CONFIRM) == Entered("12345")
    words = WordKeys(WordEntry(title="", candidates=_WORDS))
    for key in ("x", "1", "abandon", "", BACKSPACE):
        assert words.take(key) is None
    assert words.shown() == ""


@pytest.mark.parametrize("word", ["abandon", "act", "action", "zoo", "confirm", "letter", "youth"])
def test_word_is_found_by_its_letters(model, word):
    """Letters narrow the list until the word itself is offered; taking it answers."""
    view = view_for(WordEntry(title="Word #1", candidates=_WORDS), model)
    for letter in word:
        try:
            answer = type_keys(view, [word])
        except AssertionError:
            assert type_keys(view, [letter]) is None
            continue
        assert answer == Entered(word)
        return
    assert type_keys(view, [word]) == Entered(word)


def test_only_letters_that_lead_to_a_word_are_offered(model):
    """No word begins with x, so there is no such key; after `q` only `u` leads on."""
    view = view_for(WordEntry(title="Word #1", candidates=_WORDS), model)
    letters = set()
    for _ in range(40):
        letters |= set(_keys(view))
        onward = find(view, Role.NEXT)
        if onward is not None:
            act(view, onward)
    assert letters == set("abcdefghijklmnopqrstuvwyz")
    type_keys(view, ["q"])
    assert "u" in _keys(view)
    assert len(_keys(view)) == (2 if model.touch else 1)


def test_backspace_takes_the_last_letter(model):
    """A mistyped letter can be taken back."""
    view = view_for(WordEntry(title="Word #1", candidates=_WORDS), model)
    type_keys(view, ["a", "b", BACKSPACE])
    assert view.draw().texts()[1] == "a"


def test_word_that_begins_others_is_offered_among_them():
    """A word that is also the beginning of many can still be chosen."""
    words = tuple(["ab", *(f"ab{letter}" for letter in "cdefghijk")])
    keys = WordKeys(WordEntry(title="", candidates=words))
    keys.take("a")
    assert keys.possible() == ("b", BACKSPACE)
    keys.take("b")
    assert keys.possible() == ("ab", *"cdefghijk", BACKSPACE)
    assert keys.take("ab") == Entered("ab")


@settings(max_examples=60)
@given(
    st.lists(st.text("abc", min_size=2, max_size=6), min_size=1, max_size=60, unique=True).flatmap(
        lambda words: st.tuples(st.just(tuple(words)), st.sampled_from(words))
    )
)
def test_every_word_of_every_list_can_be_entered(case):
    """By letters and then the word, each candidate is reached, and never are more than a few words offered."""
    candidates, wanted = case
    keys = WordKeys(WordEntry(title="", candidates=candidates))
    for letter in wanted:
        assert len(keys.words) <= MAX_OFFERED
        if wanted in keys.words:
            break
        assert keys.take(letter) is None
    assert keys.take(wanted) == Entered(wanted)


def test_nothing_typed_shows_in_a_repr(model):
    """The state of an entry and its answer keep digits and words out of `repr`."""
    view = view_for(PinEntry(title="t", minimum=4, maximum=4), model)
    answer = type_keys(view, [*"9753", CONFIRM])
    keys = PinKeys(_PIN)
    keys.take("9")
    parts = (view, keys, answer, WordEntry(title="w", candidates=_WORDS), Key("9"), Line("abandon"))
    assert not [secret for secret in ("9753", "'9'", "abandon") for part in parts if secret in repr(part)]


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 8), (5, 4), (4, 17), (-1, -1)])
def test_pin_of_impossible_length_is_our_own_mistake(minimum, maximum):
    """The OS must not ask for a PIN that nobody can enter."""
    with pytest.raises(LocalProtocolError):
        view_for(PinEntry(title="", minimum=minimum, maximum=maximum), MODELS["nanox"])


@pytest.mark.parametrize("candidates", [(), ("a",), ("Abandon",), ("été",), ("ab cd",)])
def test_word_out_of_an_unusable_list_is_our_own_mistake(candidates):
    """The OS must not ask for a word that the keyboard cannot enter."""
    with pytest.raises(LocalProtocolError):
        view_for(WordEntry(title="", candidates=candidates), MODELS["stax"])
