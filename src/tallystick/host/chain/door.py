"""HTTP to one node: bounded in size and time, nothing asked twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from tallystick.errors import TransportError, UsageError
from tallystick.host.chain.answer import Answer
from tallystick.host.chain.fault import ChainError, ChainTimeout, NodeDown

#: bytes of one answer; that of the largest transaction is a fraction of it
MAX_ANSWER_BYTES: Final = 4 << 20
#: seconds until there is a connection, between two pieces of an answer, and for all of it
CONNECT_S: Final = 10.0
READ_S: Final = 20.0
WHOLE_S: Final = 60.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
#: what fails before a byte of the question has left
_BEFORE: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)

_OVERBURDENED: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The status of an HTTP answer, and its JSON."""

    status: int
    body: Answer

    @property
    def is_ok(self) -> bool:
        """Tell whether the node did what it was asked."""
        return self.status == httpx.codes.OK


class Door:
    """The way to the node at `url`; `http` and `now` (seconds) are the edges.

    Methods raise NodeDown or ChainTimeout when the node cannot be asked, ChainError or RemoteProtocolError for what is no answer.
    """

    def __init__(
        self, url: str, *, http: httpx.Client | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = node_url(url)
        self._http = http or httpx.Client(
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            trust_env=(urlsplit(self.url).hostname or "") not in _LOOPBACK,
        )
        self._now = now

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Ask for a path."""
        return self._ask("GET", path, query=query)

    def post(self, path: str, document: object) -> Reply:
        """Send a document to a path."""
        return self._ask("POST", path, document=document)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _ask(self, method: str, path: str, *, query: Mapping[str, str] | None = None, document: object = None) -> Reply:
        try:
            return self._read(method, path, query=query, document=document)
        except httpx.HTTPError as error:
            raise self._failure(error) from error

    def _read(self, method: str, path: str, *, query: Mapping[str, str] | None, document: object) -> Reply:
        end = self._now() + WHOLE_S
        headers = {"Accept": "application/json"}
        request = self._http.build_request(method, self.url + path, params=query, json=document, headers=headers)
        answer = self._http.send(request, stream=True)
        try:
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise ChainError(f"the node's answer is longer than {MAX_ANSWER_BYTES} bytes", remedy=_ANOTHER)
                if self._now() > end:
                    raise httpx.ReadTimeout("the answer does not end")
        finally:
            answer.close()
        if answer.status_code in _OVERBURDENED:
            raise httpx.ReadError(f"HTTP {answer.status_code} {answer.reason_phrase}")
        if not body and answer.status_code != httpx.codes.OK:
            raise ChainError(f"the node at {self.url} answered HTTP {answer.status_code}", remedy=_ANOTHER)
        return Reply(status=answer.status_code, body=Answer.from_bytes(bytes(body)))

    def _failure(self, error: httpx.HTTPError) -> TransportError:
        may_have_arrived = not isinstance(error, _BEFORE)
        if isinstance(error, httpx.TimeoutException):
            return ChainTimeout(
                f"the node at {self.url} does not answer in time", may_have_arrived=may_have_arrived, remedy=_ANOTHER
            )
        return NodeDown(
            f"the node at {self.url} cannot be reached: {str(error) or type(error).__name__}",
            may_have_arrived=may_have_arrived,
            remedy=_ANOTHER,
        )


_ANOTHER: Final = "see whether the URL is right and the network is there, or name another node with --node"


def node_url(url: str) -> str:
    """Return a node's URL without a slash at its end, ``tcp://`` being HTTP; raise UsageError when it is none."""
    text = "http://" + url.removeprefix("tcp://") if url.startswith("tcp://") else url
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or "@" in parts.netloc or not text.isprintable():
        raise UsageError(
            f"{url[:200]!r} is not the URL of a node",
            remedy="write it like http://127.0.0.1:1317 or tcp://127.0.0.1:26657",
        )
    return text.rstrip("/")
