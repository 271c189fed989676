"""Where a token's signatures are made: on the loop when it is quick and free, in its thread in every other case."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tallystick.errors import StateError, TransportError
from tallystick.manager.hsm.key_thread import KeyThread
from tallystick.manager.hsm.pace import FRESH_S, PROOF, SLOW_S
from tallystick.manager.hsm.prompt import PromptSigner


class Signer:
    """A token's key: `takes` seconds of `now` for each signature, and `can_now` for one without anything else."""

    def __init__(self) -> None:
        self.now = 0.0
        self.takes = 0.0001
        self.can_now = True
        self.fails = False
        self.threads: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def sign(self, message: bytes) -> bytes:
        """Sign, or fail, when the gate is open."""
        self.gate.wait(60)
        self.threads.append(threading.get_ident())
        self.now += self.takes
        if self.fails:
            raise TransportError("the token has gone")
        return message[::-1]

    def sign_at_once(self, message: bytes) -> bytes | None:
        """Sign if that can be done."""
        return self.sign(message) if self.can_now else None


class Stage:
    """A signer, its thread, and what stands between."""

    def __init__(self) -> None:
        self.signer = Signer()
        self.thread = KeyThread()
        self.prompt = PromptSigner(self.signer, self.thread, clock=self.signer.clock)

    async def prove(self) -> None:
        """Have the signer sign in the thread until it is known to be quick."""
        for _ in range(PROOF):
            signature = self.prompt.sign(b"abc")
            assert isinstance(signature, asyncio.Future)
            assert await signature == b"cba"


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """Give each test a thread of its own."""
    one = Stage()
    yield one
    one.thread.close()


async def test_the_first_signatures_are_made_in_the_thread_and_those_of_a_quick_token_at_once(stage: Stage) -> None:
    """Eight are waited for; then a signature is there when it is asked for."""
    await stage.prove()
    assert threading.get_ident() not in stage.signer.threads
    assert stage.prompt.sign(b"xy") == b"yx"
    assert stage.signer.threads[-1] == threading.get_ident()


async def test_a_slow_token_is_always_asked_in_the_thread(stage: Stage) -> None:
    """What takes milliseconds never holds up the loop."""
    stage.signer.takes = 0.005
    for _ in range(5 * PROOF):
        assert await asyncio.ensure_future(_future(stage)) == b"cba"
    assert threading.get_ident() not in stage.signer.threads


async def test_one_slow_signature_sends_the_next_ones_to_the_thread(stage: Stage) -> None:
    """The loop is held up once."""
    await stage.prove()
    stage.signer.takes = 2 * SLOW_S
    assert stage.prompt.sign(b"xy") == b"yx"
    assert await _future(stage) == b"cba"


async def test_what_needs_more_than_a_signature_is_done_in_the_thread(stage: Stage) -> None:
    """A session that was lost is opened there, and the signature made there too."""
    await stage.prove()
    stage.signer.can_now = False
    assert await _future(stage) == b"cba"
    assert threading.get_ident() not in stage.signer.threads


async def test_nobody_signs_at_once_before_those_who_wait(stage: Stage) -> None:
    """While the thread is at work, signatures stand in line behind its own; when it is done they are made at once again."""
    await stage.prove()
    stage.signer.gate.clear()
    stage.signer.now += 2 * FRESH_S
    first = stage.prompt.sign(b"12")
    second = stage.prompt.sign(b"34")
    assert isinstance(first, asyncio.Future)
    assert isinstance(second, asyncio.Future)
    stage.signer.gate.set()
    assert list(await asyncio.gather(first, second)) == [b"21", b"43"]
    assert stage.prompt.sign(b"56") == b"65"


async def test_what_goes_wrong_in_the_thread_is_raised_to_who_waits(stage: Stage) -> None:
    """The error is the signer's own; after the thread's end there are no signatures at all."""
    stage.signer.fails = True
    with pytest.raises(TransportError):
        await _future(stage)
    stage.signer.fails = False
    await stage.prove()
    stage.thread.close()
    with pytest.raises(StateError):
        await _future(stage)


async def _future(stage: Stage) -> bytes:
    signature = stage.prompt.sign(b"abc")
    assert isinstance(signature, asyncio.Future)
    return await signature
