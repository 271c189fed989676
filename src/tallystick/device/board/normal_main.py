"""The Normal World as a program: clients of any kind on one side, the gate to the Secure World on the other.

It is given descriptors, the gate and listening sockets, and has nothing else: no files, no keys, no screen. Loop
and sockets are opened by `prepare`, before the process is locked; behind the lock it can only accept, read and write.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from tallystick.device.normal.door import Door
from tallystick.device.normal.endpoint import endpoints
from tallystick.device.normal.relay import Relay
from tallystick.errors import RemoteProtocolError
from tallystick.wire import world

_BATCH = 32


class GateLink:
    """The Normal World's end of the gate."""

    def __init__(self, gate: socket.socket, on_closed: Callable[[], None]) -> None:
        self._socket = gate
        self._on_closed = on_closed
        self.relay = Relay(self._send)

    def open(self) -> None:
        """Begin to listen to the Secure World, and say that we are here."""
        self._socket.settimeout(0)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)
        self._send(world.Hello(world.PROTOCOL_VERSION, world.Transport.TCP))

    def _send(self, message: world.FromNormal) -> None:
        try:
            self._socket.send(world.to_bytes(message))
        except OSError:  # the Secure World is gone, or does not read: nothing works without it
            self._on_closed()

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                data = self._socket.recv(world.MAX_MESSAGE + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._on_closed()
                return
            try:
                self.relay.send(world.to_normal(data))
            except RemoteProtocolError:
                self._on_closed()
                return
            if self.relay.is_stopped:
                self._on_closed()
                return


def prepare(arguments: list[str]) -> Callable[[], int]:
    """Open everything (arguments: descriptors of the gate and of each listening socket, then the doors of these); return the work."""
    doors = [Door(word) for word in arguments[len(arguments) // 2 + 1 :]]
    gate, *sockets = (socket.socket(fileno=int(number)) for number in arguments[: len(doors) + 1])
    listeners = dict(zip(doors, sockets, strict=True))
    loop = asyncio.new_event_loop()
    closed = loop.create_future()

    def close() -> None:
        if not closed.done():
            closed.set_result(None)

    link = GateLink(gate, close)
    served = endpoints(link.relay, listeners)
    for endpoint in served:
        loop.run_until_complete(endpoint.open())

    async def serve() -> None:
        link.open()
        await closed
        for endpoint in served:
            await endpoint.close()

    def work() -> int:
        loop.run_until_complete(serve())
        return 0

    return work
