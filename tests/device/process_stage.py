"""A device whose apps run in real processes, with a clock that stands still, inside the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import select
import socket
from pathlib import Path

from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.sandbox.app_process import AppProcess, ProcessHost
from tallystick.device.secure.vault import COST_TRIVIAL
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.wire.bundle import Bundle

TEST_SENTENCE = "test test test test test test test test test test test junk"
#: real processes on a busy machine: nothing here is measured, this only ends a test that hangs
PATIENCE_S = 300.0
#: workers of one test run take from a thousand ports each, below those that the kernel gives to whoever asks for any (32768 on)
_FIRST_PORT, _SHARE, _SHARES = 20_000, 1_000, 12
_counted = itertools.count(os.getpid())
HEAD = """\
from tallystick.app.app import App, start_with
from tallystick.wire.screen import Item, Review
from tallystick.wire.syscall import *
import os, socket, sys, time
"""


def demo(source, *, name="Demo", entry="app:start", modules=None, **manifest):
    """Return a bundle with the module `app` of `source`, after some imports."""
    document = {"name": name, "version": "1.0.0", "entry": entry, **manifest}
    return Bundle.pack(json.dumps(document).encode(), {"app.py": HEAD + source, **(modules or {})})


def handler(body, **manifest):
    """Return a bundle whose app answers an APDU with the statements `body`."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return demo(
        f"class Demo(App):\n    async def handle(self, raw):\n{lines}        return raw\nstart = start_with(Demo)\n",
        **manifest,
    )


class Client:
    """One client of the board; `answers` grows."""

    def __init__(self, stage):
        self._stage = stage
        self.answers = []
        self.closed = False
        self.channel = stage.board.relay.connect(self)

    def deliver(self, response):
        """Take an answer."""
        self.answers.append(response)
        self._stage.changed.set()

    def pause(self):
        """Nothing is read here."""

    def resume(self):
        """Nothing is read here."""

    def close(self):
        """Note that the plug was pulled."""
        self.closed = True

    async def exchange(self, apdu):
        """Send an APDU (bytes or hexadecimal) and wait for its answer."""
        count = len(self.answers)
        self.send(apdu)
        await self._stage.until(lambda: len(self.answers) > count)
        return self.answers[count]

    def send(self, apdu):
        """Send an APDU."""
        self._stage.board.relay.submit(self.channel, bytes.fromhex(apdu) if isinstance(apdu, str) else apdu)

    def leave(self):
        """Go away."""
        self._stage.board.relay.drop(self.channel)


class RememberingHost(ProcessHost):
    """A host that remembers what it has launched."""

    def __init__(self, watcher):
        super().__init__(watcher)
        self.launched: list[AppProcess] = []

    def launch(self, *args, **kwargs):
        """Launch, and remember."""
        app = super().launch(*args, **kwargs)
        self.launched.append(app)
        return app


class Stage:
    """One board; `until` waits for the device to change, by events alone."""

    def __init__(self, *bundles, model="nanosp", open_app=True):
        self.changed = asyncio.Event()
        self.clock = VirtualClock()
        self.host = RememberingHost(asyncio.get_running_loop())
        self.board = EmbeddedBoard(
            model=model,
            flash=MemoryFlash(),
            rng=RepeatableRng(1),
            clock=self.clock,
            apps=self.host,
            cost=COST_TRIVIAL,
            on_frame=lambda _frame: self.changed.set(),
            on_status=lambda _status: self.changed.set(),
        )
        self.host.settle = self._settle
        self.board.prepare(seed=TEST_SENTENCE, bundles=bundles)
        self.board.power_on()
        self.client = Client(self)
        if open_app:
            self.open(bundles[0].manifest.name)

    def open(self, name):
        """Open the app `name` as the dashboard does."""
        apps = self.board.system.session.registry.apps()
        self.board.system.open(next(app for app in apps if app.name == name))
        self.board.run()

    @property
    def process(self):
        """The app's process, as launched last."""
        return self.host.launched[-1]

    @property
    def pid(self):
        """Its number."""
        return self.process._process.pid

    @property
    def app(self):
        """The name of the app that is open, or None."""
        return self.board.status["app"]

    @property
    def screen(self):
        """The lines on the screen."""
        return self.board.frame.drawing.texts()

    def turn(self, seconds):
        """Let time pass."""
        self.clock.turn(seconds)
        self.board.advance()

    def do(self, role):
        """Do what the screen offers for `role`."""
        for gesture in self.board.frame.action(role).gestures():
            self.board.event(gesture)

    async def until(self, condition):
        """Wait until `condition` holds; something that changes tells so."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def gone(self):
        """Wait until no app is open."""
        await self.until(lambda: self.app is None)

    async def ready(self):
        """Wait until the open app has shown its menu, which it does before it takes APDUs."""
        await self.until(lambda: self.board.system.supervisor._run.menu is not None)

    def close(self):
        """Power off."""
        self.board.power_off()

    def _settle(self):
        self.board.run()
        self.changed.set()


@contextlib.contextmanager
def stages(kind=Stage, **settings):
    """Give a maker of stages of this kind, all with `settings`; they are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(*arguments, **options):
            made = kind(*arguments, **settings, **options)
            stack.callback(made.close)
            return made

        yield make


@contextlib.contextmanager
def no_stray_process():
    """Whatever is done meanwhile, no child of ours is left of it, dead or alive."""
    before = children(os.getpid())
    yield
    assert children(os.getpid()) == before


def free_port():
    """Return a port that is free, and stays so until somebody asks for this very one."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES
    while True:
        port = _FIRST_PORT + worker * _SHARE + next(_counted) % _SHARE
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def proc(pid, name):
    """Return a file of /proc, or None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    """Return the processes that have `pid` as their parent, zombies too."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := proc(entry.name, "stat")) is not None:
            fields = stat.rpartition(b")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def is_running(pid):
    """Tell whether the process exists and is no zombie."""
    stat = proc(pid, "stat")
    return stat is not None and stat.rpartition(b")")[2].split()[0] != b"Z"


def wait_for_end(pid):
    """Return once a process is gone; the kernel tells, by its own descriptor of it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], PATIENCE_S)[0], "it outlived what started it"
    finally:
        os.close(descriptor)
    assert not is_running(pid)
