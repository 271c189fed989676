"""A transport that records what passes, and one that plays a record."""

from __future__ import annotations

from tallystick.errors import LocalProtocolError, TransportError
from tallystick.host.traffic import describe
from tallystick.host.transport.base import Transport, exchange, no_answer
from tallystick.testing.log import ApduLog, Exchange
from tallystick.testing.transport import Wrapper


class RecordTransport(Wrapper):
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
