"""What a person reads off the screens: pages with titles, whatever the model cut them into.

A two-button model shows one page at a time, a touch model several on one screen; both become the same pages here. A value that
goes on over pages carries its count in the title (`` [1/3]``, cosmos-app 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    pages: list[Page] = []
    for group in _groups(text for text in frame.drawing.elements if isinstance(text, Text)):
        lines = [text.text for text in group if not _is_furniture(text, labels)]
        if not lines or (" ".join(lines) in labels and group[0].style is Style.BOLD):
            continue
        if group[0].style in _TITLE_STYLES:
            pages.append(Page(" ".join(lines), ""))
        elif pages and not pages[-1].value:
            pages[-1] = Page(pages[-1].title, "".join(lines))
        else:
            pages.append(Page("", " ".join(line for line in lines if line)))
    return Reading(page for page in pages if any(page))


def _groups(texts: Iterable[Text]) -> list[list[Text]]:
    """Put lines that belong together into one group: a title or a value; a title ends at a free row, too."""
    groups: list[list[Text]] = []
    last: Text | None = None
    for text in texts:
        is_title = text.style in _TITLE_STYLES
        if last is None or is_title != (last.style in _TITLE_STYLES) or (is_title and text.y > last.y + last.h):
            groups.append([])
        groups[-1].append(text)
        last = text
    return groups


def _is_furniture(text: Text, labels: set[str]) -> bool:
    """Tell a button's label and the number of the page from what is to be read: titles of touch models stand left."""
    if text.align is not Align.CENTRE or text.style not in _TITLE_STYLES:
        return False
    return text.text in labels or (text.style is Style.SMALL and _PLACE.fullmatch(text.text) is not None)
