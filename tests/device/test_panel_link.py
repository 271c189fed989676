"""The device's end of the panel link: whatever the panel does or leaves undone, the device goes on."""

import asyncio
import json
import random
import socket

import pytest
from process_stage import PATIENCE_S

from tallystick.device.board.panel_link import PanelLink
from tallystick.device.board.panel_pair import BUFFER_BYTES
from tallystick.wire.events import Button, ButtonEvent, FingerEvent, ReplugEvent
from tallystick.wire.panel import Drawing, Frame, Text


def frame(sequence, *, text="x", lines=1):
    """Return a frame of some lines."""
    line = Text(x=0, y=0, w=1, h=1, text=text)
    return Frame(sequence=sequence, width=128, height=64, drawing=Drawing(elements=(line,) * lines))


class Pair:
    """A link, the panel's end of it, and what the device heard."""

    def __init__(self):
        inner, self.panel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (inner, self.panel):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self.panel.setblocking(False)
        self.link = PanelLink(inner)
        self.events = []
        self.ends = 0
        self.link.on_events = self.events.extend
        self.link.on_end = self._ended

    def _ended(self):
        self.ends += 1

    async def until(self, condition):
        """Let the loop turn until `condition` holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0)

    def read(self):
        """Return the next message for the panel, or None."""
        try:
            data = self.panel.recv(1 << 20)
        except BlockingIOError:
            return None
        return json.loads(data) if data else None


@pytest.fixture
async def pair():
    """Return a link and its other end."""
    made = Pair()
    yield made
    made.link.hang_up()
    made.panel.close()


async def test_frames_and_status_arrive_as_they_are(pair):
    """One message each, an object with one member."""
    pair.link.show(frame(1))
    pair.link.tell({"model": "nanosp"})
    assert Frame.from_json(pair.read()["frame"]) == frame(1)
    assert pair.read() == {"status": {"model": "nanosp"}}


async def test_gestures_arrive_in_order(pair):
    """Every form of gesture reaches the device; the word that the panel is ready is none."""
    for document in (
        {"ready": {}},
        {"button": "left", "pressed": True},
        {"finger": [1, 2], "pressed": False},
        {"replug": "both"},
    ):
        pair.panel.send(json.dumps(document).encode())
    await pair.until(lambda: len(pair.events) == 3)
    assert pair.events == [
        ButtonEvent(button=Button.LEFT, pressed=True),
        FingerEvent(x=1, y=2, pressed=False),
        ReplugEvent(hold=Button.BOTH),
    ]


async def test_gestures_that_are_made_at_once_arrive_at_once(pair):
    """A list of gestures is told as one; a list that has none, too many or another thing in it is passed over."""
    together = []
    pair.link.on_events = together.append
    down, up = {"button": "left", "pressed": True}, {"button": "left", "pressed": False}
    for document in ([], [down] * 9, [down, {"ready": {}}], [[down]], [down, up] * 4, [up]):
        pair.panel.send(json.dumps(document, separators=(",", ":")).encode())
    await pair.until(lambda: len(together) == 2)
    left = [ButtonEvent(button=Button.LEFT, pressed=pressed) for pressed in (True, False)]
    assert together == [(*left * 4,), (left[1],)]


async def test_what_is_no_gesture_is_passed_over(pair):
    """Rubbish, oversized and nested messages change nothing, and the next gesture is heard."""
    noise = random.Random(5)
    hostile = [
        b"{",
        b"null",
        b"\xff" * 10,
        b"[" * 250,
        b'{"button":"left"}',
        b" " * 300,
        b"{}" * 100_000,
        b'{"ready":{},"x":1}',
    ]
    for data in [*hostile, *(noise.randbytes(noise.randrange(1, 200)) for _ in range(50))]:
        pair.panel.send(data)
        await asyncio.sleep(0)
    pair.panel.send(b'{"replug":null}')
    await pair.until(lambda: pair.events)
    assert pair.events == [ReplugEvent()]
    assert pair.link.is_open


async def test_a_panel_that_does_not_read_holds_up_nobody(pair):
    """Thousands of frames are shown meanwhile; what it reads in the end is in order and ends with the newest."""
    count = 5000
    for number in range(count):
        pair.link.show(frame(number, text="y" * 200, lines=20))
    pair.link.tell({"last": True})
    assert len(pair.link._waiting) <= 2
    seen, status = [], None
    while status is None or not seen or seen[-1] != count - 1:
        message = pair.read()
        if message is None:
            await asyncio.sleep(0)
        elif "frame" in message:
            seen.append(message["frame"]["sequence"])
        else:
            status = message["status"]
    assert seen == sorted(set(seen))
    assert len(seen) < count
    assert status == {"last": True}


async def test_a_panel_that_hangs_up_is_told_once(pair):
    """The end of the link is the end of the panel: later frames go nowhere and harm nobody."""
    pair.panel.close()
    pair.link.show(frame(1))
    await pair.until(lambda: pair.ends)
    pair.link.show(frame(2))
    pair.link.tell({})
    pair.link.hang_up()
    await asyncio.sleep(0)
    assert (pair.ends, pair.link.is_open, pair.events) == (1, False, [])


async def test_a_panel_that_hangs_up_while_frames_wait_leaves_nothing(pair):
    """Neither reader nor writer stays with the loop."""
    for number in range(5000):
        pair.link.show(frame(number, text="y" * 200, lines=20))
    pair.panel.close()
    await pair.until(lambda: pair.ends)
    assert pair.link._waiting == {}


async def test_hanging_up_ourselves_is_no_end_of_the_panel(pair):
    """`on_end` tells of the panel alone; the panel's end sees the link close."""
    pair.link.hang_up()
    await asyncio.sleep(0)
    assert pair.ends == 0
    assert pair.panel.recv(10) == b""
