"""The one thread that asks a token, which serves one call at a time anyway: work goes in one by one and comes back in handfuls.

Waking an event loop from another thread costs a tenth of a signature in software; so what was done meanwhile comes back together.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tallystick.errors import StateError

__all__ = ["KeyThread"]

ValueT = TypeVar("ValueT")

#: what comes back together at most: nobody waits for more than so many signatures of others
_HANDFUL: Final = 8


@dataclass(slots=True, kw_only=True)
class _Job:
    """Something to call, who waits for it, and what came of it."""

    function: Callable[..., Any]
    arguments: tuple[object, ...]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class KeyThread:
    """Calls what it is given, in the order in which it came."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        #: one is written by those who call, the other by the thread
        self._given = self._done = 0
        self._thread = threading.Thread(target=self._work, name="hsm", daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """True while nothing is to be done and nothing is being done; False after `close`."""
        return self._given == self._done and self._thread.is_alive()

    def call(self, function: Callable[..., ValueT], *arguments: object) -> asyncio.Future[ValueT]:
        """Return a future of the running loop with what the function returns or raises; StateError after `close`."""
        future: asyncio.Future[ValueT] = asyncio.get_running_loop().create_future()
        if self._thread.is_alive():
            self._given += 1
            self._jobs.put(_Job(function=function, arguments=arguments, future=future))
        else:
            future.set_exception(StateError("the keys are closed"))
        return future

    def close(self) -> None:
        """Do what is left and stop. Twice is harmless."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            done: list[_Job] = []
            while job is not None:
                try:
                    job.result = job.function(*job.arguments)
                except BaseException as error:  # noqa: BLE001 - whoever waits hears of it
                    job.error = error
                self._done += 1
                done.append(job)
                if len(done) == _HANDFUL or self._jobs.empty():
                    break
                job = self._jobs.get()
            _bring_back(done)
            if job is None:
                return


def _bring_back(done: list[_Job]) -> None:
    loops: defaultdict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in done:
        loops[job.future.get_loop()].append(job)
    for loop, jobs in loops.items():
        with suppress(RuntimeError):  # a loop that was closed has nobody who waits
            loop.call_soon_threadsafe(_settle, jobs)


def _settle(jobs: list[_Job]) -> None:
    """Say what came of the jobs; whoever waits may have been cancelled meanwhile."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
