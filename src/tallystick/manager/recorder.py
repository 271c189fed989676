"""The audit log's writer: one thread, and one transaction for all that came in while the last one was written.

A flow waits for its line before it tells the client that it worked, so what was done is in the log; the waiting is shared, and
so is the waking: an event loop is called once for each transaction, however many flows wait in it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import insert, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tallystick.errors import StateError
from tallystick.manager.db.engine import Sessions, writing
from tallystick.manager.db.record import Audit, Count

_BATCH: Final = 500
_MAX_WAITING: Final = 10_000
_ACTOR: Final = 128
_TEXT: Final = 1000
#: a transaction costs more than what stands in it; a person at a device does not notice this
_LINGER_S: Final = 0.01
#: two workers may begin to count the same at once; then one of them has to write again
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the audit log; `seconds` is how long it took."""

    actor: str
    action: str
    subject: str
    outcome: str
    detail: str = ""
    seconds: float = 0.0


_Waiter = Future[None] | asyncio.Future[None]
_Entry = tuple[Event, datetime, _Waiter]


class Recorder:
    """Writes events; `clock` tells the moment (UTC), and the first event of a batch waits `linger_s` for others."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        linger_s: float = _LINGER_S,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._linger_s = linger_s
        # without a limit of its own, but in C: `_put` refuses what is too much
        self._waiting: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="audit", daemon=True)
        self._thread.start()

    def record(self, event: Event) -> Future[None]:
        """Take an event; the future is done when it is stored, and holds StateError when that failed."""
        future: Future[None] = Future()
        # nobody can take an event back
        future.set_running_or_notify_cancel()
        failure = self._put(event, future)
        if failure is not None:
            future.set_exception(failure)
        return future

    async def store(self, event: Event) -> None:
        """Take an event and wait, in an event loop, until it is stored; raise StateError when that failed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failure = self._put(event, future)
        if failure is not None:
            raise failure
        await future

    def _put(self, event: Event, future: _Waiter) -> StateError | None:
        if not self._thread.is_alive():
            return StateError("the audit log is closed")
        if self._waiting.qsize() >= _MAX_WAITING:
            return StateError("the audit log cannot keep up")
        self._waiting.put((event, self._clock(), future))
        return None

    def close(self) -> None:
        """Write what is left and stop."""
        self._ending.set()
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            batch = [self._waiting.get()]
            if batch[0] is not None:
                self._ending.wait(self._linger_s)
            while len(batch) < _BATCH and not self._waiting.empty():
                batch.append(self._waiting.get())
            events = [one for one in batch if one is not None]
            if events:
                self._write(events)
            if len(events) < len(batch):
                return

    def _write(self, batch: list[_Entry]) -> None:
        failure: StateError | None = None
        for _ in range(_TRIES):
            try:
                with writing(self._sessions) as session:
                    _store(session, ((event, at) for event, at, _ in batch))
                failure = None
                break
            except SQLAlchemyError as error:
                failure = StateError(f"the audit log cannot be written: {type(error).__name__}")
        loops: defaultdict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = defaultdict(list)
        for _, _, future in batch:
            if isinstance(future, asyncio.Future):
                loops[future.get_loop()].append(future)
            else:
                _settle([future], failure)
        for loop, futures in loops.items():
            with suppress(RuntimeError):  # a loop that was closed has nobody who waits
                loop.call_soon_threadsafe(_settle, futures, failure)


def _settle(futures: Iterable[_Waiter], failure: StateError | None) -> None:
    """Say what came of the events; whoever waits in a loop may have been cancelled meanwhile."""
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)


def _store(session: Session, events: Iterable[tuple[Event, datetime]]) -> None:
    rows, times, seconds = [], Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for event, at in events:
        rows.append(
            {
                "at": at,
                "actor": event.actor[:_ACTOR],
                "action": event.action,
                "subject": event.subject[:_TEXT],
                "outcome": event.outcome,
                "detail": event.detail[:_TEXT],
                "seconds": event.seconds,
            }
        )
        times[event.action, event.outcome] += 1
        # a Counter of floats: the type says int
        seconds[event.action, event.outcome] += event.seconds  # type: ignore[assignment]
    session.execute(insert(Audit), rows)
    # in one order everywhere, so that two workers never wait for each other in a circle
    for (action, outcome), number in sorted(times.items()):
        spent = float(seconds[action, outcome])
        changed = session.scalars(
            update(Count)
            .where(Count.action == action, Count.outcome == outcome)
            .values(times=Count.times + number, seconds=Count.seconds + spent)
            .returning(Count.times)
        ).all()
        if not changed:
            session.execute(insert(Count).values(action=action, outcome=outcome, times=number, seconds=spent))
