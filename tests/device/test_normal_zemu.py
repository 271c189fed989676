"""The gRPC endpoint, by a client made of h2's other half: calls, wrong calls, floods, cut connections."""

import asyncio

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.settings import SettingCodes
from normal_stage import NAME, PATIENCE_S, TcpStage

from tallystick.device.normal.zemu import ZemuEndpoint
from tallystick.testing.user import User
from tallystick.wire import zemu

ECHO = bytes.fromhex("80030000")
LONG = bytes.fromhex("80020000")
REVIEW = bytes.fromhex("80010000")
HEADERS = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", zemu.EXCHANGE.decode())]
GRPC = ("content-type", "application/grpc")


class GrpcClient:
    """One connection; `calls` holds what came back, by stream."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.http = H2Connection(config=H2Configuration(client_side=True, header_encoding="utf-8"))
        self.http.initiate_connection()
        self.calls = {}
        self.is_ended = False

    def call(self, message, *, headers=(*HEADERS, GRPC), end=True):
        """Begin a call; return its stream."""
        stream = self.http.get_next_available_stream_id()
        self.calls[stream] = {"headers": {}, "data": b"", "ended": False}
        self.http.send_headers(stream, list(headers))
        for at in range(0, max(1, len(message)), 16_000):
            self.http.send_data(stream, message[at : at + 16_000])
        if end:
            self.http.end_stream(stream)
        self.flush()
        return stream

    def flush(self):
        """Write what the client has to say."""
        self.writer.write(self.http.data_to_send())

    async def answer(self, stream):
        """Return the call's headers and trailers, and its message."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.calls[stream]["ended"]:
                await self.read()
        return self.calls[stream]["headers"], self.calls[stream]["data"]

    async def read(self):
        """Take what comes next."""
        data = await self.reader.read(1 << 16)
        if not data:
            self.is_ended = True
            raise ConnectionError
        for event in self.http.receive_data(data):
            call = self.calls.get(getattr(event, "stream_id", None))
            match event:
                case ResponseReceived() | TrailersReceived():
                    call["headers"] |= dict(event.headers)
                case DataReceived():
                    call["data"] += event.data
                    self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded() | StreamReset():
                    call["ended"] = True
                case ConnectionTerminated():
                    self.is_ended = True
        self.flush()

    async def exchange(self, apdu):
        """Make one call and return the answer, status word included."""
        headers, data = await self.answer(self.call(zemu.reply(apdu)))
        assert (headers[":status"], headers["grpc-status"]) == ("200", "0")
        return zemu.request(data)

    async def until_ended(self):
        """Read until the device hangs up."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.is_ended:
                try:
                    await self.read()
                except ConnectionError:
                    return


class Hand:
    """The person at the board: what a user needs of a device."""

    def __init__(self, board):
        self.board = board

    @property
    def frame(self):
        """The screen as it is now."""
        return self.board.frame

    def perform(self, action):
        """Carry out an action of the screen."""
        for gesture in action.gestures():
            self.board.event(gesture)


@pytest.fixture
async def stage():
    """Return a device that serves gRPC, with the app open that answers with what it is sent."""
    made = TcpStage(endpoint=ZemuEndpoint)
    await made.endpoint.open()
    yield made
    await made.close()


async def connect(stage):
    """Return a new client."""
    client = GrpcClient(*await asyncio.open_connection("127.0.0.1", stage.port))
    stage.clients.append(client)
    return client


async def test_a_call_is_an_apdu(stage):
    """The answer comes back whole, with its status word, and the connection serves on."""
    client = await connect(stage)
    assert await client.exchange(ECHO) == ECHO + b"\x90\x00"
    assert await client.exchange(ECHO + b"more") == ECHO + b"more\x90\x00"


async def test_the_os_answers_here_as_well():
    """The same relay, the same device: only the way is another."""
    stage = TcpStage(open_app="", endpoint=ZemuEndpoint)
    await stage.endpoint.open()
    assert (await (await connect(stage)).exchange(NAME)).startswith(b"\x01\x05BOLOS")
    await stage.close()


async def test_calls_at_once_each_have_their_own_answer(stage):
    """Sixteen streams of one client, and a second client beside it."""
    one, two = await connect(stage), await connect(stage)
    streams = {one.call(zemu.reply(ECHO + bytes([number]))): number for number in range(16)}
    assert await two.exchange(ECHO + b"two") == ECHO + b"two\x90\x00"
    for stream, number in streams.items():
        assert zemu.request((await one.answer(stream))[1]) == ECHO + bytes([number]) + b"\x90\x00"


async def test_a_long_answer_waits_for_room(stage):
    """Sixty thousand bytes, twice: the second fits only once the client has made room, and both come whole."""
    client = await connect(stage)
    streams = [client.call(zemu.reply(LONG)) for _ in range(3)]
    for stream in streams:
        assert zemu.request((await client.answer(stream))[1]) == LONG + bytes(60_000) + b"\x90\x00"


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"", "3"),
        (b"\0\0\0", "3"),
        (zemu.reply(ECHO)[:-1], "3"),
        (zemu.reply(ECHO) * 2, "3"),
        (b"\x01" + zemu.reply(ECHO)[1:], "12"),
        (bytes(zemu.MAX_MESSAGE + 1), "8"),
    ],
)
async def test_a_wrong_message_gets_a_status_and_the_next_call_is_served(stage, message, status):
    """Empty, cut, doubled, compressed, too long: the call ends with gRPC's own number for it."""
    client = await connect(stage)
    stream = client.call(message[:60_000], end=len(message) <= 60_000)
    if len(message) > 60_000:
        async with asyncio.timeout(PATIENCE_S):
            while client.http.local_flow_control_window(stream) < len(message) - 60_000:
                await client.read()
        for at in range(60_000, len(message), 10_000):
            client.http.send_data(stream, message[at : at + 10_000])
        client.flush()
    headers, data = await client.answer(stream)
    assert (headers[":status"], headers["grpc-status"], data) == ("200", status, b"")
    assert await client.exchange(ECHO) == ECHO + b"\x90\x00"


async def test_other_methods_and_other_clients_are_told_so(stage):
    """A method that is not there is unimplemented; what is no gRPC at all gets HTTP's own status."""
    client = await connect(stage)
    other = [header if header[0] != ":path" else (":path", "/ledger_go.ZemuCommand/Erase") for header in HEADERS]
    headers, _ = await client.answer(client.call(zemu.reply(ECHO), headers=(*other, GRPC)))
    assert headers["grpc-status"] == "12"
    headers, _ = await client.answer(client.call(b"{}", headers=(*HEADERS, ("content-type", "application/json"))))
    assert headers[":status"] == "415"
    assert await client.exchange(ECHO) == ECHO + b"\x90\x00"


async def test_a_call_that_is_taken_back_costs_nobody_an_answer(stage):
    """Its stream is reset while the person decides; what is answered then goes to nobody, and the next call gets its own."""
    client = await connect(stage)
    stream = client.call(zemu.reply(REVIEW))
    await stage.until(lambda: stage.board.frame.scene == "review")
    client.http.reset_stream(stream)
    later = client.call(zemu.reply(ECHO))
    User(Hand(stage.board)).approve()
    assert zemu.request((await client.answer(later))[1]) == ECHO + b"\x90\x00"


async def test_a_client_that_dies_while_the_person_decides_frees_the_device(stage):
    """The question goes with whoever asked, and the next client is served."""
    client, second = await connect(stage), await connect(stage)
    client.call(zemu.reply(REVIEW))
    await stage.until(lambda: stage.board.frame.scene == "review")
    client.writer.transport.abort()
    assert await second.exchange(ECHO) == ECHO + b"\x90\x00"
    assert stage.board.frame.scene == "menu"


async def test_a_client_that_says_goodbye_while_the_person_decides_frees_the_device(stage):
    """A GOAWAY ends the connection, though the client keeps it open: the review is taken back, and the next client is served."""
    client = await connect(stage)
    client.call(zemu.reply(REVIEW))
    await stage.until(lambda: stage.board.frame.scene == "review")
    client.http.close_connection()
    client.flush()
    async with asyncio.timeout(PATIENCE_S):
        while await client.reader.read(1 << 16):
            pass
    other = await connect(stage)
    assert await other.exchange(ECHO) == ECHO + b"\x90\x00"
    assert stage.board.frame.scene == "menu"


async def test_a_call_that_is_taken_back_in_the_packet_that_makes_it_costs_the_next_one_nothing(stage):
    """A call and its reset in one packet, and one behind them on the same connection, which is answered."""
    client = await connect(stage)
    flush, client.flush = client.flush, lambda: None
    stream = client.call(zemu.reply(ECHO))
    client.http.reset_stream(stream)
    later = client.call(zemu.reply(ECHO))
    client.flush = flush
    client.flush()
    assert zemu.request((await client.answer(later))[1]) == ECHO + b"\x90\x00"


async def test_a_plug_that_is_pulled_ends_every_connection(stage):
    """And a new one finds the device."""
    client = await connect(stage)
    await client.exchange(ECHO)
    stage.board.replug()
    await client.until_ended()
    assert (await (await connect(stage)).exchange(NAME)).endswith(b"\x90\x00")


@pytest.mark.parametrize("raw", [b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\xff" * 4096])
async def test_what_is_no_http_2_is_hung_up_on(stage, raw):
    """And the next client is served."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(raw)
    async with asyncio.timeout(PATIENCE_S):
        while await reader.read(1 << 16):
            pass
    writer.close()
    assert await (await connect(stage)).exchange(ECHO) == ECHO + b"\x90\x00"


async def test_more_streams_than_allowed_end_the_connection(stage):
    """A client that ignores the limit is disconnected; others are not."""
    client = await connect(stage)
    assert await client.exchange(ECHO) == ECHO + b"\x90\x00"
    client.http.remote_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
    client.http.remote_settings.acknowledge()
    for _ in range(40):
        client.call(zemu.reply(ECHO), end=False)
    await client.until_ended()
    assert await (await connect(stage)).exchange(ECHO) == ECHO + b"\x90\x00"
