"""The HID interface for FIDO over TCP, as clients of Speculos know it (speculos 4.1): a frame is a report of 64 bytes.

Frames are those of APDUs (wire-protocol A.5), so the length in front of a report of the device leaves its last two bytes out. Every client
hears every report, as programs that open one USB device do; channels inside the reports keep them apart. A client that sends anything but
reports is disconnected. One that does not read loses what it could have heard.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import cast

from tallystick.device.normal.relay import Relay
from tallystick.errors import RemoteProtocolError
from tallystick.wire.role import Role
from tallystick.wire.tcp import TcpFraming
from tallystick.wire.world import REPORT_BYTES

__all__ = ["ReportClient", "ReportEndpoint"]

_LOGGER = logging.getLogger(__name__)
#: clients at once; more are refused
_MAX_CLIENTS = 64
#: bytes of reports that a client may leave unread
_HIGH_WATER = 1 << 16


class ReportClient(asyncio.Protocol):
    """One connection."""

    def __init__(self, relay: Relay, clients: set[ReportClient]) -> None:
        self._relay = relay
        self._clients = clients
        self._framing = TcpFraming(Role.DEVICE, max_bytes=REPORT_BYTES)
        self._transport: asyncio.Transport | None = None
        self._is_deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have the client hear what the device says."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._clients) >= _MAX_CLIENTS:
            _LOGGER.warning("more than %d clients: one is refused", _MAX_CLIENTS)
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._clients.add(self)
        self._relay.listen(self)

    def data_received(self, data: bytes) -> None:
        """Hand over the reports that came."""
        try:
            reports = self._framing.receive(data)
        except RemoteProtocolError as error:
            self._break(error.message)
            return
        for report in reports:
            if len(report) != REPORT_BYTES:
                self._break(f"it sent {len(report)} bytes")
                return
            self._relay.report(report)
        if self._framing.broken:
            self._break(f"it announced more than {REPORT_BYTES} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        del exc
        self._clients.discard(self)
        self._relay.ignore(self)
        self._transport = None

    def pause_writing(self) -> None:
        """Have a client that does not read hear nothing more."""
        self._is_deaf = True

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._is_deaf = False

    def hear(self, report: bytes) -> None:
        """Send a report of the device."""
        if self._transport is not None and not self._is_deaf:
            self._transport.write(self._framing.send(report))

    def close(self) -> None:
        """Disconnect the client."""
        if self._transport is not None:
            self._transport.abort()

    def _break(self, reason: str) -> None:
        """Disconnect a client that does not send reports; what it heard still leaves."""
        _LOGGER.warning("a client is disconnected: %s, and what goes here are reports of %d", reason, REPORT_BYTES)
        if self._transport is not None:
            self._transport.close()


class ReportEndpoint:
    """Listens for clients on a socket that was bound before."""

    def __init__(self, relay: Relay, listener: socket.socket) -> None:
        self._relay = relay
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._clients: set[ReportClient] = set()

    async def open(self) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: ReportClient(self._relay, self._clients), sock=self._listener)

    async def close(self) -> None:
        """Stop listening and disconnect every client."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.close()
