"""What the panel knows: the screen as it is now, the text events so far, the device's status.

Sans-IO: frames and status go in, readers look, and listeners are called at every change. Memory is bounded whatever
the device and the readers do: one frame, one status, and the newest `MAX_EVENTS` text events. A reader of the event
log keeps a position; one that was too slow finds out (`EventLog.since` raises) instead of making the panel buffer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from tallystick.errors import RemoteProtocolError
from tallystick.ui.text_event import TextEvent, fresh_events, text_events
from tallystick.wire.panel import Frame

#: text events kept; a review is a few dozen, so this is hours of work by hand and seconds of the fastest script
MAX_EVENTS = 20_000
#: members of the device's status, and characters of each name
MAX_STATUS_MEMBERS = 64
MAX_STATUS_NAME = 64


class EventLog:
    """The newest text events; positions count every event since the panel started and never go back."""

    def __init__(self, *, limit: int = MAX_EVENTS) -> None:
        self._events: deque[TextEvent] = deque(maxlen=limit)
        self.end = 0

    @property
    def start(self) -> int:
        """Return the position of the oldest event kept."""
        return self.end - len(self._events)

    def extend(self, events: Iterable[TextEvent]) -> None:
        """Append events, dropping the oldest ones over the limit."""
        for event in events:
            self._events.append(event)
            self.end += 1

    def clear(self) -> None:
        """Forget all events; positions go on from where they are."""
        self._events.clear()

    def since(self, position: int) -> list[TextEvent]:
        """Return the events from `position` on; ones that were cleared on purpose are simply not there.

        Raises:
            LookupError: events at `position` were dropped because the reader was too slow.

        """
        if position < self.start and len(self._events) == self._events.maxlen:
            raise LookupError("the reader of the event log was too slow")
        return list(islice(self._events, max(position - self.start, 0), None))


class PanelState:
    """The panel's knowledge of the device; one per panel, used by everything that shows or drives it."""

    def __init__(self, *, model: str = "") -> None:
        self.frame: Frame | None = None
        self.events: tuple[TextEvent, ...] = ()
        #: those that the last frame drew: what rules react to
        self.fresh: tuple[TextEvent, ...] = ()
        self.log = EventLog()
        self.status: Mapping[str, Any] = {"model": model} if model else {}
        self._offset = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def sequence(self) -> int:
        """Return the number of the screen shown now, 0 before the first."""
        return self.frame.sequence if self.frame else 0

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change, until the function returned here is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def show(self, frame: Frame) -> None:
        """Take a new frame.

        Its number is made to go on from the last one: a device that was pulled and put in again counts from 1, and a
        script that waits for a greater number must not wait for ever.
        """
        seen = self.sequence - self._offset
        if frame.sequence <= seen:
            self._offset, seen = self.sequence + 1 - frame.sequence, 0
        if self._offset:
            frame = replace(frame, sequence=frame.sequence + self._offset)
        self.frame = frame
        self.events = text_events(frame)
        self.fresh = fresh_events(frame, after=seen)
        self.log.extend(self.fresh)
        self._changed()

    def tell(self, status: object) -> None:
        """Take the device's status: a JSON object of which every member is shown as it is.

        Raises:
            RemoteProtocolError: not an object, or one with too many or too long names.

        """
        if not isinstance(status, dict) or len(status) > MAX_STATUS_MEMBERS:
            raise RemoteProtocolError("the status is not a small object")
        if any(len(name) > MAX_STATUS_NAME for name in status):
            raise RemoteProtocolError("a name in the status is too long")
        self.status = {**self.status, **status}
        if len(self.status) > MAX_STATUS_MEMBERS:
            self.status = status
        self._changed()

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()
