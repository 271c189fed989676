"""Elements: what a frame is drawn of, one by one, and their JSON.

Boxes are x, y, w and h in pixels of the screen they are on.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

from tallystick.wire.raster import unpack

__all__ = [
    "MAX_TEXT",
    "Align",
    "Bitmap",
    "Box",
    "Caption",
    "Code",
    "Element",
    "Icon",
    "Style",
    "Text",
    "element_from_json",
    "element_to_json",
    "number_of",
    "text_of",
]

#: characters of one text: what a hostile peer may make us hold
MAX_TEXT: Final = 1024
_LEVELS: Final = bytes.maketrans(b"0123456789abcdef", bytes(17 * level for level in range(16)))


@unique
class Style(StrEnum):
    """Type faces a text may have; the panel picks font and size by model."""

    REGULAR = "regular"
    BOLD = "bold"
    LARGE = "large"
    SMALL = "small"


@unique
class Align(StrEnum):
    """How a text sits in its box."""

    CENTRE = "centre"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line of text in a box of w x h pixels at (x, y); `since` as in `Caption`, 0 for one that is news in every frame."""

    x: int
    y: int
    w: int
    h: int
    text: str
    style: Style = Style.REGULAR
    align: Align = Align.CENTRE
    inverted: bool = False
    since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Icon:
    """A named picture the panel knows (`left`, `right`, `up`, `down`, `check`, `cross`, `warning`, `lock`, app names)."""

    x: int
    y: int
    w: int
    h: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle: a button, a bar, a rule; `filled` from 0 to 100 percent of its width."""

    x: int
    y: int
    w: int
    h: int
    filled: int = 0
    radius: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A QR code of `text`, in a square box."""

    x: int
    y: int
    w: int
    h: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitmap:
    """Pixels of a native app: row by row, `bpp` (1, 2 or 4) bits each, rows padded to whole bytes."""

    x: int
    y: int
    w: int
    h: int
    bpp: int
    data: bytes

    def levels(self) -> bytes:
        """Return one byte for each pixel, 0 (dark) to 255 (light), row by row."""
        return unpack(self.data, width=self.w, height=self.h, bits=self.bpp).translate(_LEVELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A line of text that a bitmap of the same frame shows: told to scripts, not drawn again.

    `since` is the number of the first frame that had it: a line that only stayed is no news.
    """

    x: int
    y: int
    w: int
    h: int
    text: str
    since: int = 0


Element = Text | Icon | Box | Code | Bitmap | Caption
_NAMES: Final[dict[type[Element], str]] = {
    Text: "text",
    Icon: "icon",
    Box: "box",
    Code: "code",
    Bitmap: "bitmap",
    Caption: "caption",
}


def element_to_json(element: Element) -> dict[str, Any]:
    """Return the JSON object of an element."""
    entry: dict[str, Any] = {"kind": _NAMES[type(element)], "box": [element.x, element.y, element.w, element.h]}
    match element:
        case Text():
            entry |= {"text": element.text, "style": element.style, "align": element.align}
            if element.inverted:
                entry["inverted"] = True
            if element.since:
                entry["since"] = element.since
        case Icon():
            entry["name"] = element.name
        case Box():
            entry |= {"filled": element.filled, "radius": element.radius}
        case Code():
            entry["text"] = element.text
        case Bitmap():
            entry |= {"bpp": element.bpp, "data": base64.b64encode(element.data).decode()}
        case Caption():
            entry |= {"text": element.text, "since": element.since}
    return entry


def element_from_json(entry: Any) -> Element:
    """Read an element's JSON object; raise KeyError, TypeError, ValueError or binascii.Error for what is none."""
    x, y, w, h = (number_of(side) for side in entry["box"])
    if min(w, h) < 0:
        raise ValueError("a box has no size below zero")
    match entry["kind"]:
        case "text":
            style, align = Style(entry["style"]), Align(entry["align"])
            inverted = entry.get("inverted") is True
            since = number_of(entry.get("since", 0), limit=2**53)
            text = text_of(entry["text"])
            return Text(x=x, y=y, w=w, h=h, text=text, style=style, align=align, inverted=inverted, since=since)
        case "icon":
            return Icon(x=x, y=y, w=w, h=h, name=text_of(entry["name"]))
        case "box":
            filled, radius = number_of(entry["filled"], limit=100), number_of(entry["radius"])
            return Box(x=x, y=y, w=w, h=h, filled=filled, radius=radius)
        case "code":
            return Code(x=x, y=y, w=w, h=h, text=text_of(entry["text"]))
        case "bitmap":
            data = base64.b64decode(entry["data"], validate=True)
            bpp = number_of(entry["bpp"])
            if bpp not in (1, 2, 4) or len(data) != (w * bpp + 7) // 8 * h:
                raise ValueError("bitmap of the wrong size")
            return Bitmap(x=x, y=y, w=w, h=h, bpp=bpp, data=data)
        case "caption":
            return Caption(
                x=x, y=y, w=w, h=h, text=text_of(entry["text"]), since=number_of(entry["since"], limit=2**53)
            )
        case _:
            raise ValueError("unknown element")


def number_of(value: Any, *, limit: int = 65535) -> int:
    """Return a whole number from -1, which says nowhere, to `limit`; raise ValueError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= limit:
        raise ValueError("not a number in bounds")
    return value


def text_of(value: Any) -> str:
    """Return a text of at most `MAX_TEXT` characters; raise ValueError for anything else."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError("not a text in bounds")
    return value
