"""The front panel as a process: the outer end of screen and buttons, joined by one SOCK_SEQPACKET pair.

Frames go out, gestures come in. A panel that does not read holds up nobody: the newest frame waits, older ones are
dropped. What it sends is read as a hostile peer's would be.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tallystick.errors import RemoteProtocolError
from tallystick.wire.events import PanelEvent, event_from_json
from tallystick.wire.panel import Frame

_LOGGER = logging.getLogger(__name__)
_MAX_GESTURE = 256
_BUFFER = 512 * 1024


class PanelProcess:
    """Starts the panel and speaks with it; must be made inside a running event loop."""

    def __init__(self, *, http: socket.socket, apdu_port: int, arguments: list[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._socket, outer):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        descriptors = (outer.fileno(), http.fileno())
        command = [sys.executable, "-I", "-m", "tallystick.ui.web", "--link-fd", str(descriptors[0])]
        command += ["--http-fd", str(descriptors[1]), "--apdu-port", str(apdu_port), *arguments]
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
                command,
                pass_fds=descriptors,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            outer.close()
        self._socket.settimeout(0)
        self._waiting: dict[str, bytes] = {}
        self._loop.add_reader(self._socket, self._readable)
        self._alive = True
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.on_event: Callable[[PanelEvent], None] = lambda _event: None

    def show(self, frame: Frame) -> None:
        """Send a frame."""
        self._send("frame", frame.to_json())

    def tell(self, status: dict[str, Any]) -> None:
        """Send the status."""
        self._send("status", status)

    def close(self) -> None:
        """End the panel."""
        self._hang_up()
        self._process.terminate()
        try:
            self._process.wait(0.15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, kind: str, document: dict[str, Any]) -> None:
        if self._alive:
            message = json.dumps({kind: document}, separators=(",", ":")).encode()
            if kind in self._waiting or not self._try_send(message):
                self._waiting[kind] = message
                self._loop.add_writer(self._socket, self._writable)

    def _try_send(self, message: bytes) -> bool:
        try:
            self._socket.send(message)
        except BlockingIOError:
            return False
        except OSError:
            self._hang_up()
        return True

    def _writable(self) -> None:
        for kind in list(self._waiting):
            if not self._try_send(self._waiting[kind]):
                return
            self._waiting.pop(kind, None)
        if self._alive:
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_MAX_GESTURE + 1)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        try:
            document = json.loads(data) if len(data) <= _MAX_GESTURE else None
            if document == {"ready": {}}:
                if not self.ready.done():
                    self.ready.set_result(None)
                return
            event = event_from_json(document)
        except (ValueError, RecursionError, RemoteProtocolError):
            _LOGGER.warning("the panel sent what is no gesture")
            return
        self.on_event(event)

    def _hang_up(self) -> None:
        if self._alive:
            self._alive = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._waiting.clear()
            if not self.ready.done():
                self.ready.set_result(None)
