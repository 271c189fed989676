"""A manager's flows over a WebSocket (wire-protocol H.3, H.4): one connection, one message at a time."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import urlencode

from tallystick.errors import RemoteProtocolError, TransportError
from tallystick.host.manager_address import ManagerError, ManagerTimeout, is_loopback, unreachable
from tallystick.wire.manager_flow import FlowPath, FlowRequest
from tallystick.wire.manager_message import MAX_MESSAGE, ClientReply, Response, ServerMessage, decode_server_message

#: seconds until a connection stands
CONNECT_S: Final = 10.0
#: seconds that a manager may take for its next message: it may be making a long script
MESSAGE_S: Final = 60.0
_CLOSE_S: Final = 1.0


class FlowSocket(Protocol):
    """An open WebSocket of texts; what goes wrong on the way is an OSError or a TransportError."""

    def receive(self, timeout_s: float) -> str:
        """Return the next text; raise TimeoutError when there is none in time, RemoteProtocolError for bytes."""
        ...

    def send(self, text: str) -> None:
        """Send a text."""
        ...

    def close(self) -> None:
        """Close; twice is harmless."""
        ...


#: opens a WebSocket at a URL
OpenSocket = Callable[[str], FlowSocket]


class Flow:
    """One flow with a manager: its messages, and the replies to them."""

    def __init__(self, base: str, path: FlowPath, request: FlowRequest, *, open_socket: OpenSocket) -> None:
        self._base = base
        self._socket = open_socket(f"{base}{path.value}?{urlencode(request.to_query())}")

    def __enter__(self) -> Self:
        """Return the flow; leaving the block closes its socket."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def receive(self) -> ServerMessage:
        """Wait for the next message; raise ManagerError when the socket is gone, RemoteProtocolError for nonsense."""
        try:
            return decode_server_message(self._socket.receive(MESSAGE_S))
        except TimeoutError as error:
            raise ManagerTimeout(f"the manager at {self._base} said nothing for {MESSAGE_S:g} s") from error
        except OSError as error:
            raise self._lost() from error

    def reply(self, nonce: int, *, data: bytes = b"", is_good: bool = True) -> None:
        """Answer the message with this nonce; raise ManagerError when the socket is gone."""
        response = Response.SUCCESS if is_good else Response.ERROR
        try:
            self._socket.send(ClientReply(nonce=nonce, response=response, data=data).to_json())
        except OSError as error:
            raise self._lost() from error

    def _lost(self) -> TransportError:
        return ManagerError(
            f"the connection to the manager at {self._base} broke in the middle",
            remedy="see whether it still runs, then give the command again: it begins anew",
        )


class WebSocket:
    """A WebSocket of the `websockets` package. Raises ManagerError or ManagerTimeout when there is none to be had."""

    def __init__(self, url: str) -> None:
        # loaded for flows only: it costs as much as the rest of a short command
        from websockets.exceptions import InvalidHandshake, InvalidURI
        from websockets.sync.client import connect

        base = url.partition("?")[0]
        try:
            self._link = connect(
                url,
                open_timeout=CONNECT_S,
                close_timeout=_CLOSE_S,
                max_size=MAX_MESSAGE,
                ping_interval=None,
                compression=None,
                proxy=None if is_loopback(url) else True,
            )
        except (OSError, EOFError) as error:
            late, refused = isinstance(error, TimeoutError), isinstance(error, ConnectionRefusedError)
            raise unreachable(base, error, is_late=late, is_refused=refused) from error
        except (InvalidHandshake, InvalidURI) as error:
            raise ManagerError(
                f"{base} is not a manager's flow: {error}", remedy="see whether the URL is a manager's"
            ) from error

    def receive(self, timeout_s: float) -> str:
        """Return the next text."""
        from websockets.exceptions import ConnectionClosed

        try:
            text = self._link.recv(timeout=timeout_s)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error
        if not isinstance(text, str):
            raise RemoteProtocolError("the manager sent bytes where there should be text")
        return text

    def send(self, text: str) -> None:
        """Send a text."""
        from websockets.exceptions import ConnectionClosed

        try:
            self._link.send(text)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error

    def close(self) -> None:
        """Close."""
        self._link.close()
