"""Doubles of what stands around the panel: frames by the dozen, a hand that writes down, a device end of the link."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

import httpx

from tallystick.errors import TransportError
from tallystick.wire.events import Button, PanelEvent, events_from_json
from tallystick.wire.panel import Action, Box, Drawing, Element, Frame, Icon, Role, Text

WAIT_S = 60


def lines(*texts: str) -> tuple[Text, ...]:
    """Return one element for each line of text, from the top of a nano screen down."""
    return tuple(Text(x=8, y=12 * number, w=112, h=12, text=text) for number, text in enumerate(texts))


def frame(
    sequence: int,
    *texts: str,
    actions: Sequence[Action] = (),
    size: tuple[int, int] = (128, 64),
    scene: str = "",
    lit: bool = True,
    extra: Sequence[Element] = (),
) -> Frame:
    """Return a frame with lines of text."""
    drawing = Drawing(elements=(*lines(*texts), *extra), actions=tuple(actions))
    return Frame(sequence=sequence, width=size[0], height=size[1], drawing=drawing, scene=scene, lit=lit)


NEXT = Action(role=Role.NEXT, button=Button.RIGHT)
PREVIOUS = Action(role=Role.PREVIOUS, button=Button.LEFT)
APPROVE = Action(role=Role.APPROVE, label="APPROVE", button=Button.BOTH)
REJECT = Action(role=Role.REJECT, label="REJECT", button=Button.BOTH)
DISMISS = Action(role=Role.DISMISS, label="Ok", button=Button.BOTH)
SELECT = Action(role=Role.SELECT, label="Yes", button=Button.BOTH)
KEY = Action(role=Role.KEY, label="5", button=Button.BOTH)
HOLD = Action(role=Role.APPROVE, label="Sign", x=200, y=500, hold_s=0.05)
TAP_NEXT = Action(role=Role.NEXT, x=360, y=620)

RICH_EXTRA = (Icon(x=1, y=28, w=4, h=7, name="left"), Box(x=8, y=57, w=112, h=5, filled=40))


class RecordingHand:
    """Writes gestures down; refuses them when `is_gone`."""

    def __init__(self) -> None:
        self.events: list[PanelEvent] = []
        self.drained = 0
        self.is_gone = False

    def write(self, events: Sequence[PanelEvent]) -> None:
        """Write gestures down."""
        if self.is_gone:
            raise TransportError("the device is gone", remedy="start it again")
        self.events += events

    async def drain(self) -> None:
        """Count that somebody waited for the gestures to be written."""
        self.drained = len(self.events)

    def json(self) -> list[dict[str, Any]]:
        """Return the gestures as the link would carry them."""
        return [event.to_json() for event in self.events]


class LocalClient:
    """Calls an ASGI application in this process, one request at a time, on an event loop of its own."""

    def __init__(self, app: Any, *, base_url: str = "http://localhost") -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url)

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to one request."""
        return self._runner.run(self._client.request(method, path, **request))

    def get(self, path: str, **request: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **request)

    def delete(self, path: str, **request: Any) -> httpx.Response:
        """DELETE."""
        return self.request("DELETE", path, **request)

    def close(self) -> None:
        """Close client and loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()


class DeviceEnd:
    """The device's end of the link to a real panel process, and that process."""

    def __init__(self, *arguments: str, apdu_port: int = 9) -> None:
        self.link, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.settimeout(WAIT_S)
        self._gestures: deque[PanelEvent] = deque()
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        descriptors = (inner.fileno(), listener.fileno())
        command = [sys.executable, "-m", "tallystick.ui.web", "--apdu-port", str(apdu_port)]
        command += ["--link-fd", str(descriptors[0]), "--http-fd", str(descriptors[1]), *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, pass_fds=descriptors, stderr=subprocess.PIPE, text=True, env=environment
        )
        inner.close()
        listener.close()

    def __enter__(self) -> Self:
        """Wait until the panel serves."""
        message = self.receive()
        if message != {"ready": {}}:
            raise AssertionError(f"the panel began with {message}")
        return self

    def __exit__(self, *_: object) -> None:
        """End the panel."""
        self.link.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def show(self, shown: Frame) -> None:
        """Send a frame."""
        self.link.send(json.dumps({"frame": shown.to_json()}).encode())

    def tell(self, **status: Any) -> None:
        """Send a status."""
        self.link.send(json.dumps({"status": status}).encode())

    def receive(self) -> dict[str, Any]:
        """Return the next message of the panel."""
        message = self.link.recv(65536)
        if not message:
            raise AssertionError("the panel closed the link")
        return json.loads(message)

    def gesture(self) -> PanelEvent:
        """Return the next gesture."""
        if not self._gestures:
            self._gestures += events_from_json(self.receive())
        return self._gestures.popleft()
