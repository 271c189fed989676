"""The server's end of a WebSocket, judged by the client's side of `websockets`; the transport is a list of what was written."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from tallystick.manager.socket import FlowSocket

LIMIT = 1000


class Wire(asyncio.Transport):
    """A transport without a socket."""

    def __init__(self):
        super().__init__()
        self.packets, self.paused, self.ended, self.closed = [], False, False, False

    def write(self, data):
        """Take what is written."""
        self.packets.append(bytes(data))

    def write_eof(self):
        """Take the end of what is written."""
        self.ended = True

    def can_write_eof(self):
        """Say that it can."""
        return True

    def close(self):
        """Close."""
        self.closed = True

    abort = close

    def is_closing(self):
        """Say whether it was closed."""
        return self.closed

    def pause_reading(self):
        """Stop reading."""
        self.paused = True

    def resume_reading(self):
        """Read on."""
        self.paused = False

    def get_extra_info(self, name, default=None):
        """Tell who the client is."""
        return ("127.0.0.1", 4711) if name == "peername" else default


class Meeting:
    """A client and the server's end, and the application's view of it all."""

    def __init__(self, app):
        self.wire = Wire()
        self.state = SimpleNamespace(connections=set(), tasks=set())
        config = SimpleNamespace(loaded_app=app, ws_max_size=LIMIT)
        self.server = FlowSocket(config, self.state, {})
        self.server.connection_made(self.wire)
        self.client = ClientProtocol(parse_uri("ws://there/update/genuine?targetId=1"), max_size=None)
        self.client.send_request(self.client.connect())

    async def turn(self):
        """Carry what the client says, let the application work, carry what the server says; return the client's events."""
        data = b"".join(self.client.data_to_send())
        if data:
            self.server.data_received(data)
        for _ in range(10):
            await asyncio.sleep(0)
        for packet in self.wire.packets:
            self.client.receive_data(packet)
        self.packets, self.wire.packets = self.wire.packets, []
        return self.client.events_received()


def run(app, body):
    """Run `body(meeting)` in an event loop."""

    async def main():
        meeting = Meeting(app)
        await body(meeting)
        for task in list(meeting.state.tasks):
            task.cancel()

    asyncio.run(main())


def listening(heard, *, greeting="hello"):
    """Return an application that greets and writes down what it hears until the client is gone."""

    async def app(scope, receive, send):
        heard.append((scope["path"], scope["query_string"], scope["client"]))
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": greeting})
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.append(message.get("text", message.get("bytes")))
        heard.append(message["code"])

    return app


def test_the_answer_to_the_upgrade_and_the_first_words_are_one_packet():
    """Before the application waits nothing is sent, then all of it at once; path, query and peer are what they are."""
    heard = []

    async def body(meeting):
        response, greeting = await meeting.turn()
        assert len(meeting.packets) == 1
        assert isinstance(response, Response)
        assert (greeting.opcode, greeting.data) == (Opcode.TEXT, b"hello")

    run(listening(heard), body)
    assert heard == [("/update/genuine", b"targetId=1", ("127.0.0.1", 4711))]


def test_messages_arrive_whole_whatever_they_were_cut_into():
    """A text in fragments with a ping between them is one message, and the ping is answered at once."""
    heard = []

    async def body(meeting):
        await meeting.turn()
        meeting.client.send_text(b"one ", fin=False)
        meeting.client.send_ping(b"here?")
        meeting.client.send_continuation("wörd".encode(), fin=True)
        (pong,) = await meeting.turn()
        assert (pong.opcode, pong.data) == (Opcode.PONG, b"here?")
        meeting.client.send_binary(b"\xff")
        await meeting.turn()

    run(listening(heard), body)
    assert heard[1:] == ["one wörd", b"\xff"]


def test_each_byte_may_come_alone():
    """A request and a message that come byte by byte are taken as if they had come at once."""
    heard = []

    async def body(meeting):
        for byte in b"".join(meeting.client.data_to_send()):
            meeting.server.data_received(bytes((byte,)))
        await meeting.turn()
        meeting.client.send_text(b"slow")
        for byte in b"".join(meeting.client.data_to_send()):
            meeting.server.data_received(bytes((byte,)))
        await meeting.turn()

    run(listening(heard), body)
    assert heard[1:] == ["slow"]


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (lambda client: client.send_text(b"\xff"), 1007),
        (lambda client: client.send_text(b"x" * (LIMIT + 1)), 1009),
        (lambda client: client.writes.append(b"\x81\x01x"), 1002),
    ],
    ids=["no text", "too long", "not masked"],
)
def test_what_is_no_message_ends_the_conversation(say, code):
    """The application hears that the client is gone, the client why, and nothing that still comes is read."""
    heard = []

    async def body(meeting):
        await meeting.turn()
        say(meeting.client)
        await meeting.turn()
        assert meeting.client.close_rcvd.code == code
        meeting.client.writes.append(b"\x81\x81\0\0\0\0y")
        await meeting.turn()

    run(listening(heard), body)
    assert len(heard) == 2
    assert isinstance(heard[1], int)


def test_a_client_that_does_not_wait_for_its_turn_is_not_read():
    """Messages that nobody has read yet stop the reading, which goes on when they are read."""
    turn = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        gate = asyncio.get_running_loop().create_future()
        turn.append(gate)
        await gate
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async def body(meeting):
        await meeting.turn()
        for _ in range(10):
            meeting.client.send_text(b"and")
            await meeting.turn()
        assert meeting.wire.paused
        turn[0].set_result(None)
        await meeting.turn()
        assert not meeting.wire.paused

    run(app, body)


def test_a_client_that_does_not_read_is_waited_for():
    """While the transport is full the application does not get on with its next message."""
    said = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        for number in range(3):
            await send({"type": "websocket.send", "text": str(number)})
            said.append(number)

    async def body(meeting):
        await meeting.turn()
        meeting.server.pause_writing()
        meeting.client.send_text(b"go")
        await meeting.turn()
        assert said == []
        meeting.server.resume_writing()
        await meeting.turn()
        assert said == [0, 1, 2]

    run(app, body)


def test_the_last_words_and_the_end_are_one_packet():
    """What is said before a close leaves with it, and the connection ends when the client has said its own end."""

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.send", "text": "done"})
        await send({"type": "websocket.close", "code": 1000})

    async def body(meeting):
        await meeting.turn()
        meeting.client.send_text(b"go")
        last, end = await meeting.turn()
        assert (last.data, end.opcode) == (b"done", Opcode.CLOSE)
        assert len(meeting.packets) == 1
        await meeting.turn()
        assert meeting.wire.ended or meeting.wire.closed

    run(app, body)


def test_a_client_that_vanishes_is_gone_for_the_application():
    """A lost connection is a disconnect, whoever waits; sending to it is an error that ends the task, and nothing is left."""
    heard = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        heard.append((await receive())["type"])
        await send({"type": "websocket.send", "text": "still there?"})
        heard.append("sent")

    async def body(meeting):
        await meeting.turn()
        meeting.server.connection_lost(None)
        meeting.wire.close()
        meeting.server.eof_received()
        await meeting.turn()
        assert not meeting.state.tasks
        assert not meeting.state.connections

    run(app, body)
    assert heard[0] == "websocket.disconnect"


def test_a_refused_upgrade_is_an_answer():
    """What is no WebSocket request is answered 4xx, and what the application does not accept 403."""

    async def refuse(scope, receive, send):
        await receive()
        await send({"type": "websocket.close"})

    async def body(meeting):
        (response,) = await meeting.turn()
        assert response.status_code == 403
        other = Meeting(refuse)
        other.server.data_received(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert other.wire.packets[0].startswith(b"HTTP/1.1 4")

    run(refuse, body)


def test_the_end_of_the_server_is_said():
    """When the server ends, the client hears that it restarts, and the application that nobody is there."""
    heard = []

    async def body(meeting):
        await meeting.turn()
        meeting.server.shutdown()
        await meeting.turn()
        assert meeting.client.close_rcvd.code == 1012
        assert meeting.wire.closed

    run(listening(heard), body)
    assert heard[-1] == 1012
