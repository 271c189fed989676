"""Text events: the lines of a screen as scripts and automation rules see them (speculos 4.3, 4.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tallystick.wire.panel import Caption, Element, Frame, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEvent:
    """One line of text in a box of w x h pixels at (x, y); `clear` marks the first line of a new screen."""

    text: str
    x: int
    y: int
    w: int
    h: int
    clear: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `GET /events` lists."""
        return {"text": self.text, "x": self.x, "y": self.y, "w": self.w, "h": self.h, "clear": self.clear}


def text_events(frame: Frame) -> tuple[TextEvent, ...]:
    """Return the lines of a frame in the order they were drawn; the first one carries `clear`, empty ones are left out."""
    return _events(element for element in frame.drawing.elements if isinstance(element, Text | Caption))


def fresh_events(frame: Frame, *, after: int) -> tuple[TextEvent, ...]:
    """Return the lines that are new to somebody who saw the frame numbered `after`: not those of a picture that stayed."""
    return _events(
        element
        for element in frame.drawing.elements
        if not isinstance(element, Text | Caption) or not element.since or element.since > after
    )


def _events(lines: Iterable[Element]) -> tuple[TextEvent, ...]:
    told = [line for line in lines if isinstance(line, Text | Caption) and line.text]
    return tuple(
        TextEvent(text=line.text, x=line.x, y=line.y, w=line.w, h=line.h, clear=index == 0)
        for index, line in enumerate(told)
    )
