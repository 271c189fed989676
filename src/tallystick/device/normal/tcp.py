"""The TCP endpoint (wire-protocol A.5): any number of clients, each with its own answers in its own order.

A client that sends half a frame holds up nobody, nor does one that sends a thousand requests at once: after a few, the
loop turns to the others. One that declares an impossible length is disconnected, once what it sent before is handed
over: there is no way to find the next frame. One that does not read its answers is not listened to until it does, so
that what is kept for a client has a bound.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from typing import cast

from tallystick.device.normal.relay import Relay
from tallystick.errors import RemoteProtocolError
from tallystick.wire.role import Role
from tallystick.wire.tcp import TcpFraming

_LOGGER = logging.getLogger(__name__)
#: clients at once; more are refused
_MAX_CLIENTS = 256
#: bytes of answers a client may leave unread before it is not served any more
_HIGH_WATER = 1 << 20
#: requests of one client handed over before the loop turns to the others
_TURN = 16
#: why a client is not read from: its own requests wait for their turn
_BACKLOG = "backlog"


class TcpClient(asyncio.Protocol):
    """One connection."""

    def __init__(self, relay: Relay, clients: set[TcpClient]) -> None:
        self._relay = relay
        self._clients = clients
        self._framing = TcpFraming(Role.DEVICE)
        self._transport: asyncio.Transport | None = None
        self._channel = 0
        #: requests read and not handed over yet: what came in one chunk, 256 KiB at most
        self._backlog: deque[bytes] = deque()
        self._paused_by: set[str] = set()
        self._is_scheduled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the client a channel."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._clients) >= _MAX_CLIENTS:
            _LOGGER.warning("more than %d clients: one is refused", _MAX_CLIENTS)
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._clients.add(self)
        self._channel = self._relay.connect(self)

    def data_received(self, data: bytes) -> None:
        """Take what came: none, one or several requests."""
        try:
            self._backlog.extend(self._framing.receive(data))
        except RemoteProtocolError as error:
            self._break(error.message)
            return
        if not self._is_scheduled:
            self._hand_over()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        del exc
        self._clients.discard(self)
        self._backlog.clear()
        self._relay.drop(self._channel)
        self._transport = None

    def pause_writing(self) -> None:
        """Read no more requests from a client that does not read its answers."""
        self._stop_reading("answers")

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._go_on_reading("answers")

    def deliver(self, response: bytes) -> None:
        """Send one answer."""
        if self._transport is not None:
            self._transport.write(self._framing.send(response))

    def pause(self) -> None:
        """Read no more for now: enough requests are waiting."""
        self._stop_reading("requests")

    def resume(self) -> None:
        """Go on: there is room for requests."""
        self._go_on_reading("requests")

    def close(self) -> None:
        """Disconnect the client."""
        self._backlog.clear()
        if self._transport is not None:
            self._transport.abort()

    def _break(self, reason: str) -> None:
        """Disconnect a client whose bytes mean nothing any more; answers that are written still leave."""
        _LOGGER.info("a client is disconnected: %s", reason)
        if self._transport is not None:
            self._transport.close()

    def _hand_over(self) -> None:
        """Hand over a few of the requests read, and see to it that the others' turn comes in between."""
        self._is_scheduled = False
        for _ in range(_TURN):
            if not self._backlog or self._is_paused:
                break
            self._relay.submit(self._channel, self._backlog.popleft())
        if self._backlog:
            self._stop_reading(_BACKLOG)
            self._schedule()
        elif self._framing.broken:
            self._break("it announced a frame beyond the limit")
        else:
            self._go_on_reading(_BACKLOG)

    @property
    def _is_paused(self) -> bool:
        """Whether the client has to wait for something other than its own turn."""
        return bool(self._paused_by - {_BACKLOG})

    def _schedule(self) -> None:
        if not self._is_scheduled and not self._is_paused:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _stop_reading(self, reason: str) -> None:
        if not self._paused_by and self._transport is not None:
            self._transport.pause_reading()
        self._paused_by.add(reason)

    def _go_on_reading(self, reason: str) -> None:
        if not self._paused_by:
            return
        self._paused_by.discard(reason)
        if self._backlog:
            self._schedule()
        if not self._paused_by and self._transport is not None:
            self._transport.resume_reading()


class TcpEndpoint:
    """Listens for clients on a socket that was bound before."""

    def __init__(self, relay: Relay, listener: socket.socket) -> None:
        self._relay = relay
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._clients: set[TcpClient] = set()

    async def open(self) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TcpClient(self._relay, self._clients), sock=self._listener)

    async def close(self) -> None:
        """Stop listening and disconnect every client."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.close()
