"""APDUs over HTTP: bridge proxies and the REST path of emulators (wire-protocol A.6).

The path of the URL decides: one that ends in ``/apdu`` takes ``{"data"}``, any other takes ``{"apduHex"}``. The standard
library's client carries it: a device needs no pool, no redirects and no cookies, and a tool that starts often starts faster.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from tallystick.errors import (
    DeviceNotFound,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
    TransportTimeout,
    UsageError,
)
from tallystick.host.transport.base import exchange
from tallystick.wire import http
from tallystick.wire.apdu import ResponseApdu

_CONNECT_TIMEOUT_S = 5.0
#: once the first byte of an answer is there, the rest of it must follow within this time, in seconds
_BODY_TIMEOUT_S = 10.0

#: given host, port (None: the scheme's) and whether to use TLS, return a connection that is not open yet
Connect = Callable[[str, int | None, bool], HTTPConnection]


def _connection(host: str, port: int | None, secure: bool) -> HTTPConnection:  # noqa: FBT001 - a seam, called by position
    if secure:
        return HTTPSConnection(host, port, timeout=_CONNECT_TIMEOUT_S)
    return HTTPConnection(host, port, timeout=_CONNECT_TIMEOUT_S)


class HttpTransport:
    """A device behind an HTTP `url`; raises UsageError when the URL has no host or another scheme."""

    def __init__(self, url: str, *, connect: Connect = _connection) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"{url!r} is not a URL: {error}") from None
        if parts.scheme not in {"http", "https"} or not host:
            raise UsageError(f"{url!r} is not an HTTP URL", remedy="write it like http://127.0.0.1:5000/apdu")
        self._url = url
        self._endpoint = (host, port, parts.scheme == "https")
        self._path = parts.path or "/"
        self._is_rest = self._path.rstrip("/").endswith("/apdu")
        self._connect = connect
        self._link: HTTPConnection | None = None
        self._owed = False

    @property
    def url(self) -> str:
        """The URL it was given."""
        return self._url

    def send(self, apdu: bytes) -> None:
        """Post one APDU; raise DeviceNotFound when nobody listens, TransportError when the request cannot be sent."""
        if self._owed:
            raise LocalProtocolError("an answer is still owed: one APDU at a time")
        body = http.encode_rest_request(apdu) if self._is_rest else http.encode_bridge_request(apdu)
        link = self._open()
        try:
            link.request("POST", self._path, body=body, headers={"Content-Type": "application/json"})
        except (OSError, HTTPException) as error:
            self.close()
            raise self._lost(error) from error
        self._owed = True

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, or None when it has not begun within `timeout_s` seconds.

        Raises RemoteProtocolError when the proxy answers something else, or reports an error.
        """
        if self._link is None or not self._owed:
            raise LocalProtocolError("nothing was sent")
        if not select.select([self._link.sock], [], [], timeout_s)[0]:
            return None
        try:
            return self._answer(self._link).to_bytes()
        except (OSError, HTTPException) as error:
            self.close()
            raise self._lost(error) from error

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Post an APDU and return its answer; raise TransportTimeout after `timeout_s` seconds."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Hang up; the next `send` calls again."""
        link, self._link = self._link, None
        self._owed = False
        if link is not None:
            link.close()

    def _open(self) -> HTTPConnection:
        # one connection for each request: a proxy may close a kept one at any time, and then the APDU's fate is unknown
        self.close()
        link = self._connect(*self._endpoint)
        try:
            link.connect()
        except TimeoutError as error:
            raise TransportTimeout(f"{self._url} does not answer the call", remedy="check the URL") from error
        except OSError as error:
            raise DeviceNotFound(
                f"nothing listens at {self._url}: {error.strerror or error}",
                remedy="start a device with `tally up`, or correct the URL",
            ) from error
        self._link = link
        return link

    def _answer(self, link: HTTPConnection) -> ResponseApdu:
        link.sock.settimeout(_BODY_TIMEOUT_S)
        answer = link.getresponse()
        body = answer.read(http.MAX_BODY_BYTES + 1)
        self.close()
        try:
            return http.decode_answer(body)
        except RemoteProtocolError as error:
            raise RemoteProtocolError(
                f"{self._url} answered HTTP {answer.status}: {error.message}",
                remedy="see whether the URL is a device's: it ends in /apdu for a REST interface, in / for a bridge",
            ) from None

    def _lost(self, error: Exception) -> TransportError:
        if isinstance(error, TimeoutError):
            return TransportTimeout(f"the answer of {self._url} was not completed", remedy="try again")
        return TransportError(
            f"the connection to {self._url} broke: {str(error) or type(error).__name__}",
            remedy="see whether the device is still running, then try again",
        )
