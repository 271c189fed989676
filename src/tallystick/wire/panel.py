"""Frames: a scene laid out for one model, as the panel draws it (Secure World -> panel).

A frame is a display list in pixels plus the gestures that lead on from it, so that a page, a terminal, a test and an
automation rule all see the same thing. The link carries one JSON object a message; `Frame.sequence` grows with every
change of the screen, so that nobody ever has to sleep: wait for a sequence number above the one you have.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.events import BUTTON_NAMES, Button, ButtonEvent, FingerEvent, Gesture, press
from tallystick.wire.raster import unpack

#: elements of one frame, and characters of one text: what a hostile peer may make us hold
MAX_ELEMENTS = 512
MAX_TEXT = 1024
#: seconds a gesture can be asked to be held
_MAX_HOLD_S = 60.0
_LEVELS = bytes.maketrans(b"0123456789abcdef", bytes(17 * level for level in range(16)))


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
_KINDS: dict[str, type[Element]] = {
    "text": Text,
    "icon": Icon,
    "box": Box,
    "code": Code,
    "bitmap": Bitmap,
    "caption": Caption,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@unique
class Role(StrEnum):
    """What a gesture means on the frame it belongs to."""

    NEXT = "next"
    PREVIOUS = "previous"
    APPROVE = "approve"
    REJECT = "reject"
    DISMISS = "dismiss"
    SELECT = "select"
    BACK = "back"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A gesture that leads on: buttons to press, or a point to touch for `hold_s` seconds."""

    role: Role
    label: str = ""
    button: Button = Button.NONE
    x: int = -1
    y: int = -1
    hold_s: float = 0.0

    def gestures(self) -> tuple[Gesture, ...]:
        """Return the events of this gesture; with `hold_s` the time must pass between the first and the last."""
        if self.button:
            return press(self.button)
        return (FingerEvent(x=self.x, y=self.y, pressed=True), FingerEvent(x=self.x, y=self.y, pressed=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What a view draws: elements from back to front, and the actions possible."""

    elements: tuple[Element, ...]
    actions: tuple[Action, ...] = ()

    def texts(self) -> tuple[str, ...]:
        """Return the lines of text, from top to bottom as drawn."""
        return tuple(element.text for element in self.elements if isinstance(element, Text | Caption))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One screen as it is now; `sequence` counts from 1 and never goes back while the device is up."""

    sequence: int
    width: int
    height: int
    drawing: Drawing
    lit: bool = True
    #: name of the scene shown, in lower case (`menu`, `review`, ...); empty if nobody said
    scene: str = ""

    def action(self, role: Role) -> Action | None:
        """Return the first action with this role, or None."""
        return next((action for action in self.drawing.actions if action.role is role), None)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of this frame."""
        return {
            "sequence": self.sequence,
            "size": [self.width, self.height],
            "lit": self.lit,
            "scene": self.scene,
            "elements": [_element_to_json(element) for element in self.drawing.elements],
            "actions": [_action_to_json(action) for action in self.drawing.actions],
        }

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Read a frame.

        Raises:
            RemoteProtocolError: a member is missing, of the wrong type or out of bounds.

        """
        try:
            return cls._read(document)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise RemoteProtocolError("not a frame") from error

    @classmethod
    def _read(cls, document: Any) -> Self:  # the JSON edge: every member is checked as it is taken
        width, height = (_number(side) for side in document["size"])
        drawing = Drawing(
            elements=tuple(_element_from_json(entry) for entry in _list(document["elements"])),
            actions=tuple(_action_from_json(entry) for entry in _list(document["actions"])),
        )
        sequence = _number(document["sequence"], limit=2**53)
        lit, scene = document["lit"] is True, _string(document.get("scene", ""))
        return cls(sequence=sequence, width=width, height=height, drawing=drawing, lit=lit, scene=scene)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ELEMENTS:
        raise ValueError("not a list in bounds")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 -- only NaN differs
        raise ValueError("not a time")
    return float(min(max(value, 0), _MAX_HOLD_S))


def _number(value: Any, *, limit: int = 65535) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= limit:
        raise ValueError("not a number in bounds")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError("not a text in bounds")
    return value


def _element_to_json(element: Element) -> dict[str, Any]:
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


def _element_from_json(entry: Any) -> Element:
    x, y, w, h = (_number(side) for side in entry["box"])
    if min(w, h) < 0:
        raise ValueError("a box has no size below zero")
    match entry["kind"]:
        case "text":
            style, align = Style(entry["style"]), Align(entry["align"])
            inverted = entry.get("inverted") is True
            since = _number(entry.get("since", 0), limit=2**53)
            text = _string(entry["text"])
            return Text(x=x, y=y, w=w, h=h, text=text, style=style, align=align, inverted=inverted, since=since)
        case "icon":
            return Icon(x=x, y=y, w=w, h=h, name=_string(entry["name"]))
        case "box":
            filled, radius = _number(entry["filled"], limit=100), _number(entry["radius"])
            return Box(x=x, y=y, w=w, h=h, filled=filled, radius=radius)
        case "code":
            return Code(x=x, y=y, w=w, h=h, text=_string(entry["text"]))
        case "bitmap":
            data = base64.b64decode(entry["data"], validate=True)
            bpp = _number(entry["bpp"])
            if bpp not in (1, 2, 4) or len(data) != (w * bpp + 7) // 8 * h:
                raise ValueError("bitmap of the wrong size")
            return Bitmap(x=x, y=y, w=w, h=h, bpp=bpp, data=data)
        case "caption":
            return Caption(x=x, y=y, w=w, h=h, text=_string(entry["text"]), since=_number(entry["since"], limit=2**53))
        case _:
            raise ValueError("unknown element")


def _action_to_json(action: Action) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": action.role, "label": action.label}
    if action.button:
        entry["button"] = next(name for name, button in BUTTON_NAMES.items() if button is action.button)
    else:
        entry |= {"point": [action.x, action.y], "hold_s": action.hold_s}
    return entry


def _action_from_json(entry: Any) -> Action:
    role, label = Role(entry["role"]), _string(entry["label"])
    if "button" in entry:
        return Action(role=role, label=label, button=BUTTON_NAMES[entry["button"]])
    x, y = (_number(side) for side in entry["point"])
    return Action(role=role, label=label, x=x, y=y, hold_s=_seconds(entry["hold_s"]))


__all__ = [
    "Action",
    "Align",
    "Bitmap",
    "Box",
    "ButtonEvent",
    "Caption",
    "Code",
    "Drawing",
    "Element",
    "Frame",
    "Icon",
    "Role",
    "Style",
    "Text",
]
