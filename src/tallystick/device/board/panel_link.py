"""The inner end of the screen-and-button link: frames go out, gestures come in.

A panel that does not read holds up nobody: the newest frame waits, older ones are dropped. What it sends is read as a
hostile peer's would be.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

from tallystick.errors import RemoteProtocolError
from tallystick.wire.events import PanelEvent, events_from_json
from tallystick.wire.panel import Frame

# made once, not for each message
_WRITER = json.JSONEncoder(separators=(",", ":"))
_LOGGER = logging.getLogger(__name__)
#: bytes of one
_MAX_MESSAGE = 1024
#: messages taken before others get their turn
_BATCH = 16


class PanelLink:
    """Speaks with a panel over one end of a SOCK_SEQPACKET pair; must be made inside a running event loop."""

    def __init__(self, link: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = link
        link.settimeout(0)
        self._waiting: dict[str, bytes] = {}
        self._loop.add_reader(link, self._readable)
        self._alive = True
        #: told when the panel has hung up
        self.on_end: Callable[[], None] = lambda: None
        #: told what the person did, all that was done at once together
        self.on_events: Callable[[tuple[PanelEvent, ...]], None] = lambda _events: None

    @property
    def is_open(self) -> bool:
        """Whether the panel is there."""
        return self._alive

    def show(self, frame: Frame) -> None:
        """Send a frame."""
        self._send("frame", frame.to_json())

    def tell(self, status: dict[str, Any]) -> None:
        """Send the status."""
        self._send("status", status)

    def hang_up(self) -> None:
        """Close the link."""
        if self._alive:
            self._alive = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._waiting.clear()

    def _send(self, kind: str, document: dict[str, Any]) -> None:
        if self._alive:
            message = _WRITER.encode({kind: document}).encode()
            if kind in self._waiting or not self._try_send(message):
                self._waiting[kind] = message
                self._loop.add_writer(self._socket, self._writable)

    def _try_send(self, message: bytes) -> bool:
        try:
            self._socket.send(message)
        except BlockingIOError:
            return False
        except OSError:  # gone: the next read says so too, and tells `on_end`
            return True
        return True

    def _writable(self) -> None:
        for kind in list(self._waiting):
            if not self._try_send(self._waiting[kind]):
                return
            self._waiting.pop(kind, None)
        if self._alive:
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        """Take what is there, up to a bound."""
        for _ in range(_BATCH):
            try:
                data = self._socket.recv(_MAX_MESSAGE + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.hang_up()
                self.on_end()
                return
            self._take(data)
            if not self._alive:
                return

    def _take(self, data: bytes) -> None:
        try:
            document = json.loads(data) if len(data) <= _MAX_MESSAGE else None
            if document == {"ready": {}}:
                return
            events = events_from_json(document)
        except (ValueError, RecursionError, RemoteProtocolError):
            _LOGGER.warning("the panel sent what is no gesture")
            return
        self.on_events(events)
