"""The Bluetooth endpoint: frames of the one link that a radio has, as a client of the relay (wire-protocol A.4).

The radio is a program of its own at the other end of a stream socket, and speaks `tallystick.wire.radio`. One at a time: who
comes while there is one is refused. A radio that sends what it must not is disconnected, and may come again.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import cast

from tallystick.device.normal.relay import Relay
from tallystick.errors import RemoteProtocolError
from tallystick.wire.ble import ATT_MTU, BleFraming
from tallystick.wire.model import by_product_id
from tallystick.wire.packet import ApduReceived, ReplyFrames
from tallystick.wire.radio import Disconnected, Frame, Linked, Mtu, Present, RadioMessage, RadioReader, to_bytes
from tallystick.wire.role import Role
from tallystick.wire.world import Introduce

__all__ = ["BleEndpoint", "BleLink", "presence"]

_LOGGER = logging.getLogger(__name__)
#: bytes of answers that may be unread before nothing more is read
_HIGH_WATER = 1 << 18
_NAME_TAIL = 4


def presence(identity: Introduce | None) -> Present:
    """Return what a device that introduced itself is on the air; nothing for a bootloader, and for models without Bluetooth."""
    model = None if identity is None else by_product_id(identity.product_id)
    if identity is None or model is None or model.ble_service is None:
        return Present("", "")
    if identity.product_id == model.bootloader_product_id:
        return Present("", "")
    return Present(model.ble_service, f"{model.product} {identity.serial[-_NAME_TAIL:].upper()}")


class BleLink:
    """A client of `relay`: what comes from the radio goes in by `receive`, what it is to hear goes out by `send`."""

    def __init__(
        self,
        relay: Relay,
        *,
        send: Callable[[bytes], None],
        on_end: Callable[[], None],
        on_wait: Callable[[bool], None],
    ) -> None:
        self._relay = relay
        self._send = send
        self._on_end = on_end
        self._on_wait = on_wait
        self._reader = RadioReader()
        self._framing = BleFraming(Role.DEVICE, link_ready=False)
        #: 0 while nobody is linked
        self._channel = 0

    def open(self) -> None:
        """Tell the radio what it is to be."""
        self._send(to_bytes(presence(self._relay.identity)))

    def receive(self, data: bytes) -> None:
        """Take bytes of the radio; raise RemoteProtocolError when they mean nothing: it is of no more use."""
        for message in self._reader.receive(data):
            self._take(message)

    def leave(self) -> None:
        """Be no client any more: the radio is gone, or its link is."""
        channel, self._channel = self._channel, 0
        self._framing.reset()
        self._framing.link_ready = False
        if channel:
            self._relay.drop(channel)

    def deliver(self, response: bytes) -> None:
        """Take the answer to the oldest request."""
        for frame in self._framing.send(response):
            self._send(to_bytes(Frame(frame)))

    def pause(self) -> None:
        """Take nothing more for now."""
        self._on_wait(True)  # noqa: FBT003 -- a seam, called by position

    def resume(self) -> None:
        """Go on."""
        self._on_wait(False)  # noqa: FBT003 -- a seam, called by position

    def close(self) -> None:
        """Disconnect: the plug was pulled."""
        self._on_end()

    def _take(self, message: RadioMessage) -> None:
        match message:
            case Linked(att_mtu):
                self.leave()
                self._framing.link_ready = True
                self._framing.set_att_mtu(min(att_mtu, ATT_MTU))
                self._channel = self._relay.connect(self)
            case Mtu(att_mtu) if self._channel:
                self._framing.set_att_mtu(min(att_mtu, ATT_MTU))
            case Frame(data) if self._channel:
                self._take_frame(data)
            case Disconnected():
                self.leave()
            case Present():
                raise RemoteProtocolError("a radio says what it is to be told")
            case _:
                pass  # late, of a link that is gone

    def _take_frame(self, data: bytes) -> None:
        for event in self._framing.receive(data):
            match event:
                case ApduReceived(_, apdu):
                    self._relay.submit(self._channel, apdu)
                case ReplyFrames(frames):
                    for frame in frames:
                        self._send(to_bytes(Frame(frame)))
                case _:
                    pass  # a device is silent about what it does not understand


class _Connection(asyncio.Protocol):
    """The socket of a radio."""

    def __init__(self, relay: Relay, connections: set[_Connection]) -> None:
        self._connections = connections
        self._link = BleLink(relay, send=self._write, on_end=self.close, on_wait=self._wait)
        self._transport: asyncio.Transport | None = None
        self._waits_for: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._connections:
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._connections.add(self)
        self._link.open()

    def data_received(self, data: bytes) -> None:
        try:
            self._link.receive(data)
        except RemoteProtocolError as error:
            _LOGGER.info("a radio is disconnected: %s", error.message)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        self._link.leave()
        self._transport = None

    def pause_writing(self) -> None:
        self._stop_reading("answers")

    def resume_writing(self) -> None:
        self._go_on_reading("answers")

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _wait(self, is_full: bool) -> None:  # noqa: FBT001 -- a seam, called by position
        if is_full:
            self._stop_reading("requests")
        else:
            self._go_on_reading("requests")

    def _stop_reading(self, reason: str) -> None:
        if not self._waits_for and self._transport is not None:
            self._transport.pause_reading()
        self._waits_for.add(reason)

    def _go_on_reading(self, reason: str) -> None:
        if reason not in self._waits_for:
            return
        self._waits_for.discard(reason)
        if not self._waits_for and self._transport is not None:
            self._transport.resume_reading()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


class BleEndpoint:
    """Listens for a radio on a stream socket that was bound before."""

    def __init__(self, relay: Relay, listener: socket.socket) -> None:
        self._relay = relay
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def open(self) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._relay, self._connections), sock=self._listener
        )

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
