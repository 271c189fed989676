"""One conversation with one device: commands in, values or errors with a remedy out.

A request can be started and waited for separately (`Pending`), which is how an action knows that the device is really waiting
for a person before it says so. A wait can be ended by the `cancel` event from another thread; the answer is then given up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from tallystick.errors import RemoteProtocolError, StatusError, TransportError, UserRefused
from tallystick.host.commands.base import Command
from tallystick.host.traffic import log_answer, log_request
from tallystick.host.transport.base import Transport, no_answer
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.status import Group, Layer, StatusWord, explain

ValueT = TypeVar("ValueT")

#: how long a device that needs no person may take to answer, in seconds
DEFAULT_TIMEOUT_S = 30.0
#: how often a waiting session looks at its hooks, in seconds
KEEPALIVE_S = 0.25

_MAX_TEXT_BYTES = 200
#: the error's stable word, by the group of the status word
_CODES = {
    Group.LOCKED: "device_locked",
    Group.WRONG_STATE: "wrong_state",
    Group.TRUST: "not_trusted",
    Group.NOT_FOUND: "not_found",
    Group.NOT_ENOUGH_SPACE: "not_enough_space",
    Group.ALREADY_INSTALLED: "already_installed",
}


class Cancelled(TransportError):
    """The wait was ended from this side; the device may still show its question."""

    code = "cancelled"


def _cancelled() -> Cancelled:
    return Cancelled("the request was given up", remedy="if the device still shows it, reject it there")


class Session:
    """Send commands over `transport`.

    `timeout_s` limits answers that need no person; `person_timeout_s` those that do (None: as long as it takes).
    `on_keepalive(seconds)` is called while an answer is awaited, with the time waited so far; `clock` and `pause` are in seconds.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        person_timeout_s: float | None = None,
        cancel: threading.Event | None = None,
        on_keepalive: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._timeout_s = timeout_s
        self._person_timeout_s = person_timeout_s
        self._cancel = cancel
        self._on_keepalive = on_keepalive
        self._clock = clock
        self.pause = pause
        self._is_waiting = False

    @property
    def url(self) -> str:
        """The device's address."""
        return self._transport.url

    @property
    def is_waiting(self) -> bool:
        """True while the device owes an answer, and so may be showing a question."""
        return self._is_waiting

    def __enter__(self) -> Self:
        """Return the session; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, command: Command[ValueT]) -> ValueT:
        """Send a command and return what its answer says.

        Raises UserRefused or StatusError for any other status word than 9000, RemoteProtocolError for an answer that cannot
        be read, TransportError and its kinds when the way fails.
        """
        return self.start(command).result()

    def start(self, command: Command[ValueT]) -> Pending[ValueT]:
        """Send a command and return at once; the answer is fetched with the returned object."""
        self._begin(command.to_apdu().to_bytes())
        return Pending(self, command)

    def exchange(self, apdu: bytes) -> ResponseApdu:
        """Send raw bytes and return the raw answer, whatever its status word; wait as long as for a person."""
        self._begin(apdu)
        return self._finish(self._person_timeout_s)

    def rest(self, seconds: float, *, waited_s: float = 0.0) -> None:
        """Do nothing for a while, where a person or a restart is waited for.

        Raises Cancelled when the wait was ended, TransportTimeout when `waited_s` is beyond what a person may take.
        """
        if self._cancel is not None and self._cancel.is_set():
            raise _cancelled()
        if self._person_timeout_s is not None and waited_s >= self._person_timeout_s:
            raise no_answer(self.url, self._person_timeout_s)
        self.pause(seconds)

    def close(self) -> None:
        """Close the way to the device; it opens again with the next command. An answer still owed is given up."""
        self._transport.close()

    def _begin(self, apdu: bytes) -> None:
        log_request(apdu)
        self._is_waiting = True
        try:
            self._transport.send(apdu)
        except TransportError:
            self._is_waiting = False
            raise

    def _finish(self, timeout_s: float | None) -> ResponseApdu:
        """Wait in slices for the answer that is owed, serving the hooks in between."""
        begin = self._clock()
        while True:
            waited_s = self._clock() - begin
            left_s = KEEPALIVE_S if timeout_s is None else min(KEEPALIVE_S, timeout_s - waited_s)
            answer = self._poll(max(left_s, 0.0))
            if answer is not None:
                return answer
            waited_s = self._clock() - begin
            if self._cancel is not None and self._cancel.is_set():
                self._transport.close()
                raise _cancelled()
            if timeout_s is not None and waited_s >= timeout_s:
                self._transport.close()
                raise no_answer(self.url, timeout_s)
            if self._on_keepalive is not None:
                self._on_keepalive(waited_s)

    def _poll(self, timeout_s: float) -> ResponseApdu | None:
        try:
            raw = self._transport.receive(timeout_s)
        except (TransportError, RemoteProtocolError):
            self._is_waiting = False
            raise
        if raw is None:
            return None
        self._is_waiting = False
        log_answer(raw)
        return ResponseApdu.from_bytes(raw)


class Pending(Generic[ValueT]):
    """A command whose answer is on its way."""

    def __init__(self, session: Session, command: Command[ValueT]) -> None:
        self._session = session
        self._command = command
        self._answer: ResponseApdu | None = None

    def poll(self, timeout_s: float) -> bool:
        """Tell whether the answer is there, waiting at most `timeout_s` seconds for it."""
        if self._answer is None:
            self._answer = self._session._poll(timeout_s)  # noqa: SLF001 - the two classes are one thing
        return self._answer is not None

    def result(self) -> ValueT:
        """Wait for the answer and return what it says; raises as `Session.send` does."""
        session, command = self._session, self._command
        if self._answer is None:
            limit = session._timeout_s if command.gesture is None else session._person_timeout_s  # noqa: SLF001
            self._answer = session._finish(limit)  # noqa: SLF001
        if not self._answer.ok:
            raise status_error(self._answer, layer=command.layer, asks_person=command.gesture is not None)
        return command.parse(self._answer.data)


def status_error(answer: ResponseApdu, *, layer: Layer, asks_person: bool) -> StatusError:
    """Return, not raise, the error that an answer other than 9000 stands for, with its meaning and remedy.

    "Refused" is said only where a person had been asked: elsewhere the same words mean that the command is not possible now.
    """
    meaning = explain(answer.status, layer=layer)
    text = f"{meaning.meaning}{_text(answer.data)} (status {answer.status:04X})"
    # 5501 says nothing but "the person refused"; 6985 and 6986 are also used for "not now"
    if meaning.group is Group.REFUSED and (asks_person or answer.status == StatusWord.REFUSED_BY_USER):
        return UserRefused(text, status=answer.status, data=answer.data, remedy=meaning.remedy)
    if meaning.group is Group.REFUSED:
        text = f"the device does not accept this now (status {answer.status:04X})"
        remedy = "let the device finish what it is doing, or quit the app and open it again"
        error = StatusError(text, status=answer.status, data=answer.data, remedy=remedy)
        error.code = "wrong_state"
        return error
    error = StatusError(text, status=answer.status, data=answer.data, remedy=meaning.remedy)
    error.code = _CODES.get(meaning.group, StatusError.code)
    return error


def _text(data: bytes) -> str:
    """Return the explanation some apps put in front of the status word (cosmos-app 2), or nothing."""
    text = data[:_MAX_TEXT_BYTES].decode("ascii", "replace")
    return f": {text}" if text and text.isprintable() and text.isascii() else ""
