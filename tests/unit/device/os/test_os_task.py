"""Promises, tasks, timers: one deterministic order, and no loop of their own."""

from __future__ import annotations

import pytest

from tallystick.device.os.task import Cancelled, Promise, Scheduler
from tallystick.device.silicon.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    """Give a clock that stands still."""
    return VirtualClock()


@pytest.fixture
def scheduler(clock: VirtualClock) -> Scheduler:
    """Give a scheduler on it."""
    return Scheduler(clock)


def test_task_runs_to_its_first_unkept_promise_and_on_when_it_is_kept(scheduler: Scheduler) -> None:
    """Keeping a promise makes its task ready; it runs with the next `run`."""
    promise, steps = scheduler.promise(), []

    async def work() -> None:
        steps.append("before")
        steps.append(await promise)

    task = scheduler.spawn(work())
    assert steps == ["before"]
    promise.resolve("after")
    assert steps == ["before"]
    scheduler.run()
    assert steps == ["before", "after"]
    assert task.finished


def test_promise_is_kept_once(scheduler: Scheduler) -> None:
    """A second value, or an error afterwards, is ignored."""
    promise, seen = scheduler.promise(), []

    async def work() -> None:
        seen.append(await promise)

    scheduler.spawn(work())
    promise.resolve(1)
    promise.resolve(2)
    promise.fail(ValueError("x"))
    scheduler.run()
    assert seen == [1]


def test_broken_promise_raises_where_it_is_awaited(scheduler: Scheduler) -> None:
    """The error reaches the one who waits."""
    promise: Promise[int] = scheduler.promise()
    failures: list[BaseException | None] = []

    async def work() -> None:
        await promise

    scheduler.spawn(work(), failures.append)
    error = ValueError("x")
    promise.fail(error)
    scheduler.run()
    assert failures == [error]


def test_cancelled_task_cleans_up_and_is_no_failure(scheduler: Scheduler) -> None:
    """`finally` runs, handlers of errors do not, and the owner hears of a plain end; twice is harmless."""
    steps: list[str] = []
    ends: list[BaseException | None] = []

    async def work() -> None:
        try:
            await scheduler.promise()
        except Exception:
            steps.append("caught")
        finally:
            steps.append("cleaned")

    task = scheduler.spawn(work(), ends.append)
    task.cancel()
    task.cancel()
    assert steps == ["cleaned"]
    assert ends == [None]
    assert not issubclass(Cancelled, Exception)


def test_task_cannot_cancel_itself(scheduler: Scheduler) -> None:
    """A task that asks for its own end goes on."""
    promise, seen = scheduler.promise(), []

    async def work() -> None:
        await promise
        task.cancel()
        seen.append("after")

    task = scheduler.spawn(work())
    promise.resolve(None)
    scheduler.run()
    assert seen == ["after"]


def test_failure_of_a_task_is_raised_to_the_one_who_runs(scheduler: Scheduler) -> None:
    """A task without an owner fails aloud, and the scheduler can be run again."""
    promise = scheduler.promise()

    async def work() -> None:
        await promise
        raise ValueError("x")

    scheduler.spawn(work())
    promise.resolve(None)
    with pytest.raises(ValueError, match="x"):
        scheduler.run()
    done: list[int] = []
    scheduler.call_soon(lambda: done.append(1))
    scheduler.run()
    assert done == [1]


def test_timers_run_by_deadline_and_then_by_age(scheduler: Scheduler, clock: VirtualClock) -> None:
    """Only those that are due, the earliest first; equal deadlines in the order they were set."""
    ran: list[str] = []
    for name, deadline_s in (("late", 3.0), ("b", 2.0), ("c", 2.0), ("a", 1.0)):
        scheduler.call_at(deadline_s, lambda name=name: ran.append(name))
    assert scheduler.deadline_s() == 1.0
    clock.turn(2.0)
    scheduler.advance()
    assert ran == ["a", "b", "c"]
    assert scheduler.deadline_s() == 3.0


def test_timer_that_was_taken_back_does_not_run(scheduler: Scheduler, clock: VirtualClock) -> None:
    """It wants no wake-up either."""
    ran: list[int] = []
    scheduler.call_at(1.0, lambda: ran.append(1)).cancel()
    assert scheduler.deadline_s() is None
    clock.turn(5.0)
    scheduler.advance()
    assert ran == []


def test_run_within_run_is_nothing(scheduler: Scheduler) -> None:
    """What is ready runs in one order, however deep `run` is called."""
    order: list[int] = []

    def first() -> None:
        scheduler.call_soon(lambda: order.append(3))
        scheduler.run()
        order.append(1)

    scheduler.call_soon(first)
    scheduler.call_soon(lambda: order.append(2))
    scheduler.run()
    assert order == [1, 2, 3]


def test_quiet_is_told_once_for_all_that_was_ready(scheduler: Scheduler) -> None:
    """The screen draws once, when nothing is ready any more."""
    quiet: list[int] = []
    scheduler.on_quiet = lambda: quiet.append(1)
    for _ in range(5):
        scheduler.call_soon(lambda: None)
    scheduler.run()
    assert quiet == [1]
