"""One conversation at its edge: what happens when a step fails, when the client leaves in the middle of one, when it says nothing."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

from tallystick.errors import StateError
from tallystick.manager.endpoint import FlowEndpoint
from tallystick.manager.flow import Ask, FlowResult
from tallystick.manager.frame import CloseCode
from tallystick.manager.work import Work
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.manager_flow import FlowPath
from tallystick.wire.manager_message import ClientReply, Error, Response, Success, decode_server_message

ASK = Ask(CommandApdu(0xE0, 1, 0, 0))
REPLY = ClientReply(nonce=1, response=Response.SUCCESS, data=b"x").to_json()
QUERY = "targetId=856686596"


class Recorder:
    """A log that stores at once, or cannot."""

    def __init__(self, *, fails=False):
        self.events, self.fails = [], fails

    def store(self, event):
        """Take an event."""
        future = asyncio.get_running_loop().create_future()
        self.events.append(event)
        if self.fails:
            future.set_exception(StateError("no room"))
        else:
            future.set_result(None)
        return future

    def hurry(self):
        """Do nothing: it is stored already."""


class Stage:
    """An endpoint with one flow, and the line to a client that writes down what it hears."""

    def __init__(self, flow, *, is_heavy=False, reply_s=60.0, fails=False):
        self.recorder = Recorder(fails=fails)
        settings = SimpleNamespace(max_flows=10, reply_s=reply_s)
        service = SimpleNamespace(settings=settings, recorder=self.recorder, keyring=SimpleNamespace(is_blocking=False))
        self.flow = flow()
        work = Work(action="test", subject="one", flow=self.flow, is_heavy=is_heavy)
        self.endpoint = FlowEndpoint(service, dict.fromkeys(FlowPath, lambda _service, _asked: work))
        self.said, self.ended, self.over = [], [], asyncio.Event()
        self.can_listen = asyncio.Event()
        self.session = self.endpoint.session(self, actor="me")

    def say(self, text):
        """Hear a text."""
        self.said.append(decode_server_message(text))

    def end(self, text, code):
        """Hear the last text."""
        self.ended.append((decode_server_message(text) if text else None, code))
        self.over.set()

    def listen(self):
        """Hear that the session listens."""
        self.can_listen.set()

    async def begin(self):
        """Begin the flow and wait until it asks."""
        self.session.begin(FlowPath.GENUINE, QUERY)
        async with asyncio.timeout(60):
            while not self.session.is_listening:
                await self.can_listen.wait()

    @property
    def outcomes(self):
        """How the conversations ended that are in the log."""
        return [event.outcome for event in self.recorder.events]


def asking():
    """Ask once."""
    yield ASK
    return FlowResult(data="0000")


def broken():
    """Fail in the second step, which is a fault of the flow's own."""
    yield ASK
    raise ZeroDivisionError


async def test_a_conversation_is_logged_before_its_end_is_said():
    """Question, reply, one line in the log, the last word, in this order; then nothing is under way."""
    stage = Stage(asking)
    await stage.begin()
    assert stage.endpoint.open_sockets == 1
    stage.session.take(REPLY)
    assert (stage.outcomes, stage.ended) == (["success"], [])
    await stage.over.wait()
    ((last, code),) = stage.ended
    assert isinstance(last, Success)
    assert (last.data, code, stage.endpoint.open_sockets) == ("0000", CloseCode.DONE, 0)
    stage.session.take(REPLY)
    stage.session.leave()
    assert stage.outcomes == ["success"]


async def test_a_log_that_cannot_be_written_does_not_keep_the_result_back():
    """The client hears how it went although the line could not be stored."""
    stage = Stage(asking, fails=True)
    await stage.begin()
    stage.session.take(REPLY)
    await stage.over.wait()
    assert isinstance(stage.ended[0][0], Success)


async def test_a_fault_in_a_step_is_said_and_counted():
    """The client hears that the manager broke, the log has a line, and the fault goes on to the loop."""
    stage = Stage(broken)
    await stage.begin()
    with pytest.raises(ZeroDivisionError):
        stage.session.take(REPLY)
    assert stage.ended == [(None, CloseCode.BROKEN)]
    assert (stage.outcomes, stage.endpoint.open_sockets) == (["left"], 0)


async def test_a_fault_beside_the_loop_is_said_and_counted():
    """The same for a step in a thread: the loop's handler hears of it."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
    stage = Stage(broken, is_heavy=True)
    await stage.begin()
    stage.session.take(REPLY)
    await stage.over.wait()
    assert stage.ended == [(None, CloseCode.BROKEN)]
    assert (stage.outcomes, stage.endpoint.open_sockets) == (["left"], 0)
    assert [type(fault) for fault in faults] == [ZeroDivisionError]


async def test_a_client_that_leaves_in_the_middle_of_a_step_is_logged_at_once():
    """The log does not wait for a step in a thread; the flow is ended once it is made, and nothing more is said."""
    gate, closed = threading.Event(), threading.Event()

    def slow():
        try:
            yield ASK
            gate.wait()
            yield ASK
        finally:
            closed.set()

    stage = Stage(slow, is_heavy=True)
    await stage.begin()
    stage.can_listen.clear()
    stage.session.take(REPLY)
    assert not stage.session.is_listening
    stage.session.leave()
    stage.session.leave()
    assert (stage.outcomes, stage.endpoint.open_sockets) == (["left"], 0)
    gate.set()
    await stage.can_listen.wait()
    assert closed.is_set()
    assert (len(stage.said), stage.ended, stage.outcomes) == (1, [], ["left"])


async def test_a_client_that_leaves_while_its_app_is_looked_up_is_logged():
    """The log names the flow that was asked for, and what was found is let go unused."""
    gate, found = threading.Event(), asyncio.Event()
    stage = Stage(asking)
    work = stage.endpoint.openers[FlowPath.INSTALL](None, None)

    def look_up(_service, _asked):
        gate.wait()
        return work

    stage.endpoint.openers[FlowPath.INSTALL] = look_up
    stage.listen = found.set
    stage.session.begin(FlowPath.INSTALL, QUERY)
    stage.session.leave()
    assert [(event.action, event.outcome) for event in stage.recorder.events] == [("install", "left")]
    gate.set()
    await found.wait()
    assert stage.flow.gi_frame is None
    assert (stage.said, stage.ended, stage.endpoint.open_sockets) == ([], [], 0)


async def test_a_client_that_says_nothing_hears_that_it_is_over():
    """When no reply came in time the conversation ends with an error."""
    stage = Stage(asking, reply_s=0.01)
    await stage.begin()
    async with asyncio.timeout(60):
        await stage.over.wait()
    assert isinstance(stage.ended[0][0], Error)
    assert stage.outcomes == ["timeout"]


async def test_a_step_beside_the_loop_may_take_longer_than_a_client():
    """The time of a step that is made in a thread is not the client's."""
    gate = threading.Event()

    def slow():
        yield ASK
        gate.wait()
        return FlowResult(data="0000")

    stage = Stage(slow, is_heavy=True)
    await stage.begin()
    stage.session.take(REPLY)
    stage.session._deadline = 0.0
    stage.session._look()
    assert stage.outcomes == []
    gate.set()
    await stage.over.wait()
    assert isinstance(stage.ended[0][0], Success)
