"""The answer to `/apdu` that waits for a person: headers ahead, body when it is there."""

import asyncio
import json

from tallystick.errors import TransportError
from tallystick.ui.web.apdu_route import LateAnswer


class Exchange:
    """One HTTP exchange: what was sent, and a client that stays until it leaves."""

    def __init__(self):
        self.sent = []
        self.left = asyncio.Event()

    async def send(self, message):
        """Take a message of the answer."""
        self.sent.append(message)

    async def receive(self):
        """Say that the client has gone, once it has."""
        await self.left.wait()
        return {"type": "http.disconnect"}


async def begin(work):
    """Start an answer and let it run until it waits."""
    exchange = Exchange()
    task = asyncio.ensure_future(LateAnswer(work)({"type": "http", "headers": []}, exchange.receive, exchange.send))
    while len(exchange.sent) < 2:
        await asyncio.sleep(0)
    return exchange, task


async def test_headers_are_sent_while_the_person_decides():
    """A client that waits for headers before it presses buttons gets them, without a length nobody knows yet."""
    work = asyncio.get_running_loop().create_future()
    exchange, task = await begin(work)
    start, first = exchange.sent
    assert (start["type"], start["status"], first["more_body"]) == ("http.response.start", 200, True)
    assert (b"content-type", b"application/json") in start["headers"]
    assert not [name for name, _ in start["headers"] if name == b"content-length"]
    work.set_result(b"\x90\x00")
    await task
    assert json.loads(exchange.sent[-1]["body"]) == {"data": "9000"}
    assert exchange.sent[-1]["more_body"] is False


async def test_a_client_that_leaves_frees_the_device():
    """The request is given up, and nothing more is sent."""
    work = asyncio.get_running_loop().create_future()
    exchange, task = await begin(work)
    exchange.left.set()
    await task
    assert work.cancelled()
    assert len(exchange.sent) == 2


async def test_a_device_that_goes_is_said_in_the_body():
    """The status is sent already; the body says what happened."""
    work = asyncio.get_running_loop().create_future()
    exchange, task = await begin(work)
    work.set_exception(TransportError("the device is gone"))
    await task
    assert json.loads(exchange.sent[-1]["body"]) == {"error": "the device is gone"}
