"""A transport that lets things go wrong between a client and a device."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from enum import Enum, unique

from tallystick.errors import LocalProtocolError
from tallystick.host.transport.base import Transport, no_answer
from tallystick.testing.transport import Wrapper


@unique
class Fault(Enum):
    """What can happen to one request and its answer."""

    DROP_REQUEST = "the request is lost: the device never sees it"
    DROP_ANSWER = "the answer is lost: the device has done what was asked"
    DUPLICATE = "the request arrives twice; the second answer is the one that comes back"
    TRUNCATE = "the answer loses one or more bytes of its end"
    DELAY = "the answer comes too late: in place of the next one"


class FaultTransport(Wrapper):
    """Lets things go wrong, and keeps in `faults` what did: (number of the request from 0, what).

    Each kind happens with the given probability (0 to 1), drawn from `seed` alone, so that a run can be repeated; `plan`
    names faults by the number of the request instead. A lost or late answer raises TransportTimeout when it is waited for: at
    once, as if the time had passed. After a late answer every following one is that of the request before, until `close`,
    which is what happens to a client that goes on after a timeout.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        seed: int = 0,
        drop: float = 0.0,
        duplicate: float = 0.0,
        truncate: float = 0.0,
        delay: float = 0.0,
        plan: Mapping[int, Fault] | None = None,
    ) -> None:
        super().__init__(transport)
        self._random = random.Random(seed)  # noqa: S311 -- faults to be repeated, not secrets
        half = drop / 2
        self._odds = (
            (Fault.DROP_REQUEST, half),
            (Fault.DROP_ANSWER, half),
            (Fault.DUPLICATE, duplicate),
            (Fault.TRUNCATE, truncate),
            (Fault.DELAY, delay),
        )
        if any(odds < 0 for _, odds in self._odds) or sum(odds for _, odds in self._odds) > 1:
            raise LocalProtocolError("probabilities lie between 0 and 1, and so does their sum")
        self._plan = plan
        self._count = 0
        self._fault: Fault | None = None
        self._late: deque[bytes] = deque()
        self.faults: list[tuple[int, Fault]] = []

    def send(self, apdu: bytes) -> None:
        """Send one APDU, unless it is lost."""
        self._fault = self._draw()
        if self._fault is not None:
            self.faults.append((self._count, self._fault))
        self._count += 1
        if self._fault is Fault.DROP_REQUEST:
            return
        self._transport.send(apdu)
        if self._fault is Fault.DUPLICATE and self._transport.receive(0) is not None:
            self._transport.send(apdu)

    def receive(self, timeout_s: float) -> bytes | None:
        """Return what comes back; raise TransportTimeout for what never will."""
        if self._fault is Fault.DROP_REQUEST:
            self._lose(timeout_s)
            return None
        answer = self._transport.receive(timeout_s)
        if answer is None:
            return None
        if self._fault is Fault.DROP_ANSWER:
            self._fault = Fault.DROP_REQUEST  # from here on the same to the caller
            self._lose(timeout_s)
            return None
        if self._fault is Fault.TRUNCATE:
            answer = answer[: self._random.randrange(len(answer))]
        if self._fault is Fault.DELAY or self._late:
            self._late.append(answer)
            if self._fault is Fault.DELAY:
                self._fault = Fault.DROP_REQUEST
                self._lose(timeout_s)
                return None
            return self._late.popleft()
        return answer

    def close(self) -> None:
        """Close the way; answers that are late will not come any more."""
        self._fault = None
        self._late.clear()
        super().close()

    def _draw(self) -> Fault | None:
        if self._plan is not None:
            return self._plan.get(self._count)
        point = self._random.random()
        for fault, odds in self._odds:
            if point < odds:
                return fault
            point -= odds
        return None

    def _lose(self, timeout_s: float) -> None:
        if timeout_s > 0:
            raise no_answer(self.url, timeout_s)
