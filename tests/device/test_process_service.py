"""A board that runs by itself: its timers end what hangs, and its end leaves nothing."""

import asyncio
import os
import signal

import pytest
from normal_stage import NAME, TEST_SENTENCE, TcpClient
from process_stage import PATIENCE_S, children, handler

from tallystick.device.board.service import Service, ServiceOptions
from tallystick.device.normal.listener import bind
from tallystick.device.os import supervisor
from tallystick.device.sandbox.app_process import ProcessHost
from tallystick.device.silicon.clock import MonotonicClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import UsageError

HANGS = handler("while raw[1] == 1: pass\nreturn raw")


def left(before):
    """Return the processes that this one has now and did not have `before`."""
    return [pid for pid in children(os.getpid()) if pid not in before]


class Running:
    """One service as a task of the test's loop."""

    def __init__(self, *, open_app="Demo", seed=TEST_SENTENCE):
        self.before = frozenset(children(os.getpid()))
        host = ProcessHost(asyncio.get_running_loop())
        self.listener = bind(0)
        options = ServiceOptions(
            model="nanosp",
            flash=MemoryFlash(),
            rng=RepeatableRng(1),
            clock=MonotonicClock(),
            listener=self.listener,
            seed=seed,
            bundles=[HANGS],
            open_app=open_app,
        )
        self.service = Service(options, apps=host)
        host.settle = self.service.board.run
        self.facts = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self.service.run(self.facts.set_result))

    async def connect(self):
        """Return a client."""
        async with asyncio.timeout(PATIENCE_S):
            facts = await self.facts
            return TcpClient(*await asyncio.open_connection("127.0.0.1", facts["apdu_port"]))

    async def ended(self):
        """Wait for the end of the service."""
        async with asyncio.timeout(PATIENCE_S):
            await self.task
        assert left(self.before) == []


async def test_the_watchdog_runs_on_the_machines_clock(monkeypatch):
    """With nobody turning a clock, a hanging app is ended all the same; the device answers and goes on."""
    monkeypatch.setattr(supervisor, "WATCHDOG_S", 0.5)
    running = Running()
    client = await running.connect()
    assert await client.exchange(bytes.fromhex("80010000")) == b"\x6f\x00"
    assert (await client.exchange(NAME)).startswith(b"\x01\x05BOLOS")
    running.service.stop()
    await running.ended()
    assert await client.ended() == b""
    client.writer.close()


async def test_sigterm_ends_the_service_in_the_middle_of_a_computation():
    """The signal ends the app that computes, disconnects the client and returns."""
    running = Running()
    client = await running.connect()
    client.send(bytes.fromhex("80010000"))
    await client.writer.drain()
    os.kill(os.getpid(), signal.SIGTERM)
    await running.ended()
    assert await client.ended() == b""
    client.writer.close()


@pytest.mark.parametrize("options", [{"open_app": "Nothing"}, {"seed": "no such words"}])
async def test_what_cannot_be_run_leaves_nothing(options):
    """An error at the start ends whatever was started before it."""
    running = Running(**options)
    with pytest.raises(UsageError) as caught:
        await running.ended()
    assert caught.value.remedy
    running.listener.close()
    assert left(running.before) == []
