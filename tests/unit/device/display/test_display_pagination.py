"""Items of a review cut into chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.os.display import layout_for
from tallystick.device.os.display.pagination import Chunk, chunks
from tallystick.wire.model import MODELS
from tallystick.wire.screen import Item

_LAYOUTS = [layout_for(model) for model in MODELS.values()]
_ADDRESS = "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl"


def test_value_longer_than_a_page_is_counted_in_the_titles():
    """An address of 45 characters takes two pages of 34 (nanos) and one of 51 (nanox)."""
    item = Item("From", (_ADDRESS,))
    low, high = layout_for(MODELS["nanos"]), layout_for(MODELS["nanox"])
    assert chunks([item], low) == [Chunk(("From [1/2]",), _ADDRESS[:34]), Chunk(("From [2/2]",), _ADDRESS[34:])]
    assert chunks([item], high) == [Chunk(("From",), _ADDRESS)]


def test_title_takes_a_second_line_where_there_is_one():
    """On the higher screens a title of two lines stands above its value."""
    item = Item("Delegator Address", ("x" * 52,))
    first, second = chunks([item], layout_for(MODELS["nanox"]))
    assert first == Chunk(("Delegator Address", "[1/2]"), "x" * 51)
    assert second == Chunk(("Delegator Address", "[2/2]"), "x")


def test_title_too_long_is_shown_whole_first():
    """On the lowest screen a long title has a page of its own before it is shortened, its count kept."""
    item = Item("Validator Operator Address", ("y" * 35,))
    assert chunks([item], layout_for(MODELS["nanos"])) == [
        Chunk(("Validator Operato", "r Address"), None),
        Chunk(("Validator … [1/2]",), "y" * 34),
        Chunk(("Validator … [2/2]",), "y"),
    ]


@pytest.mark.parametrize("values", [(), ("",)])
def test_item_without_value_still_has_a_page(values):
    """An item of no values, or of an empty one, is one page with its title and an empty line."""
    assert chunks([Item("Memo", values)], layout_for(MODELS["nanox"])) == [Chunk(("Memo",), "")]


def test_hostile_characters_are_replaced_in_titles_and_values():
    """Control characters of an app never reach the screen."""
    assert chunks([Item("Me\nmo", ("a\x00b",))], layout_for(MODELS["nanox"])) == [Chunk(("Me\ufffdmo",), "a\ufffdb")]


@given(
    st.builds(
        Item,
        title=st.text("abc XYZ\n", max_size=120),
        values=st.lists(st.text(max_size=600), min_size=1, max_size=4).map(tuple),
    ),
    st.sampled_from(_LAYOUTS),
)
def test_chunks_hold_the_whole_item_and_fit(item, layout):
    """Every character of the values is there, in order; nothing is wider or higher than a page; a cut title stood whole."""
    parts = chunks([item], layout)
    replaced = [len(value) for value in item.values]
    assert sum(len(part.text or "") for part in parts) == sum(replaced)
    for part in parts:
        assert 1 <= part.rows(layout.columns) <= layout.rows
        assert part.rows(layout.columns) == len(part.title) + len(part.value_lines(layout.columns))
        assert all(len(line) <= layout.columns for line in part.title)
    if any("…" in line for part in parts for line in part.title):
        whole = "".join(line for part in parts if part.text is None for line in part.title)
        assert whole == item.title.replace("\n", "\ufffd")
