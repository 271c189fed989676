"""One conversation at its edge: what happens when a step fails, when the client leaves in the middle of one, when it says nothing."""

from __future__ import annotations

import asyncio
import gc
import threading
from types import SimpleNamespace

import pytest

from tallystick.errors import StateError, TransportError
from tallystick.manager.endpoint import FlowEndpoint
from tallystick.manager.flow import Ask, FlowResult, Sign
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


class Keys:
    """A keyring whose signatures come when they are given: `waiting` holds what is to be signed, and who waits."""

    is_blocking = True

    def __init__(self, *, at_once=None):
        self.waiting = []
        self.at_once = at_once

    def sign(self, message):
        """Sign at once, fail at once, or promise to."""
        if isinstance(self.at_once, Exception):
            raise self.at_once
        if self.at_once is not None:
            return self.at_once
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((message, future))
        return future


def signing():
    """Ask, have the answer signed, and say the signature."""
    answer = yield ASK
    signature = yield Sign(b"signed " + answer)
    return FlowResult(data=signature.hex())


def signed_stage(**more):
    """Return a stage whose flow has something signed, and its keys."""
    stage = Stage(signing)
    keys = Keys(**more)
    stage.endpoint.service.keyring = keys
    return stage, keys


async def test_a_conversation_waits_for_a_signature_and_hears_nothing_meanwhile():
    """Nothing is said, taken or timed until the signature is there; then the flow goes on with it."""
    stage, keys = signed_stage()
    await stage.begin()
    stage.session.take(REPLY)
    assert not stage.session.is_listening
    stage.session._deadline = 0.0
    stage.session._look()
    ((message, future),) = keys.waiting
    assert (message, len(stage.said), stage.ended, stage.outcomes) == (b"signed x", 1, [], [])
    future.set_result(b"\x07")
    await stage.over.wait()
    assert (stage.ended[0][0].data, stage.outcomes) == ("07", ["success"])


async def test_a_signature_that_is_there_at_once_is_not_waited_for():
    """The flow goes on in the very step in which the reply came."""
    stage, _ = signed_stage(at_once=b"\x08")
    await stage.begin()
    stage.session.take(REPLY)
    assert stage.outcomes == ["success"]
    await stage.over.wait()
    assert stage.ended[0][0].data == "08"


@pytest.mark.parametrize("is_late", [True, False])
async def test_a_signature_that_is_not_made_ends_the_flow_with_its_reason(is_late):
    """The client hears what the keys said, and the log has it, whether they said it at once or later."""
    error = TransportError("the token has gone")
    stage, keys = signed_stage(at_once=None if is_late else error)
    await stage.begin()
    stage.session.take(REPLY)
    for _, future in keys.waiting:
        future.set_exception(error)
    await stage.over.wait()
    assert stage.ended[0][0] == Error(
        nonce=2, uuid=stage.said[0].uuid, session=stage.said[0].session, text="the token has gone: 6f00"
    )
    assert (stage.outcomes, stage.endpoint.open_sockets) == (["failed"], 0)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_client_that_leaves_while_a_signature_is_made_is_logged_at_once(fails):
    """The signature, or why there is none, comes to nobody: the flow is ended then, and nothing is said."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    stage, keys = signed_stage()
    await stage.begin()
    stage.session.take(REPLY)
    stage.session.leave()
    assert (stage.outcomes, stage.endpoint.open_sockets) == (["left"], 0)
    ((_, future),) = keys.waiting
    if fails:
        future.set_exception(TransportError("the token has gone"))
    else:
        future.set_result(b"late")
    await asyncio.sleep(0)
    assert stage.flow.gi_frame is None
    assert (len(stage.said), stage.ended, stage.outcomes) == (1, [], ["left"])
    keys.waiting.clear()
    del future
    # a future whose error nobody took says so when it is thrown away
    gc.collect()
    assert faults == []


async def test_a_fault_while_a_signature_is_made_is_said_and_counted():
    """The client hears that the manager broke, and the loop's handler of the fault."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
    stage, keys = signed_stage()
    await stage.begin()
    stage.session.take(REPLY)
    keys.waiting[0][1].set_exception(ZeroDivisionError())
    await stage.over.wait()
    assert stage.ended == [(None, CloseCode.BROKEN)]
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
