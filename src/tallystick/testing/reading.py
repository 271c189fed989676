"""What a person reads off the screens: pages with titles, whatever the model cut them into.

A two-button model shows one page at a time, a touch model several on one screen; both become the same pages here. A value that
goes on over pages carries its count in the title (`` [1/3]``, cosmos-app 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from tallystick.wire.panel import Align, Frame, Role, Style, Text

_PART = re.compile(r"(.*) \[(\d+)/(\d+)\]", re.DOTALL)
_PLACE = re.compile(r"\d+/\d+")
_TITLE_STYLES = frozenset({Style.BOLD, Style.SMALL})


class Page(NamedTuple):
    """A title, empty if there is none, and the text below it."""

    title: str
    value: str


class Reading(tuple[Page, ...]):
    """Pages in the order in which they were read."""

    __slots__ = ()

    @property
    def items(self) -> tuple[Page, ...]:
        """The pages, with values that went on over several of them put together."""
        items: list[Page] = []
        for title, value in self:
            match = _PART.fullmatch(title)
            if match is not None and int(match[2]) > 1 and items and items[-1].title == match[1]:
                items[-1] = Page(match[1], items[-1].value + value)
            else:
                items.append(Page(match[1] if match else title, value))
        return tuple(items)

    def value(self, title: str) -> str:
        """Return the whole value under `title`, the first if there are several.

        Raises:
            LookupError: nothing of that title was read; the text says which there were.

        """
        for item in self.items:
            if item.title == title:
                return item.value
        titles = ", ".join(repr(item.title) for item in self.items if item.title)
        raise LookupError(f"no page was titled {title!r}; there were {titles or 'none'}")


def pages_of(frame: Frame) -> Reading:
    """Return the pages on one screen, without the labels of what can be pressed there."""
    if frame.action(Role.APPROVE) is not None:
        return Reading()
    labels = {action.label for action in frame.drawing.actions if action.label}
    texts = [text for text in frame.drawing.elements if isinstance(text, Text) and text.text]
    pages: list[Page] = []
    for is_title, lines in groupby(texts, key=_is_title):
        group = _without_labels(lines, labels)
        if not group:
            continue
        if is_title:
            pages.append(Page(" ".join(group), ""))
        elif pages and not pages[-1].value:
            pages[-1] = Page(pages[-1].title, "".join(group))
        else:
            pages.append(Page("", " ".join(group)))
    return Reading(pages)


def _is_title(text: Text) -> bool:
    return text.style in _TITLE_STYLES


def _without_labels(lines: Iterable[Text], labels: set[str]) -> list[str]:
    """Return the texts that are no label of an action, and not the number of the page in the footer."""
    kept = [line.text for line in lines if not _is_place(line) and line.text not in labels]
    return [] if " ".join(kept) in labels else kept


def _is_place(text: Text) -> bool:
    return text.style is Style.SMALL and text.align is Align.CENTRE and _PLACE.fullmatch(text.text) is not None
