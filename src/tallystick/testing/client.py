"""Clients of a device in the process: what a cable is elsewhere, without bytes on any wire.

An answer that the device gives by itself is there when `send` returns. One that waits for the person is not, and nothing
will change that but a gesture: so whoever insists on it (`exchange`, `Pending.response`) is told at once, with what is on
the screen, in place of waiting for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tallystick.device.normal.relay import Relay
from tallystick.errors import LocalProtocolError, TallyError, TransportError, UsageError
from tallystick.testing.log import ApduLog, Exchange
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.panel import Frame

_URL = "embedded:"


class PersonNeeded(TallyError):
    """The device waits for the person, and nobody is going to press; `screen` holds the lines it shows."""

    code = "person_needed"

    def __init__(self, frame: Frame) -> None:
        screen = tuple(text for text in frame.drawing.texts() if text)
        shown = " / ".join(screen) or "nothing"
        super().__init__(
            f"the device waits for the person; its screen says: {shown}",
            remedy="send with device.send(...) and answer with user.approve() or user.reject(), "
            "or set device.auto = approve_all",
        )
        self.screen = screen

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})"


class Pending:
    """A request on its way."""

    def __init__(self, exchange: Exchange, frame: Callable[[], Frame]) -> None:
        self._exchange = exchange
        self._frame = frame
        self._failure = ""

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self._exchange.answer is not None

    @property
    def response(self) -> ResponseApdu:
        """The answer, whatever its status word.

        Raises:
            PersonNeeded: the device still waits for the person.
            TransportError: the plug was pulled, or the client went away, before the answer came.

        """
        if self._exchange.answer is not None:
            return ResponseApdu.from_bytes(self._exchange.answer)
        if self._failure:
            raise TransportError(self._failure, remedy="send it again")
        raise PersonNeeded(self._frame())

    @property
    def raw(self) -> bytes | None:
        """The answer's bytes with the status word, or None while it is owed."""
        return self._exchange.answer

    def keep(self, answer: bytes) -> None:
        """Take the answer: for the client alone."""
        self._exchange.answer = answer

    def give_up(self, reason: str) -> None:
        """Say why no answer will come: for the client alone."""
        self._failure = reason


class _Port:
    """The end of a client that the relay holds."""

    def __init__(self) -> None:
        self.owed: deque[Pending] = deque()
        self.is_open = True

    def deliver(self, response: bytes) -> None:
        self.owed.popleft().keep(response)

    def pause(self) -> None:
        """Do nothing: what a test sends, it sends; the relay takes it all the same."""

    def resume(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        self.fail("the plug was pulled before the answer came")

    def fail(self, reason: str) -> None:
        self.is_open = False
        while self.owed:
            self.owed.popleft().give_up(reason)


class DeviceClient:
    """One client of the device, with answers of its own. It connects by itself, and again after `close` or a replug."""

    def __init__(
        self,
        *,
        relay: Relay,
        number: int,
        log: ApduLog,
        settle: Callable[[], None],
        frame: Callable[[], Frame],
    ) -> None:
        self._relay = relay
        self._log = log
        self._settle = settle
        #: returns the device's screen
        self.frame = frame
        self._port = _Port()
        self._port.is_open = False
        self._channel = 0
        #: 1 for the device's own client, 2 for the next, and so on
        self.number = number

    def send(self, apdu: bytes | str) -> Pending:
        """Send bytes (or hexadecimal digits) and return at once; several may be sent before the first is answered."""
        raw = as_bytes(apdu)
        if not self._port.is_open:
            self._port = _Port()
            self._channel = self._relay.connect(self._port)
        pending = Pending(self._log.begin(raw, client=self.number), self.frame)
        self._port.owed.append(pending)
        self._relay.submit(self._channel, raw)
        self._settle()
        return pending

    def exchange(self, apdu: bytes | str) -> ResponseApdu:
        """Send bytes (or hexadecimal digits) and return the answer, whatever its status word.

        Raises:
            PersonNeeded: the device asks the person and nobody answers; the client lets go, so the question is taken back.

        """
        pending = self.send(apdu)
        try:
            return pending.response
        except PersonNeeded:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect, as a client that went away: what it had asked is not wanted any more."""
        if self._port.is_open:
            self._port.fail("the client went away before the answer came")
            self._relay.drop(self._channel)
            self._settle()


def as_bytes(apdu: bytes | str) -> bytes:
    """Return an APDU given as bytes or as hexadecimal digits with any spaces; raise UsageError for other texts."""
    if not isinstance(apdu, str):
        return bytes(apdu)
    try:
        return bytes.fromhex(apdu)
    except ValueError:
        raise UsageError("an APDU is given as bytes, or as pairs of hexadecimal digits") from None


class DirectTransport:
    """A host transport over a client of a device in this process; it never waits.

    Whoever waits twice in a row without anything new on the screen waits for nobody: PersonNeeded is raised, and the question
    taken back. The first wait is how an action finds out that a person is asked.
    """

    def __init__(self, client: DeviceClient) -> None:
        self._client = client
        self._pending: Pending | None = None
        self._waited_at = 0

    @property
    def url(self) -> str:
        """A name for messages; there is nothing to connect to."""
        return _URL

    def send(self, apdu: bytes) -> None:
        """Send one APDU; raise LocalProtocolError while an answer is still owed."""
        if self._pending is not None:
            raise LocalProtocolError("an answer is still owed: one APDU at a time")
        self._pending = self._client.send(apdu)
        self._waited_at = 0

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, or None while the device waits for the person; raise PersonNeeded as said above."""
        pending = self._pending
        if pending is None:
            raise LocalProtocolError("nothing was sent")
        try:
            answer = pending.response.to_bytes()
        except PersonNeeded:
            if timeout_s > 0:
                self._note_wait()
            return None
        except TransportError:
            self._pending = None
            raise
        self._pending = None
        return answer

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:  # noqa: ARG002 -- nothing is waited for
        """Send an APDU and return its answer; raise PersonNeeded at once when the person is asked."""
        return self._client.exchange(apdu).to_bytes()

    def close(self) -> None:
        """Disconnect; an answer that is still owed is given up."""
        self._pending = None
        self._client.close()

    def _note_wait(self) -> None:
        frame = self._client.frame()
        if frame.sequence == self._waited_at:
            self.close()
            raise PersonNeeded(frame)
        self._waited_at = frame.sequence
