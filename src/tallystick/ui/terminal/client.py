"""The panel's REST API as the terminal uses it; every call blocks, so the terminal makes them in threads."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Protocol
from urllib.parse import urlsplit

from tallystick.errors import RemoteProtocolError, TransportError, UsageError
from tallystick.wire.panel import Frame

#: seconds of one long poll (a person who quits waits for its end), and of any other request
POLL_S = 1
REQUEST_S = 5
#: seconds a request takes at most because a finger or button is held
HOLD_S = 60
#: bytes of an answer
MAX_ANSWER = 1024 * 1024


class PanelClient(Protocol):
    """What the terminal needs of a panel."""

    def screen(self, *, after: int) -> Frame | None:
        """Return the screen numbered above `after`, waiting a while for it, or None if none came.

        Raises:
            TransportError: the panel cannot be reached.

        """
        ...

    def status(self) -> dict[str, Any]:
        """Return what the device says about itself.

        Raises:
            TransportError: the panel cannot be reached.

        """
        ...

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Make a gesture.

        Raises:
            TransportError: the panel cannot be reached, or refused it.

        """
        ...


class HttpPanelClient:
    """A panel at an address such as http://127.0.0.1:5000."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme != "http" or not parts.hostname or port is None:
            raise UsageError(f"{url} is not the address of a panel", remedy="give one like http://127.0.0.1:5000")
        self._host, self._port = parts.hostname, port

    def screen(self, *, after: int) -> Frame | None:
        """Return the next screen (see `PanelClient.screen`)."""
        answer = self._request("GET", f"/screen?after={after}&timeout={POLL_S}", timeout_s=POLL_S + REQUEST_S)
        try:
            return None if answer is None else Frame.from_json(answer)
        except RemoteProtocolError as error:
            raise TransportError("the panel answered something that is not a screen") from error

    def status(self) -> dict[str, Any]:
        """Return the device's status (see `PanelClient.status`)."""
        return self._request("GET", "/status", timeout_s=REQUEST_S) or {}

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Make a gesture (see `PanelClient.post`)."""
        self._request("POST", path, body=body, timeout_s=HOLD_S + REQUEST_S)

    def _request(
        self, method: str, path: str, *, timeout_s: float, body: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        connection = HTTPConnection(self._host, self._port, timeout=timeout_s)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {"content-type": "application/json"})
            return _document(connection.getresponse())
        except (OSError, HTTPException, ValueError) as error:
            raise TransportError("the panel does not answer", remedy="is the device still running?") from error
        finally:
            connection.close()


def _document(response: HTTPResponse) -> dict[str, Any] | None:
    if response.status == 204:
        return None
    document = json.loads(response.read(MAX_ANSWER))
    if not isinstance(document, dict):
        raise TransportError("the panel answered something that is not an object")
    if response.status != 200:
        raise TransportError(str(document.get("error", f"the panel answered {response.status}")))
    return document
