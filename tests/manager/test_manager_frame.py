"""Frames and upgrades of a WebSocket, judged by `websockets`; hostile ones by RFC 6455."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.frames import Opcode as Theirs
from websockets.uri import parse_uri

from tallystick.manager.frame import CloseCode, FrameReader, Opcode, close_frame, frame
from tallystick.manager.upgrade import Upgrade, UpgradeRefused

LIMIT = 70_000
MESSAGES = st.lists(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG]), st.binary(max_size=300)),
    max_size=5,
)
GOOD = {
    b"Host": b"x",
    b"Upgrade": b"websocket",
    b"Connection": b"keep-alive, Upgrade",
    b"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version": b"13",
}


def said(opcode, content, *, fin=True):
    """Return what a client sends: one masked frame."""
    return Frame(Theirs(opcode), content, fin).serialize(mask=True)


def received(data, *, cuts=(), limit=LIMIT):
    """Return the messages of a reader that is given `data` in pieces, and why it failed."""
    reader, found, last = FrameReader(max_bytes=limit), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += reader.receive(data[last:cut])
        last = cut
    return found, reader.failure


@given(messages=MESSAGES, data=st.data())
def test_frames_are_read_however_they_are_cut(messages, data):
    """What a foreign client sends is read as it was said, all at once or in any pieces."""
    # a control frame longer than 125 bytes is none
    messages = [(kind, content if kind < Opcode.CLOSE else content[:125]) for kind, content in messages]
    raw = b"".join(said(*one) for one in messages)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=8))
    assert received(raw, cuts=cuts) == (messages, None)


@given(parts=st.lists(st.binary(max_size=50), min_size=1, max_size=6), ping=st.integers(0, 6))
def test_fragments_are_put_together(parts, ping):
    """A message in parts is one message, and a ping between them is taken in its place."""
    raw = []
    for number, part in enumerate(parts):
        if number == ping:
            raw.append(said(Opcode.PING, b"?"))
        raw.append(said(Opcode.CONTINUATION if number else Opcode.TEXT, part, fin=number == len(parts) - 1))
    found, failure = received(b"".join(raw))
    assert failure is None
    assert found[-1] == (Opcode.TEXT, b"".join(parts))
    assert found[:-1] == ([(Opcode.PING, b"?")] if ping < len(parts) else [])


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_every_form_of_length_is_read_and_written(size):
    """Lengths in 7, 16 and 64 bits go both ways."""
    content = bytes(range(256)) * (size // 256 + 1)
    assert received(said(Opcode.BINARY, content[:size])) == ([(Opcode.BINARY, content[:size])], None)
    client = ClientProtocol(parse_uri("ws://there/"), max_size=None)
    client.state = 1  # open: the upgrade is another test's
    client.parser = client.parse()
    next(client.parser)
    client.receive_data(frame(Opcode.BINARY, content[:size]))
    (heard,) = client.events_received()
    assert (heard.opcode, bytes(heard.data)) == (Theirs.BINARY, content[:size])


@pytest.mark.parametrize("size", [100, 126, 200])
def test_a_message_fills_its_limit_and_no_more(size):
    """A message of the limit is taken, whole or in parts; one byte more closes as too big, before its content came."""
    content = b"x" * size
    assert received(said(Opcode.TEXT, content), limit=size) == ([(Opcode.TEXT, content)], None)
    assert received(said(Opcode.TEXT, content)[:10], limit=size - 1) == ([], CloseCode.TOO_LONG)
    parts = said(Opcode.TEXT, content[:50], fin=False) + said(Opcode.CONTINUATION, content[50:])
    assert received(parts, limit=size) == ([(Opcode.TEXT, content)], None)
    assert received(parts, limit=size - 1) == ([], CloseCode.TOO_LONG)
    assert received(b"\x81\xff" + b"\xff" * 8, limit=size) == ([], CloseCode.TOO_LONG)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81\x01x",
        b"\xc1\x80\0\0\0\0",
        b"\x83\x80\0\0\0\0",
        b"\x8b\x80\0\0\0\0",
        b"\x09\x80\0\0\0\0",
        b"\x89\xfe\x00\x7e",
        b"\x80\x80\0\0\0\0",
        said(Opcode.TEXT, b"a", fin=False) + said(Opcode.TEXT, b"b"),
        b"\x88\x81\0\0\0\0x",
        b"\x88\x82\0\0\0\0\x03\xed",
        b"\x88\x82\0\0\0\0\x00\x00",
    ],
    ids=[
        "not masked", "reserved bit", "unknown", "unknown control", "control in parts", "long control", "no beginning",
        "text within a text", "half a code", "a code that is never sent", "code zero",
    ],
)  # fmt: skip
def test_what_is_no_frame_ends_it(raw):
    """A broken frame is a protocol error, what came before it counts, and nothing after it is read."""
    found, failure = received(said(Opcode.BINARY, b"first") + raw + said(Opcode.TEXT, b"later"))
    assert (found[:1], failure) == ([(Opcode.BINARY, b"first")], CloseCode.PROTOCOL)
    assert len(found) == 1


def test_many_small_frames_in_one_packet_are_as_many_messages():
    """A packet full of the shortest frames is read to its end, and what is left over waits for the rest."""
    reader = FrameReader(max_bytes=LIMIT)
    raw = said(Opcode.TEXT, b"") * 10_000 + said(Opcode.TEXT, b"last")
    assert reader.receive(raw[:-2]) == [(Opcode.TEXT, b"")] * 10_000
    assert reader.receive(raw[-2:]) == [(Opcode.TEXT, b"last")]


def test_a_goodbye_ends_it():
    """A close frame brings its code and reason, a reason is text, and nothing is read behind it."""
    goodbye = b"\x03\xe8" + "schön".encode()
    later = said(Opcode.TEXT, b"later")
    assert received(said(Opcode.CLOSE, goodbye) + later) == ([(Opcode.CLOSE, goodbye)], None)
    assert received(said(Opcode.CLOSE, b"") + later) == ([(Opcode.CLOSE, b"")], None)
    assert received(said(Opcode.CLOSE, b"\x03\xe8\xff")) == ([], CloseCode.NOT_TEXT)
    reader = FrameReader(max_bytes=LIMIT)
    reader.receive(said(Opcode.CLOSE, b""))
    assert reader.receive(later) == []


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_any_bytes_are_frames_or_a_failure(raw, cuts):
    """Whatever comes, a reader returns messages within its limit or says why not, and it does not matter how it was cut."""
    found, failure = received(raw, cuts=cuts, limit=64)
    assert (found, failure) == received(raw, limit=64)
    assert all(len(content) <= 125 for _, content in found)


def test_the_end_is_a_frame_with_a_code():
    """Every code is two bytes, and NONE is nothing."""
    assert close_frame(CloseCode.DONE) == b"\x88\x02\x03\xe8"
    assert close_frame(CloseCode.NONE) == b"\x88\x00"


def head(members, first=b"GET /api/genuine?targetId=1&x=%20 HTTP/1.1"):
    """Return a request."""
    lines = [first, *(b": ".join(one) for one in members.items())]
    return b"\r\n".join([*lines, b"", b""])


def test_the_answer_is_the_one_of_the_standard():
    """Path and query come apart, and the key of RFC 6455, 1.3, gets its answer."""
    upgrade = Upgrade.from_bytes(head(GOOD | {b"Cookie": b"a=b", b"X-Empty": b""}))
    assert (upgrade.path, upgrade.query) == ("/api/genuine", "targetId=1&x=%20")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" in upgrade.answer()


def test_a_foreign_client_takes_the_answer():
    """The client of `websockets` is connected by it."""
    client = ClientProtocol(parse_uri("ws://there/genuine"))
    client.send_request(client.connect())
    upgrade = Upgrade.from_bytes(b"".join(client.data_to_send()))
    client.receive_data(upgrade.answer())
    (response,) = client.events_received()
    assert (response.status_code, client.handshake_exc) == (101, None)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({b"Host": None}, 400),
        ({b"Upgrade": None}, 426),
        ({b"Upgrade": b"h2c"}, 426),
        ({b"Connection": b"keep-alive"}, 426),
        ({b"Sec-WebSocket-Version": b"8"}, 426),
        ({b"Sec-WebSocket-Key": None}, 400),
        ({b"Sec-WebSocket-Key": b"AAAA"}, 400),
        ({b"Sec-WebSocket-Key": b"!" * 24}, 400),
        ({b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ=="}, 400),
        ({b"No name": b"x"}, 400),
        ({b" folded": b"x"}, 400),
        ({b"X": b"\x00"}, 400),
        ({b"X": b"x" * 20_000}, 431),
    ],
)
def test_what_is_no_upgrade_is_refused(members, status):
    """Anything that is missing, wrong, said twice or too long is refused with a status and a text."""
    changed = {name: value for name, value in (GOOD | members).items() if value is not None}
    with pytest.raises(UpgradeRefused) as caught:
        Upgrade.from_bytes(head(changed))
    assert caught.value.http_status == status
    assert caught.value.to_bytes().startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    "first",
    [
        b"POST / HTTP/1.1",
        b"GET / HTTP/1.0",
        b"GET x HTTP/1.1",
        b"GET /\xff HTTP/1.1",
        b"GET /",
        b"",
        b"GET / HTTP/1.1 x",
    ],
)
def test_another_request_is_refused(first):
    """Only GET of a path by HTTP/1.1 becomes a WebSocket."""
    with pytest.raises(UpgradeRefused):
        Upgrade.from_bytes(head(GOOD, first))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_an_upgrade_or_refused(noise, where):
    """Whatever stands in a request, it is taken or refused."""
    raw = head(GOOD)
    with suppress(UpgradeRefused):
        upgrade = Upgrade.from_bytes(raw[:where] + noise + raw[where:])
        assert upgrade.path.startswith("/")
