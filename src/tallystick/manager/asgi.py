"""A flow over ASGI, for servers other than our own and for tests: the same session, with queues where our server has none."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from tallystick.manager.endpoint import FlowEndpoint, FlowSession
from tallystick.manager.frame import CloseCode
from tallystick.wire.manager_flow import FlowPath

__all__ = ["hold"]


class _Line:
    """What a session says, until it is sent: one text at a time, since each waits for its reply."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[tuple[str, CloseCode | None]] = asyncio.Queue()
        self.can_listen = asyncio.Event()

    def say(self, text: str) -> None:
        """Send a text."""
        self.said.put_nowait((text, None))
        self.can_listen.set()

    def end(self, text: str, code: CloseCode) -> None:
        """Send the last text, if there is one, and say the end."""
        self.said.put_nowait((text, code))

    def listen(self) -> None:
        """Note that the session listens again."""
        self.can_listen.set()


async def hold(flows: FlowEndpoint, socket: WebSocket, path: FlowPath) -> None:
    """Hold the conversation of one socket."""
    await socket.accept()
    line = _Line()
    session = flows.session(line, actor="" if socket.client is None else socket.client.host)
    session.begin(path, socket.url.query)
    hearing = asyncio.ensure_future(_hear(socket, session, line))
    try:
        code = None
        while code is None:
            text, code = await line.said.get()
            if text:
                await socket.send_text(text)
        if code is not CloseCode.GONE:
            await socket.close(code)
    except (WebSocketDisconnect, OSError):
        # the client left while it was spoken to
        pass
    finally:
        session.leave()
        hearing.cancel()
        with suppress(asyncio.CancelledError):
            await hearing


async def _hear(socket: WebSocket, session: FlowSession, line: _Line) -> None:
    """Give the session what the client says when it listens, and tell it when the client left."""
    while True:
        message = await socket.receive()
        while message["type"] == "websocket.receive" and not session.is_listening:
            line.can_listen.clear()
            await line.can_listen.wait()
        if message["type"] != "websocket.receive":
            session.leave()
            line.end("", CloseCode.GONE)
            return
        line.can_listen.clear()
        session.take(message.get("text"))
