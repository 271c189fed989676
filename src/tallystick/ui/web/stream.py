"""Server-sent events that end when the client does and never buffer for a slow one.

`send` waits while the client's socket is full. So a reader that does not read makes only its own stream wait, and a
source is written such that it then skips ahead (frames) or ends the stream (text events).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

#: streams and long polls open at once
MAX_STREAMS = 64


class Source(Protocol):
    """Makes the text of a stream, piece by piece."""

    def __call__(self) -> AsyncGenerator[str, None]:
        """Return the pieces; each is written as it comes."""
        ...


class EventStream(Response):
    """A response of type text/event-stream out of the pieces of `source`; `on_end` is called when it has ended."""

    media_type = "text/event-stream"

    def __init__(self, source: Source, *, on_end: Callable[[], None]) -> None:
        super().__init__(headers={"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._source = source
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the form of ASGI
        """Write the stream until the source ends or the client goes away."""
        writing = asyncio.ensure_future(self._write(send))
        watching = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({writing, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, watching):
                task.cancel()
            await asyncio.gather(writing, watching, return_exceptions=True)
            self._on_end()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async with aclosing(self._source()) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
