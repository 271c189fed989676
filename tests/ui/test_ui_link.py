"""The screen-and-button link: messages in, gestures out, and peers that break it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panel_double import frame

from tallystick.errors import RemoteProtocolError, TransportError
from tallystick.ui.state import PanelState
from tallystick.ui.web.change import Change
from tallystick.ui.web.link import MAX_BACKLOG, MAX_MESSAGE, Link, take_message
from tallystick.wire.events import Button, press


class Linked:
    """A link and the device's end of it."""

    def __init__(self) -> None:
        self.device, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.device.settimeout(60)
        self.state, self.ends = PanelState(), []
        self.link = Link(inner, state=self.state, on_close=self.ends.append)

    def send(self, document: object) -> None:
        """Send a message as the device."""
        self.device.send(json.dumps(document).encode())


@pytest.fixture
def linked() -> Iterator[Linked]:
    """Return a link that is not open yet."""
    built = Linked()
    yield built
    built.device.close()
    built.link._socket.close()


async def test_link_says_ready_once_when_it_opens(linked):
    """The first message of the panel is `ready`."""
    linked.link.open()
    assert json.loads(linked.device.recv(100)) == {"ready": {}}
    linked.link.close()


async def test_frames_and_statuses_arrive(linked):
    """Messages sent before and after the link opens change the state, in order."""
    linked.send({"frame": frame(1, "a").to_json()})
    linked.link.open()
    change = Change(linked.state)
    linked.send({"frame": frame(2, "b").to_json()})
    linked.send({"status": {"app": "Cosmos"}})
    while linked.state.status.get("app") != "Cosmos":
        assert await change.wait(timeout_s=60)
    assert [entry.text for entry in linked.state.log.since(0)] == ["a", "b"]
    linked.link.close()


async def test_gestures_are_written_in_order(linked):
    """What was queued arrives as the JSON of wire.events: alone as an object, together as lists that are not too long."""
    linked.link.open()
    both = press(Button.BOTH)
    linked.link.write(both[:1])
    linked.link.write((*both, *both, *both))
    await linked.link.drain()
    _ready, *messages = [json.loads(linked.device.recv(1024)) for _ in range(4)]
    documents = [event.to_json() for event in both]
    assert messages == [documents[0], [*documents, *documents], documents]
    linked.link.close()


async def test_device_that_does_not_read_is_not_buffered_for_without_end(linked):
    """Over the limit gestures are refused; when the device reads again the queued ones arrive, all of them."""
    linked.link.open()
    sent = 0

    def press_without_end() -> None:
        nonlocal sent
        for _ in range(100_000):
            linked.link.write(press(Button.LEFT))
            sent += 1

    with pytest.raises(TransportError, match="does not take"):
        press_without_end()
    assert sent >= MAX_BACKLOG
    draining = asyncio.ensure_future(linked.link.drain())
    received = 0
    linked.device.setblocking(False)
    while received < sent + 1:
        received += len(await asyncio.get_running_loop().sock_recv(linked.device, 100)) > 0
    await draining
    linked.link.close()


async def closed(linked: Linked) -> None:
    """Wait until the link has ended."""
    async with asyncio.timeout(60):
        while not linked.ends:
            await asyncio.sleep(0)


async def test_closed_link_ends_without_a_reason(linked):
    """When the device hangs up the link ends, and gestures are refused from then on."""
    linked.link.open()
    linked.device.close()
    await closed(linked)
    assert linked.ends == [None]
    with pytest.raises(TransportError):
        linked.link.write(press(Button.LEFT))
    with pytest.raises(TransportError):
        await linked.link.drain()


@pytest.mark.parametrize(
    "message",
    [
        b"noise",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"frame": {}}',
        b'{"frame": null}',
        b'{"status": 5}',
        b'{"status": {"a": NaN}}',
        b'{"status": {}, "frame": {}}',
        b'{"button": "left", "pressed": true}',
        b" " * (MAX_MESSAGE + 1),
    ],
    ids=lambda message: message[:24].decode("latin1"),
)
async def test_message_that_breaks_the_protocol_ends_the_link(linked, message):
    """Noise, unknown forms, half frames and oversized messages end the link with a reason."""
    linked.device.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    linked.link.open()
    linked.device.send(message)
    await closed(linked)
    assert isinstance(linked.ends[0], RemoteProtocolError)


async def test_largest_message_is_taken(linked):
    """A message of exactly the limit is read whole."""
    linked.device.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    linked.link.open()
    body = json.dumps({"status": {"app": "x"}}).encode()
    linked.device.send(body + b" " * (MAX_MESSAGE - len(body)))
    change = Change(linked.state)
    assert await change.wait(timeout_s=60)
    assert linked.state.status["app"] == "x"
    linked.link.close()


@given(
    st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(["frame", "status"]), st.text(max_size=3)).map(str).map(str.encode)
)
def test_any_bytes_are_a_message_or_a_protocol_error(message):
    """No bytes make the reader fail in another way."""
    state = PanelState()
    try:
        take_message(message, state)
    except RemoteProtocolError:
        return
    assert state.status


def test_truncated_message_is_refused_at_each_length():
    """A frame cut anywhere is a protocol error and leaves the state as it was."""
    message = json.dumps({"frame": frame(1, "Address").to_json()}).encode()
    state = PanelState()
    for length in range(len(message)):
        with pytest.raises(RemoteProtocolError):
            take_message(message[:length], state)
    assert state.frame is None
    take_message(message, state)
    assert state.sequence == 1
