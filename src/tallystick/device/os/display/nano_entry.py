"""Typing with two buttons: one key a page, both buttons take it.

The row of keys goes round and always begins at the same key, so that a script need not look where it is.
"""

from __future__ import annotations

from tallystick.device.os.display.entry import Keys
from tallystick.device.os.display.layout import Layout
from tallystick.device.os.display.nano import Carousel, Line, Page
from tallystick.device.os.display.text import clean, clip
from tallystick.wire.panel import Role, Style
from tallystick.wire.screen import Answer


class EntryCarousel(Carousel):
    """Title, what was typed so far, and the key that both buttons would take."""

    def __init__(self, *, title: str, keys: Keys, layout: Layout) -> None:
        self._keys = keys
        self._title = clip(clean(title), layout.columns)
        self._columns = layout.columns
        super().__init__(layout=layout, count=len(keys.possible()), page=self._key_page, around=True)

    def _key_page(self, index: int) -> Page:
        key = self._keys.possible()[index]
        lines = (
            Line(self._title),
            Line(clip(clean(self._keys.shown()), self._columns)),
            Line(clip(clean(key), self._columns), Style.BOLD),
        )
        return Page(lines=lines, role=Role.KEY, label=key)

    def _take(self) -> Answer | None:
        answer = self._keys.take(self._page().label)
        if answer is None:
            self._restart(len(self._keys.possible()))
        return answer
