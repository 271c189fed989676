"""The server's end of one WebSocket: bytes of asyncio on one side, the texts of a conversation on the other (wire-protocol H.4).

`manager.door` makes one of a connection that begins as an upgrade, uvicorn of one where the upgrade comes in pieces or late. No
task and no queue stands between a frame and the conversation, and what is said at once leaves in one packet. No ping is ever
sent, since old clients take one for a broken conversation. The flows are in the lifespan state (ASGI) under `FLOWS`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from tallystick.manager.endpoint import FLOWS, FlowEndpoint, FlowSession
from tallystick.manager.frame import CloseCode, FrameReader, Opcode, close_frame, frame
from tallystick.manager.upgrade import HEAD_END, MAX_HEAD, Upgrade, UpgradeRefused
from tallystick.wire.manager_message import MAX_REPLY

__all__ = ["FlowSocket"]

#: messages that may wait to be read; a client that obeys has one
_MAX_WAITING: Final = 4
#: how long a client may take to close its end after the server has
_CLOSE_S: Final = 2.0


class FlowSocket(asyncio.Protocol):
    """One WebSocket; a `Line` for its conversation. The arguments are what uvicorn gives."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        del config
        self._flows: FlowEndpoint = app_state[FLOWS]
        self._loop = _loop or asyncio.get_running_loop()
        self._connections: set[Any] = server_state.connections
        self._head = b""
        self._frames = FrameReader(max_bytes=MAX_REPLY)
        self._session: FlowSession | None = None
        self._waiting: deque[str | None] = deque()
        #: the answer to the upgrade, until the first words leave with it
        self._unsaid = b""
        self._is_paused = self._is_full = self._is_ending = False
        self._closing: asyncio.TimerHandle | None = None

    # --- what the loop calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection."""
        self._connections.add(self)
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # the stream of a socket

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the conversation that the client is gone."""
        del error
        self._connections.discard(self)
        if self._closing is not None:
            self._closing.cancel()
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Take bytes as they come."""
        if self._session is None:
            self._begin(data)
            return
        for opcode, content in self._frames.receive(data):
            if opcode is not Opcode.TEXT or self._is_ending:
                self._take(opcode, content)
                continue
            try:
                text = content.decode()
            except UnicodeDecodeError:
                self._leave()
                self._close(b"", CloseCode.NOT_TEXT)
            else:
                self._hear(text)
        if self._frames.failure is not None and not self._is_ending:
            self._leave()
            self._close(b"", self._frames.failure)

    def eof_received(self) -> bool:
        """Note that the client writes no more; the connection is closed."""
        return False

    def pause_writing(self) -> None:
        """Let the conversation wait: the client does not read."""
        self._is_full = True
        self._regulate()

    def resume_writing(self) -> None:
        """Let the conversation go on."""
        self._is_full = False
        self.listen()
        self._regulate()

    def shutdown(self) -> None:
        """End because the server ends."""
        self._leave()
        if self._session is not None and not self._is_ending:
            self._write(close_frame(CloseCode.RESTART))
        self._is_ending = True
        self._transport.close()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def _begin(self, data: bytes) -> None:
        """Take the request, which may come in pieces, and begin to speak."""
        self._head += data
        head, end, rest = self._head.partition(HEAD_END)
        if self._is_ending or (not end and len(head) <= MAX_HEAD):
            return
        try:
            upgrade = Upgrade.from_bytes(head + end)
            path = self._flows.paths.get(upgrade.path)
            if path is None:
                raise UpgradeRefused("there is no such flow", http_status=403)
        except UpgradeRefused as error:
            self._is_ending = True
            self._transport.write(error.to_bytes())
            self._transport.close()
            return
        self._unsaid, self._head = upgrade.answer(), b""
        peer = self._transport.get_extra_info("peername")
        actor = str(peer[0]) if isinstance(peer, tuple) else ""
        self._session = self._flows.session(self, actor=actor)
        self._session.begin(path, upgrade.query)
        if self._unsaid:
            # a conversation that has to look things up first does not keep the client waiting for the upgrade
            self._write(b"")
        if rest:
            self.data_received(rest)

    def _take(self, opcode: Opcode, content: bytes) -> None:
        if self._is_ending:
            if opcode is Opcode.CLOSE:
                self._transport.close()
        elif opcode is Opcode.BINARY:
            self._hear(None)
        elif opcode is Opcode.PING:
            self._write(frame(Opcode.PONG, content))
        elif opcode is Opcode.CLOSE:
            self._leave()
            self._is_ending = True
            self._write(frame(Opcode.CLOSE, content[:2]))
            self._transport.close()

    def _hear(self, text: str | None) -> None:
        session = self._session
        if session is not None and not self._waiting and not self._is_full and session.is_listening:
            session.take(text)
            return
        self._waiting.append(text)
        self._regulate()

    def _regulate(self) -> None:
        """Stop reading while too much waits, on this side or on the other, and go on when it does not."""
        is_too_much = self._is_full or len(self._waiting) > _MAX_WAITING
        if is_too_much != self._is_paused and not self._transport.is_closing():
            self._is_paused = is_too_much
            if is_too_much:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _leave(self) -> None:
        self._waiting.clear()
        if self._session is not None:
            self._session.leave()

    # --- what goes out: a `Line` --------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Send a text."""
        if not self._is_ending:
            self._write(frame(Opcode.TEXT, text.encode()))

    def end(self, text: str, code: CloseCode) -> None:
        """Send the last text, if there is one, and say the end."""
        if not self._is_ending:
            self._close(frame(Opcode.TEXT, text.encode()) if text else b"", code)

    def listen(self) -> None:
        """Give what came meanwhile to a conversation that listens again."""
        session = self._session
        while self._waiting and not self._is_full and session is not None and session.is_listening:
            session.take(self._waiting.popleft())
        self._regulate()

    def _close(self, last: bytes, code: CloseCode) -> None:
        """Say the last words; the connection ends when the client has said its own end, or does not do so in time."""
        if self._is_ending:
            return
        self._is_ending = True
        self._write(last + close_frame(code))
        self._waiting.clear()
        self._regulate()
        if self._frames.failure is not None and self._transport.can_write_eof():
            # closed at once, what was not read yet would take the last words with it
            self._transport.write_eof()
        self._closing = self._loop.call_later(_CLOSE_S, self._transport.abort)

    def _write(self, data: bytes) -> None:
        if self._unsaid:
            data, self._unsaid = self._unsaid + data, b""
        if not self._transport.is_closing():
            self._transport.write(data)
