"""Text made fit for a small screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.os.display import text


@pytest.mark.parametrize("harmless", ["", "cosmos1abc", "44'/118'/0'/0/0", "déjà vu µ", "a  b "])
def test_clean_leaves_plain_text_alone(harmless):
    """Printable characters of one cell stay as they are, spaces included."""
    assert text.clean(harmless) == harmless


_CONTROLS = ("\x00", "\n", "\r", "\x1b", "\x7f", "\x85", "\ud800", "\ue000")
_INVISIBLE = ("\u00a0", "\u00ad", "\u200b", "\u202e", "\u2028", "\ufeff")
_NOT_ONE_CELL = ("\u0301", "\u05d0", "\u0639", "漢", "\U0001f600")


@pytest.mark.parametrize(
    "character",
    [*_CONTROLS, *_INVISIBLE, *_NOT_ONE_CELL],
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_clean_replaces_what_is_not_one_plain_cell(character):
    """Characters that are invisible, wide, joined or turned become U+FFFD, one for one."""
    assert text.clean(f"a{character}b") == "a\ufffdb"


@given(st.text(st.characters(), max_size=60))
def test_clean_keeps_length_and_is_printable(given_text):
    """Whatever comes, what is shown is printable and as long, and cleaning again changes nothing."""
    cleaned = text.clean(given_text)
    assert len(cleaned) == len(given_text)
    assert cleaned.isprintable()
    assert text.clean(cleaned) == cleaned


@given(st.text(max_size=200), st.integers(min_value=1, max_value=40))
def test_lines_cut_by_characters_are_the_text_again(given_text, columns):
    """Nothing is lost, added or too wide when a value is cut, and only the last line is short."""
    lines = text.wrap_characters(given_text, columns)
    assert "".join(lines) == given_text
    assert all(len(line) == columns for line in lines[:-1])
    assert len(lines[-1]) <= columns


@given(st.lists(st.text("abcdef", min_size=1, max_size=30), max_size=12), st.integers(min_value=1, max_value=20))
def test_lines_cut_by_words_keep_every_letter(words, columns):
    """All letters stay in order and no line is too wide."""
    lines = text.wrap_words(" ".join(words), columns)
    assert "".join(lines).replace(" ", "") == "".join(words)
    assert all(len(line) <= columns for line in lines)


def test_words_stay_whole_where_they_fit():
    """A line ends at a space; only a word longer than the line is cut."""
    assert text.wrap_words("Open the Cosmos application", 8) == ["Open the", "Cosmos", "applicat", "ion"]


@pytest.mark.parametrize(("columns", "shown"), [(6, "Cosmos"), (5, "Cosm…"), (1, "…")])
def test_clip_marks_what_is_left_out(columns, shown):
    """A text too long ends in an ellipsis and is just as wide as allowed."""
    assert text.clip("Cosmos", columns) == shown


def test_clip_lines_marks_the_last_line():
    """Lines left out show as an ellipsis on the last line that stays."""
    assert text.clip_lines(["one", "two", "three"], rows=2, columns=4) == ["one", "two…"]
    assert text.clip_lines(["one", "four"], rows=2, columns=4) == ["one", "four"]
    assert text.clip_lines(["one", "four", "x"], rows=2, columns=4) == ["one", "fou…"]


def test_names_for_programs_are_bounded():
    """A label for scripts is cleaned and cut to the limit."""
    assert text.name("a\nb") == "a\ufffdb"
    assert len(text.name("x" * 5000)) == text.MAX_NAME
