"""The door that gdb comes in by: one TCP port of this machine, and the app that is open behind it.

The socket belongs to this process; the app's, which is locked in, has the other end of a pair. gdb may come and go.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

__all__ = ["GdbDoor"]

_CHUNK = 4096
#: seconds that one gdb may take to leave before the next one is shown out
_LEAVING_S = 1.0
#: what gdb says when it lets go: said for one that went without a word, so that the app runs on
_DETACH = b"$D#44"


class GdbDoor:
    """Relays between whoever connects to `listener` and the app that was started last."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._app: asyncio.StreamWriter | None = None
        self._gdb: asyncio.StreamWriter | None = None
        self._is_there = asyncio.Event()
        self._is_free = asyncio.Lock()

    @property
    def port(self) -> int:
        """The port that gdb is to connect to."""
        return int(self._listener.getsockname()[1])

    async def open(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._visit, sock=self._listener)

    def take(self) -> socket.socket:
        """Return the app's end of a new way to gdb; the way to the app before it is closed."""
        ours, theirs = socket.socketpair()
        self._spawn(self._follow(ours))
        return theirs

    async def close(self) -> None:
        """End: nobody is connected any more."""
        if self._server is not None:
            self._server.close()
        for writer in (self._app, self._gdb):
            if writer is not None:
                writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: asyncio._CoroutineLike[None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, ours: socket.socket) -> None:
        """Pass on what one app says, until it ends; gdb goes with it."""
        reader, writer = await asyncio.open_connection(sock=ours)
        self._app = writer
        self._is_there.set()
        try:
            while data := await reader.read(_CHUNK):
                if self._gdb is not None:
                    self._gdb.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()
            if self._app is writer:
                self._app = None
                self._is_there.clear()
            if self._gdb is not None:
                self._gdb.close()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one gdb says; a second one is shown out, unless the first is just leaving."""
        try:
            await asyncio.wait_for(self._is_free.acquire(), _LEAVING_S)
        except TimeoutError:
            writer.close()
            return
        self._gdb = writer
        try:
            while data := await reader.read(_CHUNK):
                await self._is_there.wait()
                if self._app is not None:
                    self._app.write(data)
                    await self._app.drain()
        except ConnectionError:
            pass
        finally:
            self._gdb = None
            if self._app is not None:
                self._app.write(_DETACH)
            self._is_free.release()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
