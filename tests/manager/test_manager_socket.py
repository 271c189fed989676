"""The server's end of a WebSocket, judged by the client's side of `websockets`; the transport is a list of what was written."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from tallystick.manager import door
from tallystick.manager import socket as edge
from tallystick.manager.door import FlowDoor
from tallystick.manager.endpoint import FLOWS
from tallystick.manager.frame import CloseCode
from tallystick.manager.socket import FlowSocket
from tallystick.wire.manager_flow import FlowPath
from tallystick.wire.manager_message import MAX_REPLY

TARGET = "/update/genuine?targetId=1"


class Wire(asyncio.Transport):
    """A transport without a socket."""

    def __init__(self):
        super().__init__()
        self.packets, self.paused, self.ended, self.closed = [], False, False, False
        self.protocol = None

    def set_protocol(self, protocol):
        """Take another protocol."""
        self.protocol = protocol

    def get_protocol(self):
        """Say whose it is."""
        return self.protocol

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
        assert not self.paused
        self.paused = True

    def resume_reading(self):
        """Read on."""
        assert self.paused
        self.paused = False

    def get_extra_info(self, name, default=None):
        """Tell who the client is."""
        return ("127.0.0.1", 4711) if name == "peername" else default


class Listener:
    """A session that greets, and writes down what it hears."""

    def __init__(self, heard, greeting):
        self.heard, self.greeting, self.line = heard, greeting, None
        self.is_listening = True
        self.answers = []

    def begin(self, path, query):
        """Note what is asked for and greet."""
        self.heard.append((path, query))
        if self.greeting:
            self.line.say(self.greeting)

    def take(self, text):
        """Write down a text and say what is to be said next."""
        self.heard.append(text)
        if self.answers:
            self.answers.pop(0)(self.line)

    def leave(self):
        """Write down that the client is gone."""
        self.heard.append("gone")


class Meeting:
    """A client and the server's end, and the session's view of it all."""

    def __init__(self, *, greeting="hello", door=FlowSocket, target=TARGET):
        self.heard = []
        self.session = Listener(self.heard, greeting)
        self.wire = Wire()
        self.state = SimpleNamespace(connections=set(), tasks=set())
        self.config = SimpleNamespace(limit_concurrency=10)
        flows = SimpleNamespace(paths={"/update/genuine": FlowPath.GENUINE}, session=self._open)
        self.server = self.wire.protocol = door(self.config, self.state, {FLOWS: flows})
        self.server.connection_made(self.wire)
        self.client = ClientProtocol(parse_uri(f"ws://there{target}"), max_size=None)
        self.client.send_request(self.client.connect())
        self.packets = []

    def _open(self, line, *, actor):
        self.heard.append(actor)
        self.session.line = line
        return self.session

    def turn(self):
        """Carry what the client says, then what the server says; return the client's events."""
        data = b"".join(self.client.data_to_send())
        if data:
            self.wire.protocol.data_received(data)
        for packet in self.wire.packets:
            self.client.receive_data(packet)
        self.packets, self.wire.packets = self.wire.packets, []
        return self.client.events_received()


async def test_the_answer_to_the_upgrade_and_the_first_words_are_one_packet():
    """What a session says at once goes along with the upgrade's answer; path, query and peer are what they are."""
    meeting = Meeting()
    response, greeting = meeting.turn()
    assert len(meeting.packets) == 1
    assert isinstance(response, Response)
    assert (greeting.opcode, greeting.data) == (Opcode.TEXT, b"hello")
    assert meeting.heard == ["127.0.0.1", (FlowPath.GENUINE, "targetId=1")]


async def test_a_slow_session_does_not_keep_the_client_waiting_for_the_upgrade():
    """When nothing is said at once the upgrade is answered all the same, and the first words follow."""
    meeting = Meeting(greeting="")
    (response,) = meeting.turn()
    assert response.status_code == 101
    meeting.session.line.say("at last")
    (greeting,) = meeting.turn()
    assert greeting.data == b"at last"


async def test_messages_arrive_whole_whatever_they_were_cut_into():
    """A text in fragments with a ping between them is one message, and the ping is answered at once."""
    meeting = Meeting()
    meeting.turn()
    meeting.client.send_text(b"one ", fin=False)
    meeting.client.send_ping(b"here?")
    meeting.client.send_continuation("wörd".encode(), fin=True)
    (pong,) = meeting.turn()
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"here?")
    meeting.client.send_binary(b"\xff")
    meeting.client.send_pong(b"nobody asked")
    meeting.turn()
    assert meeting.heard[2:] == ["one wörd", None]


async def test_each_byte_may_come_alone():
    """A request and a message that come byte by byte are taken as if they had come at once."""
    meeting = Meeting()
    for byte in b"".join(meeting.client.data_to_send()):
        meeting.server.data_received(bytes((byte,)))
    meeting.turn()
    meeting.client.send_text(b"slow")
    for byte in b"".join(meeting.client.data_to_send()):
        meeting.server.data_received(bytes((byte,)))
    assert meeting.heard[2:] == ["slow"]


async def test_a_client_that_does_not_wait_for_the_upgrade_is_heard():
    """A frame right behind the request is the first message."""
    meeting = Meeting()
    request = b"".join(meeting.client.data_to_send())
    meeting.server.data_received(request + b"\x81\x82\0\0\0\0hi")
    assert meeting.heard[2:] == ["hi"]


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (lambda client: client.send_text(b"\xff"), 1007),
        (lambda client: client.send_text(b"x" * (MAX_REPLY + 1)), 1009),
        (lambda client: client.writes.append(b"\x81\x01x"), 1002),
    ],
    ids=["no text", "too long", "not masked"],
)
async def test_what_is_no_message_ends_the_conversation(say, code):
    """The session hears that the client is gone, the client why, and nothing that still comes is read."""
    meeting = Meeting()
    meeting.turn()
    say(meeting.client)
    meeting.turn()
    assert meeting.client.close_rcvd.code == code
    meeting.client.writes.append(b"\x81\x81\0\0\0\0y")
    meeting.turn()
    assert meeting.heard[2:] == ["gone"]
    meeting.server.connection_lost(None)


async def test_a_client_that_does_not_wait_for_its_turn_is_not_read():
    """Messages that nobody listens to stop the reading, which goes on when they are taken, in their order."""
    meeting = Meeting()
    meeting.turn()
    meeting.session.is_listening = False
    for number in range(10):
        meeting.client.send_text(str(number).encode())
        meeting.turn()
    assert meeting.wire.paused
    assert len(meeting.heard) == 2
    meeting.session.is_listening = True
    meeting.session.line.listen()
    assert not meeting.wire.paused
    assert meeting.heard[2:] == [str(number) for number in range(10)]


async def test_a_client_that_does_not_read_is_not_read_either():
    """While the transport is full nothing of the client is taken, pings included, and afterwards all of it."""
    meeting = Meeting()
    meeting.turn()
    meeting.server.pause_writing()
    assert meeting.wire.paused
    meeting.client.send_text(b"go")
    meeting.turn()
    assert len(meeting.heard) == 2
    meeting.server.resume_writing()
    assert not meeting.wire.paused
    assert meeting.heard[2:] == ["go"]


async def test_the_last_words_and_the_end_are_one_packet():
    """What is said before a close leaves with it, and the connection ends when the client has said its own end."""
    meeting = Meeting()
    meeting.session.answers = [lambda line: line.end("done", CloseCode.DONE)]
    meeting.turn()
    meeting.client.send_text(b"go")
    last, end = meeting.turn()
    assert (last.data, end.opcode) == (b"done", Opcode.CLOSE)
    assert len(meeting.packets) == 1
    assert not meeting.wire.closed
    meeting.turn()
    assert meeting.wire.closed
    meeting.server.connection_lost(None)
    meeting.session.line.say("nobody hears this")
    assert not meeting.wire.packets


async def test_a_client_that_does_not_say_its_end_is_cut_off(monkeypatch):
    """After the last words a client has a moment to close, then the connection is cut."""
    monkeypatch.setattr(edge, "_CLOSE_S", 0.0)
    meeting = Meeting()
    meeting.session.answers = [lambda line: line.end("done", CloseCode.DONE)]
    meeting.turn()
    cut = asyncio.Event()
    meeting.wire.abort = cut.set
    meeting.wire.protocol.data_received(b"\x81\x82\0\0\0\0go")
    async with asyncio.timeout(60):
        await cut.wait()


async def test_a_goodbye_is_answered_and_ends_it():
    """A client that closes hears its own code again, and the session that it is gone."""
    meeting = Meeting()
    meeting.turn()
    meeting.client.send_close(1000)
    meeting.turn()
    assert meeting.client.close_rcvd.code == 1000
    assert meeting.wire.closed
    assert meeting.heard[2:] == ["gone"]


async def test_a_client_that_vanishes_is_gone_for_the_session():
    """A lost connection is told, what is said afterwards is said to nobody, and nothing is left."""
    meeting = Meeting()
    meeting.turn()
    meeting.wire.close()
    assert not meeting.server.eof_received()
    meeting.server.connection_lost(None)
    meeting.session.line.say("still there?")
    assert not meeting.wire.packets
    assert not meeting.state.connections
    assert meeting.heard[2:] == ["gone"]


async def test_a_refused_upgrade_is_an_answer():
    """What is no WebSocket request, or too long for one, is answered 4xx, and a path without a flow 403."""
    meeting = Meeting(target="/update/nothing")
    (response,) = meeting.turn()
    assert response.status_code == 403
    assert meeting.wire.closed
    other = Meeting()
    other.server.data_received(b"GET /update/genuine HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
    assert other.wire.packets[0].startswith(b"HTTP/1.1 4")
    other.server.data_received(b"more")
    assert len(other.wire.packets) == 1
    long = Meeting()
    for _ in range(17):
        long.server.data_received(b"x" * 1024)
    assert long.wire.packets[0].startswith(b"HTTP/1.1 431")
    assert not meeting.heard + other.heard + long.heard


async def test_the_end_of_the_server_is_said():
    """When the server ends, the client hears that it restarts, and the session that nobody is there."""
    meeting = Meeting()
    meeting.turn()
    meeting.server.shutdown()
    meeting.turn()
    assert meeting.client.close_rcvd.code == 1012
    assert meeting.wire.closed
    assert meeting.heard[-1] == "gone"


async def test_the_door_knows_a_flow_by_its_first_packet():
    """A whole upgrade to a flow's path is served at once, and counted as one connection."""
    meeting = Meeting(door=FlowDoor)
    assert meeting.state.connections == {meeting.server}
    response, greeting = meeting.turn()
    assert (response.status_code, greeting.data) == (101, b"hello")
    assert isinstance(meeting.wire.protocol, FlowSocket)
    assert meeting.state.connections == {meeting.wire.protocol}


@pytest.mark.parametrize("what", ["elsewhere", "in pieces", "no upgrade", "too many"])
async def test_the_door_leaves_everything_else_to_uvicorn(monkeypatch, what):
    """Another path, a request in pieces, one without an upgrade, one connection too many: the server of HTTP has it."""
    given = []

    class Http(asyncio.Protocol):
        cycle = None

        def __init__(self, *parts):
            del parts

        def connection_made(self, transport):
            given.append(transport)

        def data_received(self, data):
            given.append(data)

    monkeypatch.setattr(door, "AutoHTTPProtocol", Http)
    meeting = Meeting(door=FlowDoor, target="/update/nothing" if what == "elsewhere" else TARGET)
    request = b"".join(meeting.client.data_to_send())
    if what == "in pieces":
        request = request[:-1]
    elif what == "no upgrade":
        request = b"GET /update/genuine HTTP/1.1\r\nHost: x\r\n\r\n"
    elif what == "too many":
        meeting.state.connections |= set(range(10))
    meeting.wire.protocol.data_received(request)
    assert given == [meeting.wire, request]
    assert not meeting.heard


async def test_the_door_ends_with_the_server():
    """A connection that said nothing yet is closed when the server ends, and forgotten when it is lost."""
    meeting = Meeting(door=FlowDoor)
    meeting.server.shutdown()
    assert meeting.wire.closed
    meeting.server.connection_lost(None)
    assert not meeting.state.connections


class Served(asyncio.Protocol):
    """Uvicorn's part: a head ends with a dot, a request with an exclamation mark."""

    def __init__(self, *parts):
        del parts
        self.cycle, self.lost = None, False

    def connection_made(self, transport):
        """Take over a connection."""

    def connection_lost(self, error):
        """Note it."""
        self.lost = True

    def data_received(self, data):
        """Begin a request, or end it."""
        if data.endswith(b"."):
            self.cycle = SimpleNamespace(response_complete=False)
        elif data.endswith(b"!"):
            self.cycle.response_complete = True


@pytest.mark.parametrize(
    "said",
    [(), (b"GET /he",), (b"GET /health.", b"done!", b"GET /he")],
    ids=["nothing", "half a head", "a request and half a head"],
)
async def test_who_does_not_say_what_they_want_is_cut_off(monkeypatch, said):
    """A connection that brings no whole head in time is cut: some thousands of them would shut out everybody else."""
    monkeypatch.setattr(door, "_HEAD_S", 0.0)
    monkeypatch.setattr(door, "AutoHTTPProtocol", Served)
    meeting = Meeting(door=FlowDoor)
    cut = asyncio.Event()
    meeting.wire.abort = cut.set
    for data in said:
        meeting.server.data_received(data)
    async with asyncio.timeout(60):
        await cut.wait()
    meeting.server.connection_lost(None)
    assert not meeting.state.connections


@pytest.mark.parametrize("what", ["a request", "a flow", "the end"])
async def test_nobody_is_cut_off_while_they_are_served(monkeypatch, what):
    """No time is counted while a request is answered, for a flow, and for a connection that is gone."""
    monkeypatch.setattr(door, "AutoHTTPProtocol", Served)
    meeting = Meeting(door=FlowDoor)
    counted = meeting.server._patience
    assert not counted.cancelled()
    if what == "a request":
        meeting.server.data_received(b"GET /health.")
    elif what == "a flow":
        meeting.turn()
    else:
        meeting.server.connection_lost(None)
    assert counted.cancelled()


async def test_uvicorn_hears_what_comes_behind_its_door(monkeypatch):
    """What the loop tells of a connection of HTTP reaches uvicorn: bytes, pauses, ends."""
    monkeypatch.setattr(door, "AutoHTTPProtocol", Served)
    heard = []
    for name in ("pause_writing", "resume_writing", "eof_received"):
        monkeypatch.setattr(Served, name, lambda _self, name=name: heard.append(name), raising=False)
    meeting = Meeting(door=FlowDoor)
    meeting.server.pause_writing()
    meeting.server.resume_writing()
    assert not meeting.server.eof_received()
    assert not heard
    meeting.server.data_received(b"GET /health.")
    meeting.server.pause_writing()
    meeting.server.resume_writing()
    assert not meeting.server.eof_received()
    assert heard == ["pause_writing", "resume_writing", "eof_received"]
    meeting.server.connection_lost(None)
    assert meeting.server._http.lost
