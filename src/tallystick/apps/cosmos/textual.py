"""Textual payloads: the chain has written the screens, the app shows them all (cosmos-app 5, SIGN_MODE_TEXTUAL).

The payload is canonical CBOR, a map with the one key 1 that holds 1 to 255 screens. Expert screens are shown in both
modes, as the official app does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique

from tallystick.wire.screen import Item

from .cbor import CborReader
from .escape import escape_content, escape_title
from .fault import Fault, refusal

SCREEN_LIMIT = 255
TITLE_MAX_BYTES = 40
CONTENT_MAX_BYTES = 550
INDENT_MAX = 255
#: a title wider than this goes into the content; with several pages the narrower limit counts
TITLE_WIDTH = 17
PAGED_TITLE_WIDTH = 10

_SCREENS_KEY = 1
_FIELD_LIMIT = 4
_CHAIN_TITLE = "Chain id"
_UNEXPECTED_CHAINS = frozenset({"0", "1"})


@unique
class Field(IntEnum):
    """Keys of a screen's map."""

    TITLE = 1
    CONTENT = 2
    INDENT = 3
    EXPERT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TextualScreen:
    """One screen as the payload has it."""

    title: str = ""
    content: str
    indent: int = 0
    expert: bool = False


def read(payload: bytes) -> tuple[TextualScreen, ...]:
    """Return the screens of `payload` (up to 16384 bytes); raise Reject (6984 with text) for the faults of cosmos-app 5."""
    if not payload:
        raise refusal(Fault.EMPTY)
    reader = CborReader(payload)
    pairs = reader.map()
    if pairs == 0 or reader.unsigned() != _SCREENS_KEY:
        raise refusal(Fault.CBOR_TYPE)
    count = reader.array()
    if not 1 <= count <= SCREEN_LIMIT:
        raise refusal(Fault.UNRECOGNIZED)
    screens = tuple(_read_screen(reader) for _ in range(count))
    reader.finish()
    if pairs != 1:
        # announced, but not there
        raise refusal(Fault.CBOR_END)
    if any(screen.title == _CHAIN_TITLE and screen.content in _UNEXPECTED_CHAINS for screen in screens):
        raise refusal(Fault.CHAIN)
    return screens


def _read_screen(reader: CborReader) -> TextualScreen:
    count = reader.map()
    if not 1 <= count <= _FIELD_LIMIT:
        raise refusal(Fault.UNRECOGNIZED)
    title, content, indent, expert = "", None, 0, False
    previous = 0
    for _ in range(count):
        key = reader.unsigned()
        if previous and key <= previous:
            raise refusal(Fault.CBOR_ORDER)
        previous = key
        match key:
            case Field.TITLE:
                title = _text(reader, limit=TITLE_MAX_BYTES)
            case Field.CONTENT:
                content = _text(reader, limit=CONTENT_MAX_BYTES)
            case Field.INDENT:
                indent = _indent(reader)
            case Field.EXPERT:
                expert = reader.boolean()
            case _:
                raise refusal(Fault.CBOR_TYPE)
    if content is None:
        raise refusal(Fault.CBOR_TYPE)
    if count == 2:
        # a quirk of the official app: of content and indent alone, the indent is not shown
        indent = 0
    return TextualScreen(title=title, content=content, indent=indent, expert=expert)


def _text(reader: CborReader, *, limit: int) -> str:
    text, size = reader.text()
    if size > limit:
        raise refusal(Fault.UNRECOGNIZED)
    return text


def _indent(reader: CborReader) -> int:
    indent = reader.unsigned()
    if indent > INDENT_MAX:
        raise refusal(Fault.UNRECOGNIZED)
    return indent


def items(screens: tuple[TextualScreen, ...], *, page_width: int) -> tuple[Item, ...]:
    """Return one item for each screen, as pages of `page_width` characters show it."""
    return tuple(_item(screen, page_width=page_width) for screen in screens)


def _item(screen: TextualScreen, *, page_width: int) -> Item:
    content, arrows = escape_content(screen.content), ">" * screen.indent
    if not screen.title:
        return Item(" ", (arrows + content,))
    title = escape_title(screen.title)
    width = len(title) + screen.indent
    if width > TITLE_WIDTH or (width > PAGED_TITLE_WIDTH and len(content) > page_width):
        return Item(f"{arrows}---", (f"{title}: {content}",))
    return Item(arrows + title, (content,))
