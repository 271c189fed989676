"""The server's end of one WebSocket, for uvicorn: made for conversations in which each side waits for the other.

The protocol itself (RFC 6455) is that of `websockets`, sans-IO. What differs from uvicorn's own edge is what a conversation of
ten short messages costs: reading is not stopped and started around each message but only for a client that does not wait for
its turn, and what the application says before it waits leaves in one packet. No ping is ever sent, since old clients take one for
a broken conversation (wire-protocol H.4).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.exceptions import ConnectionClosed, InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

__all__ = ["FlowSocket"]

_LOG: Final = logging.getLogger("tallystick.manager.socket")
#: messages that may wait to be read; a client that obeys has one
_MAX_WAITING: Final = 4
#: how long a client may take to close its end after the server has
_CLOSE_S: Final = 2.0
_GONE: Final = 1006
_RESTART: Final = 1012
_BROKEN: Final = 1011
_NOT_TEXT: Final = 1007
_FORBIDDEN: Final = 403

Message = MutableMapping[str, Any]


class FlowSocket(asyncio.Protocol):
    """One WebSocket of a uvicorn server; the arguments are what uvicorn gives."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._app = config.loaded_app
        self._loop = _loop or asyncio.get_running_loop()
        self._connections: set[Any] = server_state.connections
        self._tasks = server_state.tasks
        self._app_state = app_state
        self._protocol = ServerProtocol(max_size=config.ws_max_size, logger=_LOG)
        self._waiting: deque[Message] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._parts: list[bytes] = []
        self._kind = Opcode.TEXT
        #: the answer to the upgrade, until it is given
        self._accepted: Response | None = None
        self._is_paused = self._is_gone = False
        self._closing: asyncio.TimerHandle | None = None

    # --- what the loop calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection."""
        self._connections.add(self)
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # the stream of a socket

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the application that the client is gone."""
        del error
        self._connections.discard(self)
        if self._closing is not None:
            self._closing.cancel()
        self._leave(self._protocol.close_rcvd.code if self._protocol.close_rcvd is not None else _GONE)
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take bytes as they come."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._begin(event)
            elif isinstance(event, Frame):
                self._take(event)
        self._flush()
        if self._protocol.close_expected():
            # a broken protocol, or the end that both sides said: nothing more is read
            self._leave(_GONE)

    def eof_received(self) -> bool:
        """Note that the client writes no more; the connection is closed."""
        self._protocol.receive_eof()
        return False

    def pause_writing(self) -> None:
        """Let the application wait: the client does not read."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let the application go on."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def shutdown(self) -> None:
        """End because the server ends."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(_RESTART)
        self._leave(_RESTART)
        self._flush()
        self._transport.close()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def _begin(self, request: Request) -> None:
        response = self._protocol.accept(request)
        if response.status_code != 101:
            self._protocol.send_response(response)
            return
        self._waiting.append({"type": "websocket.connect"})
        self._accepted = response
        task = self._loop.create_task(self._run(self._scope(request)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _scope(self, request: Request) -> dict[str, Any]:
        path, _, query = request.path.partition("?")
        peer = self._transport.get_extra_info("peername")
        own = self._transport.get_extra_info("sockname")
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws" if self._transport.get_extra_info("sslcontext") is None else "wss",
            "server": own[:2] if isinstance(own, tuple) else None,
            "client": peer[:2] if isinstance(peer, tuple) else None,
            "root_path": "",
            "path": unquote(path),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.raw_items()
            ],
            "subprotocols": [],
            "state": self._app_state.copy(),
        }

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._leave(self._protocol.close_rcvd.code if self._protocol.close_rcvd is not None else _GONE)
            return
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            # a ping is answered by the protocol; a pong was not asked for
            return
        if frame.opcode is not Opcode.CONT:
            self._parts, self._kind = [], frame.opcode
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        data = b"".join(self._parts)
        self._parts = []
        if self._kind is Opcode.BINARY:
            self._put({"type": "websocket.receive", "bytes": data})
            return
        try:
            self._put({"type": "websocket.receive", "text": data.decode()})
        except UnicodeDecodeError:
            self._protocol.fail(_NOT_TEXT)
            self._leave(_NOT_TEXT)

    def _put(self, message: Message) -> None:
        if self._is_gone:
            return
        self._waiting.append(message)
        if len(self._waiting) > _MAX_WAITING and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def _leave(self, code: int) -> None:
        if not self._is_gone:
            self._is_gone = True
            self._waiting.append({"type": "websocket.disconnect", "code": code})
            self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # --- what goes out ------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Write what was said since the last time: the application is about to wait, or is done."""
        if self._transport.is_closing():
            return
        chunks = self._protocol.data_to_send()
        if not chunks:
            return
        data = b"".join(chunks)
        if data:
            self._transport.write(data)
        if b"" in chunks and self._transport.can_write_eof():
            # the protocol's word for its end; closed at once, what was not read yet would take the last words with it
            self._transport.write_eof()
        elif b"" in chunks:
            self._transport.close()
        if self._protocol.close_expected() and self._closing is None:
            self._closing = self._loop.call_later(_CLOSE_S, self._transport.abort)

    # --- the application ----------------------------------------------------------------------------------------------

    async def _run(self, scope: dict[str, Any]) -> None:
        try:
            await self._app(scope, self._receive, self._send)
        except (ConnectionClosed, OSError):
            return
        finally:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(_BROKEN)
            self._refuse()
            self._flush()

    async def _receive(self) -> Message:
        """Wait for the next message."""
        while not self._waiting:
            self._flush()
            self._reader = self._loop.create_future()
            await self._reader
        message = self._waiting.popleft()
        if self._is_paused and not self._waiting:
            self._is_paused = False
            self._transport.resume_reading()
        return message

    async def _send(self, message: Message) -> None:
        """Do what the application says; raise OSError when the client is gone, as ASGI wants it."""
        kind = message["type"]
        if kind == "websocket.accept" and self._accepted is not None:
            self._protocol.send_response(self._accepted)
            self._accepted = None
            # what follows at once goes along with it; a slow application does not keep the client waiting for the upgrade
            self._loop.call_soon(self._flush)
        elif kind == "websocket.close" and self._accepted is not None:
            self._refuse()
        elif self._protocol.state is not State.OPEN:
            raise OSError("the client is gone")
        else:
            self._say(kind, message)
        if self._writable is not None:
            await self._writable

    def _refuse(self) -> None:
        """Answer an upgrade that the application does not want, unless it was answered."""
        if self._accepted is not None:
            self._accepted = None
            self._protocol.send_response(self._protocol.reject(_FORBIDDEN, ""))

    def _say(self, kind: str, message: Message) -> None:
        try:
            if kind == "websocket.close":
                self._protocol.send_close(message.get("code", 1000), message.get("reason") or "")
            elif message.get("text") is not None:
                self._protocol.send_text(message["text"].encode())
            else:
                self._protocol.send_binary(message["bytes"])
        except InvalidState as error:
            raise OSError("the client is gone") from error
