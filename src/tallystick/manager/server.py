"""The service as processes: one, or workers that share a listening socket and nothing else but the database.

A worker that dies is replaced; its flows are lost and nothing else is, since every flow lives in one socket.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from tallystick.errors import StateError, UsageError
from tallystick.manager.app import build
from tallystick.manager.log import set_up_log
from tallystick.manager.service import Service
from tallystick.manager.settings import Settings
from tallystick.manager.worker import READY, WorkerServer

#: how long a worker may take until it serves, and until it has ended
_START_S: Final = 30.0
_STOP_S: Final = 5.0
_LOOK_S: Final = 0.2
#: a worker that dies sooner than this is not replaced at once
_TOO_SOON_S: Final = 1.0


def serve(settings: Settings, *, listener: socket.socket, workers: int = 1, on_ready: Callable[[], None]) -> None:
    """Serve on `listener` until SIGTERM or SIGINT; call `on_ready` once every worker serves.

    Raises what opening database and keys raises; StateError when a worker does not start.
    """
    if workers > 1:
        if "pin-source=fd:" in settings.hsm:
            raise UsageError("several workers cannot read one descriptor", remedy="write pin-source=file:PATH")
        Service.open(settings).close()
        _Workers(settings, listener, workers).run(on_ready)
        return
    set_up_log()
    app = build(Service.open(settings))
    WorkerServer(app, settings, on_started=on_ready).run(sockets=[listener])


class _Workers:
    """Starts workers, replaces those that die, ends all."""

    def __init__(self, settings: Settings, listener: socket.socket, number: int) -> None:
        self._environment = {**os.environ, **settings.to_environment()}
        self._listener = listener
        self._number = number
        self._running: list[tuple[subprocess.Popen[bytes], float]] = []
        self._ended = threading.Event()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Hold the workers until a signal comes."""
        before = {number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._running = [self._start() for _ in range(self._number)]
            for worker, _ in self._running:
                self._await_ready(worker)
            if not self._ended.is_set():
                on_ready()
            while not self._ended.wait(_LOOK_S):
                self._replace()
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, *_: object) -> None:
        self._ended.set()

    def _start(self) -> tuple[subprocess.Popen[bytes], float]:
        descriptor = self._listener.fileno()
        command = [sys.executable, "-m", "tallystick.manager.worker", str(descriptor)]
        worker = subprocess.Popen(  # noqa: S603 - this very interpreter and a module of ours
            command,
            env=self._environment,
            pass_fds=(descriptor,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # signals of a terminal reach the workers by way of their parent only
            start_new_session=True,
        )
        return worker, time.monotonic()

    def _await_ready(self, worker: subprocess.Popen[bytes]) -> None:
        if worker.stdout is None:
            raise StateError("a worker has no output")
        deadline = time.monotonic() + _START_S
        while not self._ended.is_set():
            if select.select([worker.stdout], [], [], _LOOK_S)[0]:
                if os.read(worker.stdout.fileno(), len(READY)) == READY:
                    return
                raise StateError("a worker of the manager did not start", remedy="its log is on stderr")
            if time.monotonic() > deadline:
                raise StateError("a worker of the manager does not begin to serve", remedy="its log is on stderr")

    def _replace(self) -> None:
        now = time.monotonic()
        for index, (worker, since) in enumerate(self._running):
            if worker.poll() is not None and now - since > _TOO_SOON_S:
                _let_go(worker)
                self._running[index] = self._start()

    def _stop(self) -> None:
        for worker, _ in self._running:
            worker.terminate()
        deadline = time.monotonic() + _STOP_S
        for worker, _ in self._running:
            try:
                worker.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            _let_go(worker)


def _let_go(worker: subprocess.Popen[bytes]) -> None:
    """Close the ends of a worker's pipes."""
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            pipe.close()
