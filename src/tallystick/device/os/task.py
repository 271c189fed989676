"""The OS's own coroutines: promises, tasks and timers, with an injected clock and no event loop.

Nothing runs by itself. Whoever hands the device an input calls `Scheduler.run` afterwards, which runs what became
ready and returns; `deadline_s` says when `advance` is wanted next. So a device is one deterministic object: equal
inputs at equal times give equal outputs.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

from tallystick.device.hil import Clock

Value = TypeVar("Value")


class Cancelled(BaseException):
    """Thrown into a task that is ended from outside; no error, so that nothing that handles errors stops it."""


class Promise(Generic[Value]):
    """A value that comes later; one task may await it."""

    __slots__ = ("_error", "_scheduler", "_task", "_value", "done")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._task: Task | None = None
        self._value: Value | None = None
        self._error: BaseException | None = None
        self.done = False

    def resolve(self, value: Value) -> None:
        """Keep the promise; a second time is ignored."""
        self._finish(value, None)

    def fail(self, error: BaseException) -> None:
        """Break the promise: `error` is raised where it is awaited."""
        self._finish(None, error)

    def _finish(self, value: Value | None, error: BaseException | None) -> None:
        if self.done:
            return
        self.done, self._value, self._error = True, value, error
        if self._task is not None:
            self._scheduler.call_soon(self._task.step)

    def wait_in(self, task: Task) -> None:
        """Let `task` be resumed when the promise is kept."""
        self._task = task

    def __await__(self) -> Generator[Promise[Any], None, Value]:
        if not self.done:
            yield self
        if self._error is not None:
            raise self._error
        return cast("Value", self._value)  # set by resolve()


class Task:
    """One running coroutine of the OS."""

    __slots__ = ("_coroutine", "_on_end", "_running", "finished")

    def __init__(self, coroutine: Coroutine[Any, None, None], on_end: Callable[[BaseException | None], None]) -> None:
        self._coroutine = coroutine
        self._on_end = on_end
        self._running = False
        self.finished = False

    def step(self) -> None:
        """Run to the next unkept promise."""
        self._resume(None)

    def cancel(self) -> None:
        """Throw Cancelled into the coroutine, unless it is finished or is the one that asks."""
        if not self.finished and not self._running:
            self._resume(Cancelled())

    def _resume(self, error: BaseException | None) -> None:
        if self.finished:
            return
        self._running = True
        try:
            promise = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
        except StopIteration:
            self._end(None)
        except Cancelled:
            self._end(None)
        except BaseException as failure:  # noqa: BLE001 -- handed to the owner of the task
            self._end(failure)
        else:
            promise.wait_in(self)
            if promise.done:  # kept between the yield and here
                promise._scheduler.call_soon(self.step)  # noqa: SLF001 -- the two are one mechanism
        finally:
            self._running = False

    def _end(self, failure: BaseException | None) -> None:
        self.finished = True
        self._on_end(failure)


def _raise(failure: BaseException | None) -> None:
    if failure is not None:
        raise failure


class Timer:
    """A call in the future that can be taken back."""

    __slots__ = ("call", "deadline_s")

    def __init__(self, deadline_s: float, call: Callable[[], None]) -> None:
        self.deadline_s = deadline_s
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Take it back."""
        self.call = None


class Scheduler:
    """Ready calls in order, timers by deadline."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._ready: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._busy = False
        #: called when nothing is ready any more: the screen draws once for all that happened
        self.on_quiet: Callable[[], None] = lambda: None

    def promise(self) -> Promise[Any]:
        """Return a new promise."""
        return Promise(self)

    def spawn(
        self, coroutine: Coroutine[Any, None, None], on_end: Callable[[BaseException | None], None] = _raise
    ) -> Task:
        """Start `coroutine`; it runs up to its first unkept promise before this returns."""
        task = Task(coroutine, on_end)
        task.step()
        return task

    def call_soon(self, call: Callable[[], None]) -> None:
        """Run `call` before `run` returns."""
        self._ready.append(call)

    def call_at(self, deadline_s: float, call: Callable[[], None]) -> Timer:
        """Run `call` once the clock has reached `deadline_s`."""
        timer = Timer(deadline_s, call)
        self._count += 1
        heapq.heappush(self._timers, (deadline_s, self._count, timer))
        return timer

    def run(self) -> None:
        """Run what is ready, and what that makes ready; not re-entrant."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._ready:
                while self._ready:
                    self._ready.popleft()()
                self.on_quiet()
        finally:
            self._busy = False

    def deadline_s(self) -> float | None:
        """Return when the next timer wants `advance`, or None."""
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def advance(self) -> None:
        """Run the timers that are due, in order, then what is ready."""
        now_s = self.clock.now_s()
        while self._timers and self._timers[0][0] <= now_s:
            timer = heapq.heappop(self._timers)[2]
            if timer.call is not None:
                timer.call()
            self.run()
        self.run()
