"""The gRPC endpoint for clients that were built for the emulator Zemu: gaiad and others with the tag ``ledger_zemu``.

HTTP/2 without TLS, one call, answers in the order of the requests. What a client may have under way has a bound: streams,
bytes of a request, answers that it gives no room for. A client that breaks the protocol is disconnected, a call that is wrong
gets a gRPC status; the next one is served.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from enum import IntEnum, unique
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes

from tallystick.device.normal.relay import Relay
from tallystick.errors import RemoteProtocolError
from tallystick.wire import zemu

__all__ = ["ZemuEndpoint"]

_LOGGER = logging.getLogger(__name__)
_MAX_CLIENTS = 64
#: calls of one client at once
_MAX_STREAMS = 16
_MAX_HEADER_BYTES = 8 << 10
#: bytes written that a client may leave unread before it is not listened to
_HIGH_WATER = 1 << 18
_CONTENT = b"application/grpc"


@unique
class GrpcStatus(IntEnum):
    """Statuses of a call (gRPC, status codes)."""

    OK = 0
    INVALID_ARGUMENT = 3
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12


class ZemuClient(asyncio.Protocol):
    """One connection."""

    def __init__(self, relay: Relay, clients: set[ZemuClient]) -> None:
        self._relay = relay
        self._clients = clients
        self._http = H2Connection(config=H2Configuration(client_side=False, header_encoding=None))
        self._transport: asyncio.Transport | None = None
        self._channel = 0
        #: requests that are not whole yet, by stream
        self._bodies: dict[int, bytearray] = {}
        #: streams of requests handed over, oldest first
        self._asked: deque[int] = deque()
        #: streams that somebody still waits for
        self._open: set[int] = set()
        #: what of answers there was no room for yet, in their order
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._paused_by: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, and give it a channel."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._clients) >= _MAX_CLIENTS:
            _LOGGER.warning("more than %d gRPC clients: one is refused", _MAX_CLIENTS)
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._clients.add(self)
        self._channel = self._relay.connect(self)
        self._http.update_settings(
            {SettingCodes.MAX_CONCURRENT_STREAMS: _MAX_STREAMS, SettingCodes.MAX_HEADER_LIST_SIZE: _MAX_HEADER_BYTES}
        )
        self._http.initiate_connection()
        self._write()

    def data_received(self, data: bytes) -> None:
        """Take what came; a client that breaks HTTP/2 is told so and disconnected."""
        try:
            for event in self._http.receive_data(data):
                self._take(event)
        except H2Error as error:
            _LOGGER.info("a gRPC client is disconnected: %s", type(error).__name__)
            self._write()
            if self._transport is not None:
                self._transport.close()
            return
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        del exc
        self._transport = None
        self._clients.discard(self)
        self._relay.drop(self._channel)

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        self._stop_reading("answers")

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._go_on_reading("answers")

    def deliver(self, response: bytes) -> None:
        """Send the answer to the oldest request; it is lost on a client that has ended its call or its connection meanwhile."""
        stream = self._asked.popleft()
        if stream not in self._open:
            return
        try:
            self._http.send_headers(stream, [(b":status", b"200"), (b"content-type", _CONTENT)])
            self._waiting.append((stream, zemu.reply(response)))
            self._send_waiting()
        except H2Error:
            # it said so in the packet that is being read: what follows from that is still to come, and is no matter of the relay's
            _LOGGER.info("a gRPC client took a call back before its answer")
        self._write()

    def pause(self) -> None:
        """Read no more for now: enough requests are waiting."""
        self._stop_reading("requests")

    def resume(self) -> None:
        """Go on: there is room for requests."""
        self._go_on_reading("requests")

    def close(self) -> None:
        """Disconnect the client."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._begin(event)
            case DataReceived():
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                body = self._bodies.get(event.stream_id)
                if body is None:
                    return
                body += event.data
                if len(body) > zemu.MAX_MESSAGE:
                    self._refuse(event.stream_id, GrpcStatus.RESOURCE_EXHAUSTED, "no APDU is that long")
            case StreamEnded():
                body = self._bodies.pop(event.stream_id, None)
                if body is not None:
                    self._ask(event.stream_id, bytes(body))
            case StreamReset():
                self._bodies.pop(event.stream_id, None)
                self._open.discard(event.stream_id)
                self._send_waiting()
            case WindowUpdated():
                self._send_waiting()
            case ConnectionTerminated():
                # nothing can be said to it any more
                self._open.clear()
                if self._transport is not None:
                    self._transport.close()

    def _begin(self, event: RequestReceived) -> None:
        headers = dict(event.headers)
        stream = event.stream_id
        self._open.add(stream)
        if not headers.get(b"content-type", b"").startswith(_CONTENT):
            self._open.discard(stream)
            self._http.send_headers(stream, [(b":status", b"415")], end_stream=True)
        elif headers.get(b":path") != zemu.EXCHANGE:
            self._refuse(stream, GrpcStatus.UNIMPLEMENTED, "there is no such method")
        else:
            self._bodies[stream] = bytearray()

    def _ask(self, stream: int, message: bytes) -> None:
        try:
            apdu = zemu.request(message)
        except zemu.Compressed as error:
            self._refuse(stream, GrpcStatus.UNIMPLEMENTED, error.message)
        except RemoteProtocolError as error:
            self._refuse(stream, GrpcStatus.INVALID_ARGUMENT, error.message)
        else:
            self._asked.append(stream)
            self._relay.submit(self._channel, apdu)

    def _refuse(self, stream: int, status: GrpcStatus, reason: str) -> None:
        """End a call with nothing but its status."""
        self._bodies.pop(stream, None)
        self._open.discard(stream)
        told = [(b":status", b"200"), (b"content-type", _CONTENT), *_trailers(status, reason)]
        self._http.send_headers(stream, told, end_stream=True)

    def _send_waiting(self) -> None:
        """Send what there is room for of the answers."""
        while self._waiting:
            stream, rest = self._waiting.popleft()
            while rest and stream in self._open:
                room = min(self._http.local_flow_control_window(stream), self._http.max_outbound_frame_size)
                if room <= 0:
                    self._waiting.appendleft((stream, rest))
                    return
                self._http.send_data(stream, rest[:room])
                rest = rest[room:]
            if stream in self._open:
                self._open.discard(stream)
                self._http.send_headers(stream, _trailers(GrpcStatus.OK), end_stream=True)

    def _write(self) -> None:
        data = self._http.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    def _stop_reading(self, reason: str) -> None:
        if not self._paused_by and self._transport is not None:
            self._transport.pause_reading()
        self._paused_by.add(reason)

    def _go_on_reading(self, reason: str) -> None:
        if reason in self._paused_by:
            self._paused_by.discard(reason)
            if not self._paused_by and self._transport is not None:
                self._transport.resume_reading()


def _trailers(status: GrpcStatus, reason: str = "") -> list[tuple[bytes, bytes]]:
    told = [(b"grpc-status", b"%d" % status)]
    return [*told, (b"grpc-message", reason.encode("ascii"))] if reason else told


class ZemuEndpoint:
    """Listens for gRPC clients on a socket that was bound before."""

    def __init__(self, relay: Relay, listener: socket.socket) -> None:
        self._relay = relay
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._clients: set[ZemuClient] = set()

    async def open(self) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: ZemuClient(self._relay, self._clients), sock=self._listener)

    async def close(self) -> None:
        """Stop listening and disconnect every client."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.close()
