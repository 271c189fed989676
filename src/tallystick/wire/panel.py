"""Frames: a scene laid out for one model, as the panel draws it (Secure World -> panel).

A frame is a display list in pixels plus the gestures that lead on from it, so that a page, a terminal, a test and an
automation rule all see the same thing. The link carries one JSON object a message; `Frame.sequence` grows with every
change of the screen, so that nobody ever has to sleep: wait for a sequence number above the one you have.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.element import (
    MAX_TEXT,
    Align,
    Bitmap,
    Box,
    Caption,
    Code,
    Element,
    Icon,
    Style,
    Text,
    element_from_json,
    element_to_json,
    number_of,
    text_of,
)
from tallystick.wire.events import BUTTON_NAMES, Button, FingerEvent, Gesture, press

__all__ = [
    "MAX_ELEMENTS",
    "MAX_TEXT",
    "Action",
    "Align",
    "Bitmap",
    "Box",
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

#: elements of one frame: what a hostile peer may make us hold
MAX_ELEMENTS = 512
#: seconds a gesture can be asked to be held
_MAX_HOLD_S = 60.0


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
            "elements": [element_to_json(element) for element in self.drawing.elements],
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
        width, height = (number_of(side) for side in document["size"])
        drawing = Drawing(
            elements=tuple(element_from_json(entry) for entry in _list(document["elements"])),
            actions=tuple(_action_from_json(entry) for entry in _list(document["actions"])),
        )
        sequence = number_of(document["sequence"], limit=2**53)
        lit, scene = document["lit"] is True, text_of(document.get("scene", ""))
        return cls(sequence=sequence, width=width, height=height, drawing=drawing, lit=lit, scene=scene)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ELEMENTS:
        raise ValueError("not a list in bounds")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 -- only NaN differs
        raise ValueError("not a time")
    return float(min(max(value, 0), _MAX_HOLD_S))


def _action_to_json(action: Action) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": action.role, "label": action.label}
    if action.button:
        entry["button"] = next(name for name, button in BUTTON_NAMES.items() if button is action.button)
    else:
        entry |= {"point": [action.x, action.y], "hold_s": action.hold_s}
    return entry


def _action_from_json(entry: Any) -> Action:
    role, label = Role(entry["role"]), text_of(entry["label"])
    if "button" in entry:
        return Action(role=role, label=label, button=BUTTON_NAMES[entry["button"]])
    x, y = (number_of(side) for side in entry["point"])
    return Action(role=role, label=label, x=x, y=y, hold_s=_seconds(entry["hold_s"]))
