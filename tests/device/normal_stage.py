"""A device with its TCP endpoint on a real loopback socket, inside the test's own event loop."""

import asyncio
import json
import struct

from tallystick import apps
from tallystick.app.inline import InlineHost
from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.normal.listener import bind
from tallystick.device.normal.tcp import TcpEndpoint
from tallystick.device.secure.vault import COST_TRIVIAL
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.wire.bundle import Bundle

TEST_SENTENCE = "test test test test test test test test test test test junk"
#: real sockets on a busy machine: nothing here is measured, this only ends a test that hangs
PATIENCE_S = 60.0
NAME = bytes.fromhex("b001000000")
#: asks the person: open the app Cosmos
OPEN_APP = bytes.fromhex("e0d8000006") + b"Cosmos"
#: answers an APDU with its own bytes, after a review if its second byte is 1, with 60,000 bytes if it is 2
ECHO = """
from tallystick.app.app import App, start_with
from tallystick.wire.screen import Item, Review
class Echo(App):
    async def handle(self, raw):
        if raw[1:2] == b"\\x01":
            await self.os.review(Review(items=(Item("T", ("v",)),)))
        return raw + bytes(60_000 if raw[1:2] == b"\\x02" else 0)
start = start_with(Echo)
"""


def echo():
    """Return the bundle of the app above."""
    return Bundle.pack(json.dumps({"name": "Echo", "version": "1"}).encode(), {"app.py": ECHO})


class TcpStage:
    """One board behind TCP, or another endpoint, with Echo open unless told otherwise."""

    def __init__(self, *, open_app="Echo", endpoint=TcpEndpoint):
        self.clock = VirtualClock()
        self.board = EmbeddedBoard(
            model="nanosp",
            flash=MemoryFlash(),
            rng=RepeatableRng(1),
            clock=self.clock,
            apps=InlineHost(),
            cost=COST_TRIVIAL,
        )
        self.board.prepare(seed=TEST_SENTENCE, bundles=[apps.bundle("cosmos"), echo()])
        self.board.power_on()
        if open_app:
            installed = self.board.system.session.registry.apps()
            self.board.system.open(next(app for app in installed if app.name == open_app))
            self.board.run()
        self.listener = bind(0)
        self.port = self.listener.getsockname()[1]
        self.endpoint = endpoint(self.board.relay, self.listener)
        self.clients = []

    async def connect(self, **options):
        """Return a new client."""
        client = TcpClient(*await asyncio.open_connection("127.0.0.1", self.port, **options))
        self.clients.append(client)
        return client

    async def until(self, condition):
        """Let the loop turn until `condition` holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0)

    async def close(self):
        """Close clients and endpoint."""
        for client in self.clients:
            client.writer.close()
        await self.endpoint.close()
        for client in self.clients:
            try:
                await client.writer.wait_closed()
            except OSError:
                continue
        self.board.power_off()


class TcpClient:
    """One connection that speaks the framing by hand."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def send(self, *apdus):
        """Write requests, all at once."""
        self.writer.write(b"".join(struct.pack(">I", len(apdu)) + apdu for apdu in apdus))

    async def receive(self):
        """Return the next answer, status word included."""
        async with asyncio.timeout(PATIENCE_S):
            (length,) = struct.unpack(">I", await self.reader.readexactly(4))
            return await self.reader.readexactly(length + 2)

    async def exchange(self, apdu):
        """Send one request and return its answer."""
        self.send(apdu)
        return await self.receive()

    async def ended(self):
        """Return what still comes until the connection ends, in whichever way."""
        data = b""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while chunk := await self.reader.read(1 << 16):
                    data += chunk
            except ConnectionError:
                pass
        return data
