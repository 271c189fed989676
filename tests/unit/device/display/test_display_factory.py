"""The size of a scene is checked before it is shown."""

from __future__ import annotations

import pytest
from display_hand import pages

from tallystick.device.os.display import view_for
from tallystick.errors import RemoteProtocolError
from tallystick.wire.model import MODELS
from tallystick.wire.screen import Choice, Entry, Item, Menu, Notice, Progress, Review

_HUGE = "x" * 65_537
_ITEM = Item("a", ("b",))


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize(
    "scene",
    [
        Review(items=(_ITEM,) * 256),
        Review(items=(Item("a", ("",) * 4097),)),
        Review(items=(Item("a", (_HUGE,)),)),
        Review(items=(Item(_HUGE, ("b",)),)),
        Review(items=(_ITEM,), intro=(_HUGE,)),
        Review(items=(_ITEM,), approve=_HUGE),
        Menu(title="t", entries=(Entry("a"),) * 256),
        Menu(title=_HUGE, entries=()),
        Menu(title="t", entries=(Entry("a", _HUGE),)),
        Choice(lines=("a",), options=()),
        Choice(lines=("a",), options=("b",) * 256),
        Choice(lines=(_HUGE,), options=("b",)),
        Notice(lines=("a",) * 256),
        Notice(lines=(_HUGE,)),
        Progress(text=_HUGE),
    ],
    ids=lambda scene: type(scene).__name__,
)
def test_scene_too_large_is_refused_whole(name, scene):
    """Too many parts, too much text or nothing to choose from is an error, never a shortened scene."""
    with pytest.raises(RemoteProtocolError):
        view_for(scene, MODELS[name])


@pytest.mark.parametrize("name", sorted(MODELS))
def test_largest_review_is_shown_to_its_last_character(name):
    """255 items and 64 KiB of text are all shown, page by page."""
    items = (*(_ITEM,) * 254, Item("last", ("v" * 64_000,)))
    count = sum(text.count("v") for page in pages(view_for(Review(items=items), MODELS[name])) for text in page.texts())
    extra = sum(
        text.count("v") for page in pages(view_for(Review(items=(_ITEM,)), MODELS[name])) for text in page.texts()
    )
    assert count == 64_000 + extra


def test_page_is_made_when_it_is_shown():
    """Opening a long review draws none of its pages: each is made when it is reached."""
    made = []

    class Counted(str):
        """A text that counts how often it is sliced."""

        __slots__ = ()

        def __getitem__(self, key):
            made.append(key)
            return Counted(super().__getitem__(key))

    view = view_for(Review(items=(Item("t", (Counted("v" * 16_384),)),)), MODELS["stax"])
    opened = len(made)
    view.draw()
    assert opened < 16_384 // 28 // 4
    assert len(made) == opened
