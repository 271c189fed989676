"""Scenes: what the device asks a person, by meaning and not by pixels.

An app (or the OS itself) asks for a scene; the OS lays it out for the model at hand and gives back an answer. An app
cannot choose fonts, places or looks, so it cannot imitate a screen of the OS.

===========  =====================================  ==========================
scene        meaning                                answer
===========  =====================================  ==========================
Menu         an idle screen with entries            `Selected(index)`
Choice       a question with named options          `Selected(index)`
Review       items to check, then yes or no         `Decided(approved)`
Notice       something to know                      `Dismissed`
Progress     work going on                          none: replaced by the next
PinEntry     digits, OS only                        `Entered(text)`
DiceEntry    throws of a die, OS only               `Entered(text)`
WordEntry    one recovery word, OS only             `Entered(text)`
WordList     recovery words to write down, OS only  `Dismissed`
===========  =====================================  ==========================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tallystick.wire.app_icon import AppIcon


@unique
class ReviewKind(IntEnum):
    """What is being reviewed: decides words and look of the approving gesture."""

    TRANSACTION = 0
    ADDRESS = 1
    MESSAGE = 2
    OTHER = 3


@unique
class Tone(IntEnum):
    """How serious a notice is."""

    INFO = 0
    SUCCESS = 1
    WARNING = 2
    FAILURE = 3


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a review: a title and its value, or several values that follow each other."""

    title: str
    values: tuple[str, ...]

    def pages(self, width: int) -> list[tuple[str, str]]:
        """Return (title, text) for each page of at most `width` characters (cosmos-app 4).

        Each value begins a page of its own; with more than one page the titles end in `` [1/3]``.
        """
        chunks = [value[at : at + width] for value in self.values for at in range(0, max(len(value), 1), width)]
        if len(chunks) == 1:
            return [(self.title, chunks[0])]
        return [(f"{self.title} [{number}/{len(chunks)}]", chunk) for number, chunk in enumerate(chunks, 1)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a menu: a label, the value it has now if it is a setting, and a picture (OS only)."""

    label: str
    value: str = ""
    picture: AppIcon | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """An idle screen: the name of what is running, and entries to go through."""

    title: str
    entries: tuple[Entry, ...]
    icon: str = ""
    #: entry shown first
    start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A question: `lines` of text, then one of `options`."""

    lines: tuple[str, ...]
    options: tuple[str, ...]
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Items a person must check before saying yes or no; `intro` is the first page."""

    items: tuple[Item, ...]
    kind: ReviewKind = ReviewKind.TRANSACTION
    intro: tuple[str, ...] = ("Please", "review")
    approve: str = "APPROVE"
    reject: str = "REJECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to know, dismissed with one gesture."""

    lines: tuple[str, ...]
    button: str = "Ok"
    tone: Tone = Tone.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Work going on: `percent` 0 to 100, or None when nobody can tell. Asks nothing."""

    text: str
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEntry:
    """Digits of a PIN, hidden as they are entered (OS only)."""

    title: str
    minimum: int = 4
    maximum: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DiceEntry:
    """Throws of a die, 1 to 6 each, counted and not shown as they are entered (OS only)."""

    title: str
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WordList:
    """Recovery words to write down, a few on each page (OS only)."""

    title: str
    words: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordEntry:
    """One recovery word out of `candidates`, entered letter by letter (OS only)."""

    title: str
    candidates: tuple[str, ...] = field(repr=False)


AppScene = Menu | Choice | Review | Notice | Progress
Scene = AppScene | PinEntry | DiceEntry | WordList | WordEntry


@dataclass(frozen=True, slots=True)
class Selected:
    """The entry or option with this index (from 0) was chosen."""

    index: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A review ended."""

    approved: bool


@dataclass(frozen=True, slots=True)
class Dismissed:
    """A notice or list was read to its end."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A PIN or a word was entered; hidden from `repr`."""

    text: str = field(repr=False)


Answer = Selected | Decided | Dismissed | Entered
