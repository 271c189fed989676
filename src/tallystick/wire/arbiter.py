"""Many clients, one device: who is served next, and who gets which answer.

The device handles one APDU at a time. Each client's requests wait in a queue of their own, and the device turns to the
clients one after the other, so that one who sends a thousand does not hold up one who sends one. Answers carry no address:
they belong to the client whose request is in the device. When that client goes away its request is cancelled and the answer
that may still come is thrown away.

The edge obeys the events: after `Pause` it stops reading from the client (what it has read already is still taken), after
`Resume` it goes on. So nothing is lost and nothing grows without bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from tallystick.errors import LocalProtocolError

__all__ = [
    "TRANSITIONS",
    "Arbiter",
    "ArbiterEvent",
    "ArbiterState",
    "Cancel",
    "Deliver",
    "Execute",
    "Pause",
    "Resume",
    "Trigger",
]

#: what a queued request costs beside its bytes
_OVERHEAD_BYTES: Final = 32


@unique
class ArbiterState(Enum):
    """What the device is doing."""

    IDLE = "idle"
    BUSY = "busy"
    CANCELLING = "cancelling"


@unique
class Trigger(Enum):
    """What can happen to the device's side of the arbiter."""

    EXECUTE = "a request goes to the device"
    REPLY = "the device answered"
    OWNER_LEFT = "the client whose request is in the device went away"


#: every legal step; anything else is a bug of the edge
TRANSITIONS: Final[dict[tuple[ArbiterState, Trigger], ArbiterState]] = {
    (ArbiterState.IDLE, Trigger.EXECUTE): ArbiterState.BUSY,
    (ArbiterState.BUSY, Trigger.REPLY): ArbiterState.IDLE,
    (ArbiterState.BUSY, Trigger.OWNER_LEFT): ArbiterState.CANCELLING,
    (ArbiterState.CANCELLING, Trigger.REPLY): ArbiterState.IDLE,
}


@dataclass(frozen=True, slots=True)
class Execute:
    """Give this request to the device."""

    client: Hashable
    apdu: bytes


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give this answer, with its status word, to the client."""

    client: Hashable
    response: bytes


@dataclass(frozen=True, slots=True)
class Cancel:
    """Tell the device to abandon the request it is handling: nobody waits for it. It still has to reply."""

    client: Hashable


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop reading from the client: its queue is full."""

    client: Hashable


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on reading from the client."""

    client: Hashable


ArbiterEvent = Execute | Deliver | Cancel | Pause | Resume


class _Queue:
    """The waiting requests of one client."""

    __slots__ = ("paused", "requests", "size_bytes")

    def __init__(self) -> None:
        self.requests: deque[bytes] = deque()
        self.size_bytes = 0
        self.paused = False


class Arbiter:
    """Share one device between any number of clients, named by any hashable value.

    `max_queued` requests may wait for each client before it is paused; `max_queued_bytes` is the hard limit of what one client
    may have waiting, which an edge that obeys `Pause` and reads at most 256 KiB at once cannot reach.
    """

    __slots__ = ("_max_queued", "_max_queued_bytes", "_owner", "_queues", "_state", "_turns")

    def __init__(self, *, max_queued: int = 16, max_queued_bytes: int = 1 << 22) -> None:
        self._max_queued = max_queued
        self._max_queued_bytes = max_queued_bytes
        self._state = ArbiterState.IDLE
        self._owner: Hashable = None
        # only clients with something waiting have a queue, and a place in the order of turns
        self._queues: dict[Hashable, _Queue] = {}
        self._turns: deque[Hashable] = deque()

    @property
    def state(self) -> ArbiterState:
        """What the device is doing."""
        return self._state

    def queued(self, client: Hashable) -> int:
        """Return how many requests of `client` wait, the one in the device not counted."""
        queue = self._queues.get(client)
        return 0 if queue is None else len(queue.requests)

    def submit(self, client: Hashable, apdu: bytes) -> list[ArbiterEvent]:
        """Take a request of `client`.

        Raises LocalProtocolError when an edge keeps on after `Pause` until the hard limit; the request is then not taken.
        """
        if self._state is ArbiterState.IDLE:
            # nobody waits while the device is idle
            return [self._execute(client, apdu)]
        queue = self._queues.get(client) or _Queue()
        cost = len(apdu) + _OVERHEAD_BYTES
        if queue.size_bytes + cost > self._max_queued_bytes:
            raise LocalProtocolError("a client was read on although it is paused")
        if client not in self._queues:
            self._queues[client] = queue
            self._turns.append(client)
        queue.requests.append(apdu)
        queue.size_bytes += cost
        if queue.paused or len(queue.requests) < self._max_queued:
            return []
        queue.paused = True
        return [Pause(client)]

    def reply(self, response: bytes) -> list[ArbiterEvent]:
        """Take the device's answer: deliver it, or discard it when its client left, and start the next request."""
        discarded = self._state is ArbiterState.CANCELLING
        self._step(Trigger.REPLY)
        owner, self._owner = self._owner, None
        events: list[ArbiterEvent] = [] if discarded else [Deliver(owner, response)]
        if self._turns:
            events += self._next()
        return events

    def drop(self, client: Hashable) -> list[ArbiterEvent]:
        """Forget a client that went away: its waiting requests vanish, the one in the device is cancelled."""
        if self._queues.pop(client, None) is not None:
            self._turns.remove(client)
        if self._state is not ArbiterState.BUSY or client != self._owner:
            return []
        self._step(Trigger.OWNER_LEFT)
        return [Cancel(client)]

    def _next(self) -> list[ArbiterEvent]:
        client = self._turns.popleft()
        queue = self._queues[client]
        apdu = queue.requests.popleft()
        queue.size_bytes -= len(apdu) + _OVERHEAD_BYTES
        if queue.requests:
            self._turns.append(client)
        else:
            del self._queues[client]
        events: list[ArbiterEvent] = [self._execute(client, apdu)]
        if queue.paused and len(queue.requests) < self._max_queued:
            queue.paused = False
            events.append(Resume(client))
        return events

    def _execute(self, client: Hashable, apdu: bytes) -> Execute:
        self._step(Trigger.EXECUTE)
        self._owner = client
        return Execute(client, apdu)

    def _step(self, trigger: Trigger) -> None:
        state = TRANSITIONS.get((self._state, trigger))
        if state is None:
            raise LocalProtocolError(f"{trigger.value}, but the device is {self._state.value}")
        self._state = state
