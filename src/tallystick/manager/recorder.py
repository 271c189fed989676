"""The audit log's writer: one thread, and one transaction for all that came in while the last one was written.

The same thread writes their lines of the log, in one piece too. Statements are made once: putting one together anew costs more
than carrying it out.

A flow waits for its line before it tells the client that it worked, so what was done is in the log; the waiting is shared, and
so is the waking: an event loop is called once for each transaction, however many flows wait in it. What a database that is away or
full does not take is kept, and stored when it does; meanwhile nobody waits for it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection, bindparam, insert, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tallystick.errors import StateError
from tallystick.manager.db.engine import Sessions, writing_engine
from tallystick.manager.db.record import Audit, Count
from tallystick.manager.log import line, write_lines

_BATCH: Final = 500
_MAX_WAITING: Final = 10_000
_ACTOR: Final = 128
_TEXT: Final = 1000
#: a transaction costs more than what stands in it; a person at a device does not notice this
_LINGER_S: Final = 0.01
#: two workers may begin to count the same at once; then one of them has to write again
_TRIES: Final = 3
#: how often the database is asked whether it takes what it did not take before
_RETRY_S: Final = 5.0
_INSERT: Final = insert(Audit)
_ADD: Final = (
    update(Count)
    .where(Count.action == bindparam("which_action"), Count.outcome == bindparam("which_outcome"))
    .values(times=Count.times + bindparam("number"), seconds=Count.seconds + bindparam("spent"))
)


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
_Owed = tuple[Event, datetime]


class Recorder:
    """Writes events; `clock` tells the moment (UTC), and the first event of a batch waits `linger_s` for others.

    What could not be stored is tried again every `retry_s`.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        linger_s: float = _LINGER_S,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._engine = writing_engine(sessions)
        self._clock = clock
        self._linger_s = linger_s
        self._retry_s = retry_s
        #: the oldest are forgotten when there are too many: they are in the log
        self._owed: deque[_Owed] = deque(maxlen=_MAX_WAITING)
        # without a limit of its own, but in C: `_put` refuses what is too much
        self._waiting: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
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

    def store(self, event: Event) -> asyncio.Future[None]:
        """Take an event in an event loop; the future is done when it is stored, and holds StateError when that failed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failure = self._put(event, future)
        if failure is not None:
            future.set_exception(failure)
        return future

    def _put(self, event: Event, future: _Waiter) -> StateError | None:
        now = self._clock()
        if self._thread.is_alive() and self._waiting.qsize() < _MAX_WAITING:
            self._waiting.put((event, now, future))
            return None
        write_lines([_line(event, now)])
        return StateError("the audit log cannot keep up" if self._thread.is_alive() else "the audit log is closed")

    def hurry(self) -> None:
        """Write what there is: nothing is under way that could still come along."""
        self._hurry.set()

    def close(self) -> None:
        """Write what is left and stop."""
        self._waiting.put(None)
        self._hurry.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                batch = [self._waiting.get(timeout=self._retry_s if self._owed else None)]
            except queue.Empty:
                self._pay()
                continue
            if batch[0] is not None:
                self._hurry.wait(self._linger_s)
                self._hurry.clear()
            while len(batch) < _BATCH and not self._waiting.empty():
                batch.append(self._waiting.get())
            events = [one for one in batch if one is not None]
            if events:
                self._write(events)
            if len(events) < len(batch):
                self._pay()
                return

    def _stored(self, owed: Iterable[_Owed]) -> StateError | None:
        """Store events in one transaction; return why that failed."""
        events = tuple(owed)
        kind = ""
        for _ in range(_TRIES):
            try:
                with self._engine.begin() as connection:
                    _store(connection, events)
            except IntegrityError as error:
                kind = type(error).__name__
            except SQLAlchemyError as error:
                kind = type(error).__name__
                break
            else:
                return None
        return StateError(f"the audit log cannot be written: {kind}")

    def _pay(self) -> None:
        """Store what could not be stored before, as far as it can be now."""
        while self._owed:
            part = tuple(islice(self._owed, _BATCH))
            if self._stored(part) is not None:
                return
            for _ in part:
                self._owed.popleft()

    def _write(self, batch: list[_Entry]) -> None:
        owed = [(event, at) for event, at, _ in batch]
        failure = self._stored(owed)
        if failure is not None:
            self._owed += owed
        write_lines([_line(event, at) for event, at, _ in batch])
        loops: defaultdict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = defaultdict(list)
        for _, _, future in batch:
            if isinstance(future, asyncio.Future):
                loops[future.get_loop()].append(future)
            else:
                _settle([future], failure)
        for loop, futures in loops.items():
            with suppress(RuntimeError):  # a loop that was closed has nobody who waits
                loop.call_soon_threadsafe(_settle, futures, failure)
        if failure is None:
            self._pay()


def _settle(futures: Iterable[_Waiter], failure: StateError | None) -> None:
    """Say what came of the events; whoever waits in a loop may have been cancelled meanwhile."""
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)


def _store(connection: Connection, events: Iterable[tuple[Event, datetime]]) -> None:
    rows, times, seconds = [], Counter[tuple[str, str]](), defaultdict[tuple[str, str], float](float)
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
        seconds[event.action, event.outcome] += event.seconds
    connection.execute(_INSERT, rows)
    # in one order everywhere, so that two workers never wait for each other in a circle
    for (action, outcome), number in sorted(times.items()):
        spent = seconds[action, outcome]
        which = {"which_action": action, "which_outcome": outcome}
        if not connection.execute(_ADD, which | {"number": number, "spent": spent}).rowcount:
            connection.execute(insert(Count), {"action": action, "outcome": outcome, "times": number, "seconds": spent})


def _line(event: Event, at: datetime) -> str:
    """Return what the log says of an event."""
    members = (
        ("actor", event.actor),
        ("seconds", round(event.seconds, 4)),
        ("action", event.action),
        ("subject", event.subject),
        ("outcome", event.outcome),
        ("detail", event.detail),
    )
    return line("flow", at, members)
