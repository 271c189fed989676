"""What uvicorn makes for each connection: whose it is, and how long a client may take over the head of a request.

A first packet that is a whole upgrade to a path of the flows makes a `FlowSocket` of the connection; everything else is uvicorn's,
which gives a client as long as it likes to say what it wants. So the door stays before it: a connection on which no request
is being served has some seconds to bring the next one whole. Otherwise a few thousand that say nothing would shut out everybody.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from tallystick.manager.endpoint import FLOWS
from tallystick.manager.socket import FlowSocket
from tallystick.manager.upgrade import HEAD_END

__all__ = ["FlowDoor"]

#: seconds from the first byte of a head, or from the beginning of a connection, to the end of that head
_HEAD_S: Final = 10.0


class FlowDoor(asyncio.Protocol):
    """One connection; the arguments are what uvicorn gives. It finds the flows in the lifespan state (ASGI) under `FLOWS`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._given = (config, server_state, app_state)
        self._loop = _loop or asyncio.get_running_loop()
        #: the protocol of uvicorn, once it is known that the connection is no flow's
        self._http: Any = None
        self._patience: asyncio.TimerHandle | None = None

    # --- what the loop calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection."""
        self._given[1].connections.add(self)  # type: ignore[arg-type]  # uvicorn asks no more of it than `shutdown`
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # the stream of a socket
        self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._rest()
        self._given[1].connections.discard(self)
        if self._http is not None:
            self._http.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Give the connection to whom its first packet is for, and what follows to the same."""
        if self._http is None:
            config, server_state, _ = self._given
            server_state.connections.discard(self)
            limit = config.limit_concurrency
            if self._is_flow(data) and (limit is None or len(server_state.connections) < limit):
                self._rest()
                flow = FlowSocket(*self._given, self._loop)
                self._transport.set_protocol(flow)
                flow.connection_made(self._transport)
                flow.data_received(data)
                return
            make: Any = AutoHTTPProtocol
            self._http = make(*self._given, self._loop)
            self._http.connection_made(self._transport)
        self._http.data_received(data)
        cycle = self._http.cycle
        if cycle is not None and not cycle.response_complete:
            self._rest()
        else:
            self._wait()

    def eof_received(self) -> bool:
        """Note that the client writes no more; the connection is closed, unless uvicorn keeps it."""
        return self._http is not None and bool(self._http.eof_received())

    def pause_writing(self) -> None:
        """Let answers wait: the client does not read."""
        if self._http is not None:
            self._http.pause_writing()

    def resume_writing(self) -> None:
        """Let answers go on."""
        if self._http is not None:
            self._http.resume_writing()

    def shutdown(self) -> None:
        """End because the server ends."""
        self._transport.close()

    # --- time ---------------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Count the time from now on, if it is not counted."""
        if self._patience is None:
            self._patience = self._loop.call_later(_HEAD_S, self._lose_patience)

    def _rest(self) -> None:
        """Count no time: a request is being served."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        """Cut off a connection that is still the door's, and not one that has become a socket since."""
        self._patience = None
        if self._transport.get_protocol() is self:
            self._transport.abort()

    def _is_flow(self, data: bytes) -> bool:
        if not data.startswith(b"GET ") or not data.endswith(HEAD_END):
            return False
        path = data[4 : data.find(b" ", 4)].partition(b"?")[0].decode("latin-1")
        return path in self._given[2][FLOWS].paths and b"\r\nupgrade:" in data.lower()
