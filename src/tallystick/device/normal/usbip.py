"""The USB/IP endpoint: listens for hosts on a stream socket, and gives each connection a session."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import cast

from tallystick.device.normal.relay import Relay
from tallystick.device.normal.usbip_session import UsbipSession, UsbPort
from tallystick.errors import RemoteProtocolError

_LOGGER = logging.getLogger(__name__)
#: connections at once, the one that has the device and those that ask
_MAX_CONNECTIONS = 16
#: bytes of answers that may be unread before nothing more is read
_HIGH_WATER = 1 << 18


class _Connection(asyncio.Protocol):
    """The socket of a session."""

    def __init__(self, port: UsbPort, connections: set[_Connection]) -> None:
        self._connections = connections
        self._session = UsbipSession(port, send=self._write, on_end=self.close)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= _MAX_CONNECTIONS:
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._session.receive(data)
        except RemoteProtocolError as error:
            _LOGGER.info("a USB host is disconnected: %s", error.message)
            self._session.close()
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        self._session.close()
        self._transport = None

    def pause_writing(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Hang up; what was answered still leaves."""
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


class UsbipEndpoint:
    """Listens for USB hosts on a stream socket that was bound before, TCP or not."""

    def __init__(self, relay: Relay, listener: socket.socket) -> None:
        self._port = UsbPort(relay)
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def open(self) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self._port, self._connections), sock=self._listener)

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
