"""Text made fit for a small screen: made harmless, cut into lines, shortened.

Texts of scenes come from apps, and apps pass on what a computer sent. A person must be able to trust that what is shown
is all there is, in the order in which it is shown. So one character takes one cell, none is invisible, none turns the
direction of writing, and values are cut by characters so that the lines put together are the value again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: stands for a character that the screen does not show
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

#: characters of what names a thing to a program: the label of an action, a picture
MAX_NAME = 128

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_WIDE = frozenset({"W", "F"})


def clean(text: str) -> str:
    """Return `text`, of the same length, with every character that is not one plain visible cell replaced.

    Replaced are control and format characters, lone surrogates, separators other than the space, marks that combine
    with their neighbour, double-width characters, and letters written from right to left.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _plain(character) else REPLACEMENT for character in text)


def _plain(character: str) -> bool:
    return (
        character.isprintable()
        and not unicodedata.category(character).startswith("M")
        and unicodedata.bidirectional(character) not in _RIGHT_TO_LEFT
        and unicodedata.east_asian_width(character) not in _WIDE
    )


def wrap_characters(text: str, columns: int) -> list[str]:
    """Cut `text` into lines of `columns` characters; an empty text is one empty line. Nothing is lost or added."""
    if len(text) <= columns:
        return [text]
    return [text[at : at + columns] for at in range(0, len(text), columns)]


def wrap_words(text: str, columns: int) -> list[str]:
    """Cut `text` at spaces into lines of at most `columns` characters; longer words are cut by characters."""
    if len(text) <= columns:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) <= columns:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        *full, line = wrap_characters(word, columns)
        lines += full
    return [*lines, line]


def wrap_lines(texts: Sequence[str], columns: int) -> list[str]:
    """Clean each text and wrap it by words; each begins a line of its own."""
    return [line for text in texts for line in wrap_words(clean(text), columns)]


def clip(text: str, columns: int) -> str:
    """Return `text` if it fits, else its beginning and an ellipsis, `columns` characters together."""
    return text if len(text) <= columns else text[: max(columns - 1, 0)] + ELLIPSIS


def name(text: str) -> str:
    """Return `text` cleaned, and cut short where a program reads it rather than a person."""
    return clip(clean(text), MAX_NAME)


def clip_lines(lines: Sequence[str], *, rows: int, columns: int) -> list[str]:
    """Return at most `rows` of `lines`; what is left out shows as an ellipsis at the end of the last."""
    if len(lines) <= rows:
        return list(lines)
    return [*lines[: rows - 1], clip(lines[rows - 1][: columns - 1] + ELLIPSIS, columns)]
