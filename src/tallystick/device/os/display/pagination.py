"""Items of a review cut into chunks, once, for any screen.

A title that does not fit the rows kept for titles would have to be shortened, and a shortened title can mislead. So it
is shown whole first, on a chunk of its own, and only then shortened above its values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tallystick.device.os.display.layout import Layout
from tallystick.device.os.display.text import clean, clip, wrap_characters, wrap_words
from tallystick.wire.screen import Item


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is shown together: lines of a title, and the part of the value below it (None: the title is all)."""

    title: tuple[str, ...]
    text: str | None

    def value_lines(self, columns: int) -> list[str]:
        """Return the lines of the value, cut by characters."""
        return [] if self.text is None else wrap_characters(self.text, columns)

    def rows(self, columns: int) -> int:
        """Return how many lines title and value take."""
        return len(self.title) + (0 if self.text is None else max(-(-len(self.text) // columns), 1))


def chunks(items: Iterable[Item], layout: Layout) -> list[Chunk]:
    """Cut items into chunks that fit one page each (cosmos-app 4: titles count ` [1/3]`)."""
    return [chunk for item in items for chunk in _item_chunks(item, layout)]


def _item_chunks(item: Item, layout: Layout) -> list[Chunk]:
    title = clean(item.title)
    pages = Item(title, tuple(map(clean, item.values)) or ("",)).pages(layout.page_width)
    made: list[Chunk] = []
    shortened = False
    for page_title, text in pages:
        lines = (page_title,) if len(page_title) <= layout.columns else tuple(wrap_words(page_title, layout.columns))
        if len(lines) > layout.title_rows:
            shortened = True
            lines = _shorten(title, page_title[len(title) :], layout)
        made.append(Chunk(lines, text))
    if not shortened:
        return made
    whole = wrap_characters(title, layout.columns)
    alone = [Chunk(tuple(whole[at : at + layout.rows]), None) for at in range(0, len(whole), layout.rows)]
    return alone + made


def _shorten(title: str, count: str, layout: Layout) -> tuple[str, ...]:
    room = layout.columns - len(count)
    return (clip(title, room) + count,) if room > 1 else (clip(title + count, layout.columns),)
