"""Gestures: what a person's hand does to the device, as data (panel -> Secure World).

Buttons exist on the nano models, the finger on the touch models; pulling the plug exists on all of them.
JSON forms (one object a gesture)::

    {"button": "left" | "right", "pressed": bool}
    {"finger": [x, y], "pressed": bool}
    {"replug": null | "left" | "right" | "both"}       the button held while the plug goes in
    {"ticker": "pause" | "resume" | "step"}            the time of native apps; no hand does that, but test suites do

What a hand does at once, such as a press and its release, comes as a list of at most `MAX_TOGETHER` of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag, unique
from typing import Any

from tallystick.errors import RemoteProtocolError

#: no screen of any model is wider or higher, in pixels
MAX_COORDINATE = 4095
#: gestures of one message
MAX_TOGETHER = 8


class Button(IntFlag):
    """The buttons of a nano model; `BOTH` is both at once. The numbers are those of Speculos' automation rules."""

    NONE = 0
    LEFT = 1
    RIGHT = 2
    BOTH = 3


BUTTON_NAMES = {"left": Button.LEFT, "right": Button.RIGHT, "both": Button.BOTH}


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonEvent:
    """One button, `LEFT` or `RIGHT`, went down or up."""

    button: Button
    pressed: bool

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of this gesture."""
        return {"button": "left" if self.button is Button.LEFT else "right", "pressed": self.pressed}


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerEvent:
    """The finger touched, moved to, or left the point (x, y), in pixels from the upper left corner."""

    x: int
    y: int
    pressed: bool

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of this gesture."""
        return {"finger": [self.x, self.y], "pressed": self.pressed}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplugEvent:
    """The plug was pulled and put in again while `hold` was held down."""

    hold: Button = Button.NONE

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of this gesture."""
        name = next((name for name, button in BUTTON_NAMES.items() if button is self.hold), None)
        return {"replug": name}


@unique
class TickerAction(Enum):
    """What is done with the time of a native app."""

    PAUSE = "pause"
    RESUME = "resume"
    #: let 100 ms pass for the app, paused or not
    STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class TickerEvent:
    """The time of native apps was stopped, started, or moved on by one tick."""

    action: TickerAction

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of this event."""
        return {"ticker": self.action.value}


Gesture = ButtonEvent | FingerEvent
PanelEvent = ButtonEvent | FingerEvent | ReplugEvent | TickerEvent


def press(button: Button) -> tuple[ButtonEvent, ...]:
    """Return the events of one press and release of `button` (LEFT, RIGHT or BOTH)."""
    parts = [part for part in (Button.LEFT, Button.RIGHT) if part & button]
    down = tuple(ButtonEvent(button=part, pressed=True) for part in parts)
    return down + tuple(ButtonEvent(button=part, pressed=False) for part in parts)


def events_from_json(document: object) -> tuple[PanelEvent, ...]:
    """Read one gesture, or a list of some.

    Raises:
        RemoteProtocolError: it is neither, or one of them is none of the four forms.

    """
    if not isinstance(document, list):
        return (event_from_json(document),)
    if not 1 <= len(document) <= MAX_TOGETHER:
        raise RemoteProtocolError(f"{len(document)} gestures at once, {MAX_TOGETHER} are allowed")
    return tuple(event_from_json(entry) for entry in document)


def event_from_json(document: object) -> PanelEvent:
    """Read one gesture.

    Raises:
        RemoteProtocolError: the document is none of the four forms.

    """
    if isinstance(document, dict):
        pressed = document.get("pressed")
        match document:
            case {"button": "left" | "right" as name, **rest} if isinstance(pressed, bool) and set(rest) == {"pressed"}:
                return ButtonEvent(button=BUTTON_NAMES[name], pressed=pressed)
            case {"finger": [int() as x, int() as y], **rest} if isinstance(pressed, bool) and set(rest) == {"pressed"}:
                if (
                    not isinstance(x, bool)
                    and not isinstance(y, bool)
                    and 0 <= min(x, y) <= max(x, y) <= MAX_COORDINATE
                ):
                    return FingerEvent(x=x, y=y, pressed=pressed)
            case {"replug": None, **rest} if not rest:
                return ReplugEvent()
            case {"replug": str() as name, **rest} if not rest and name in BUTTON_NAMES:
                return ReplugEvent(hold=BUTTON_NAMES[name])
            case {"ticker": "pause" | "resume" | "step" as name, **rest} if not rest:
                return TickerEvent(action=TickerAction(name))
    raise RemoteProtocolError("not a gesture: expected button, finger, replug or ticker")
