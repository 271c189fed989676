"""Transports that wrap another one: one that fails, one that records, one that tells; and one that plays a record.

All have the interface of what they wrap (`host.transport.base.Transport`), so they stack in any order, over a device in the
process, over TCP, over real USB.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, unique

from tallystick.errors import LocalProtocolError, TransportError
from tallystick.host.traffic import describe
from tallystick.host.transport.base import Transport, exchange, no_answer
from tallystick.testing.log import ApduLog, Exchange
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.status import explain


class _Wrapper:
    """What the wrapping transports share: they pass everything on."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def url(self) -> str:
        """The address of what is wrapped."""
        return self._transport.url

    def send(self, apdu: bytes) -> None:
        """Send one APDU."""
        self._transport.send(apdu)

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, or None when it is not there within `timeout_s` seconds."""
        return self._transport.receive(timeout_s)

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send an APDU and return its answer; raise TransportTimeout after `timeout_s` seconds."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Close the way."""
        self._transport.close()


@unique
class Fault(Enum):
    """What can happen to one request and its answer."""

    DROP_REQUEST = "the request is lost: the device never sees it"
    DROP_ANSWER = "the answer is lost: the device has done what was asked"
    DUPLICATE = "the request arrives twice; the second answer is the one that comes back"
    TRUNCATE = "the answer loses one or more bytes of its end"
    DELAY = "the answer comes too late: in place of the next one"


class FaultTransport(_Wrapper):
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


class RecordTransport(_Wrapper):
    """Keeps what passes in `log`, from which `ReplayTransport` plays it again."""

    def __init__(self, transport: Transport, *, log: ApduLog | None = None) -> None:
        super().__init__(transport)
        self.log = ApduLog() if log is None else log
        self._owed: Exchange | None = None

    def send(self, apdu: bytes) -> None:
        """Send one APDU, and keep it."""
        self._transport.send(apdu)
        self._owed = self.log.begin(apdu)

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, and keep it."""
        answer = self._transport.receive(timeout_s)
        if answer is not None and self._owed is not None:
            self._owed.answer, self._owed = answer, None
        return answer

    def close(self) -> None:
        """Close the way; an answer that is still owed stays None in the log."""
        self._owed = None
        super().close()


class ReplayTransport:
    """A device made of a record: the same requests in the same order get the same answers; anything else is TransportError."""

    def __init__(self, log: ApduLog, *, url: str = "replay:") -> None:
        self._exchanges = tuple(log)
        self._url = url
        self._next = 0
        self._owed: Exchange | None = None

    @property
    def url(self) -> str:
        """The name it was given."""
        return self._url

    @property
    def is_finished(self) -> bool:
        """Whether the whole record was played."""
        return self._next == len(self._exchanges)

    def send(self, apdu: bytes) -> None:
        """Take the next request of the record."""
        if self._owed is not None:
            raise LocalProtocolError("an answer is still owed: one APDU at a time")
        if self.is_finished:
            raise TransportError(f"the record ends after {self._next} requests", remedy="record it anew")
        expected = self._exchanges[self._next]
        if bytes(apdu) != expected.apdu:
            raise TransportError(
                f"request {self._next} is {describe(apdu)}, the record has {describe(expected.apdu)}",
                remedy="record it anew if the client is right",
            )
        self._owed = expected
        self._next += 1

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the recorded answer; raise TransportTimeout if none was recorded."""
        if self._owed is None:
            raise LocalProtocolError("nothing was sent")
        answer = self._owed.answer
        if answer is None:
            if timeout_s > 0:
                raise no_answer(self._url, timeout_s)
            return None
        self._owed = None
        return answer

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Return the recorded answer to `apdu`."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Give up an answer that was not fetched; the record goes on from where it is."""
        self._owed = None


class TraceTransport(_Wrapper):
    """Tells `write` what passes, a line for each direction, with the meaning of status words other than 9000.

    Bytes that carry a secret are hidden.
    """

    def __init__(self, transport: Transport, *, write: Callable[[str], object]) -> None:
        super().__init__(transport)
        self._write = write

    def send(self, apdu: bytes) -> None:
        """Send one APDU, and tell."""
        self._write(f"=> {describe(apdu)}")
        self._transport.send(apdu)

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, and tell."""
        answer = self._transport.receive(timeout_s)
        if answer is not None:
            self._write(f"<= {answer.hex()}{_meaning(answer)}")
        return answer

    def close(self) -> None:
        """Close the way, and tell."""
        self._write("-- closed")
        super().close()


def _meaning(answer: bytes) -> str:
    if len(answer) < 2:
        return " (no status word)"
    response = ResponseApdu.from_bytes(answer)
    return "" if response.ok else f" ({explain(response.status).meaning})"
