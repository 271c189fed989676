"""The edge of the flows: one line to a client, one conversation, one line in the audit log (wire-protocol H.3, H.4).

A conversation is driven by what its client says: no task waits for it. What takes long is done beside the event loop, and the
conversation listens again when it is done.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog

from tallystick.errors import StateError, TallyError
from tallystick.manager.conversation import Conversation, Outcome
from tallystick.manager.frame import CloseCode
from tallystick.manager.recorder import Event
from tallystick.manager.service import Service
from tallystick.manager.work import Opener, Work, opened
from tallystick.wire.manager_flow import FlowPath
from tallystick.wire.manager_message import MAX_REPLY

_LOG: Final = structlog.get_logger("tallystick.manager.flow")
#: where a server finds the endpoint in the lifespan state (ASGI)
FLOWS: Final = "flows"
_BASES: Final = ("", "/update", "/api")
#: these look nothing up
_AT_ONCE: Final = frozenset({FlowPath.GENUINE, FlowPath.APPS_LIST, FlowPath.ENDORSE})
_VARIANTS: Final = "89ab"


class Line(Protocol):
    """The way to one client; what is said to one that is gone is lost."""

    def say(self, text: str) -> None:
        """Send a text."""

    def end(self, text: str, code: CloseCode) -> None:
        """Send the last text, if there is one, and say the end."""

    def listen(self) -> None:
        """Note that the session listens again."""


class FlowEndpoint:
    """Serves the flows of one worker; `paths` are theirs, `open_sockets` tells how many are under way."""

    def __init__(self, service: Service, openers: dict[FlowPath, Opener]) -> None:
        self.service = service
        self.openers = openers
        self.paths = {base + path.value: path for base in _BASES for path in FlowPath}
        self.open_sockets = 0

    def opened(self, path: FlowPath, query: str) -> Work:
        """Return what is to be done for a client that is counted in `open_sockets` already."""
        return opened(self.openers[path], self.service, path, query=query, open_sockets=self.open_sockets)

    def session(self, line: Line, *, actor: str) -> FlowSession:
        """Return a session with the client at the end of `line`, who is called `actor` in the log."""
        return FlowSession(self, line, actor=actor)


class FlowSession:
    """One conversation and what it leaves in the log; `is_listening` when a text of the client can be taken."""

    __slots__ = (
        "_actor", "_began", "_deadline", "_endpoint", "_is_heavy", "_is_over", "_line", "_loop", "_path", "_patience",
        "_reply_s", "_service", "_talk", "_work", "is_listening",
    )  # fmt: skip

    def __init__(self, endpoint: FlowEndpoint, line: Line, *, actor: str) -> None:
        self._endpoint = endpoint
        self._service = endpoint.service
        self._is_heavy = False
        self._reply_s = endpoint.service.settings.reply_s
        self._line = line
        self._actor = actor
        self._loop = asyncio.get_running_loop()
        self._began = time.monotonic()
        self._path = ""
        self._work: Work | None = None
        self._talk: Conversation | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._is_over = False
        self.is_listening = False

    def begin(self, path: FlowPath, query: str) -> None:
        """Open what the client asks for and say the first words."""
        self._endpoint.open_sockets += 1
        self._path = path.strip("/")
        if path in _AT_ONCE:
            self._open(self._endpoint.opened(path, query))
        else:
            self._elsewhere(self._loop.run_in_executor(None, self._endpoint.opened, path, query), self._open)

    def take(self, text: str | None) -> None:
        """Go on with a reply, None for one that is no text; only while `is_listening`."""
        talk = self._talk
        if talk is None or not self.is_listening:
            return
        self.is_listening = False
        if text is None:
            self._go_on(talk.refuse_frame())
        elif self._is_heavy and (len(text) > MAX_REPLY or talk.waits_for_bulk):
            # nothing is made any more that would take long
            self._go_on(talk.receive(text))
        else:
            self._step(talk.receive, text)

    def leave(self) -> None:
        """Note that the client is gone. Twice is harmless, and so is after the end."""
        if self._is_over:
            return
        if self.is_listening and self._talk is not None:
            self._talk.leave()
        # else a step is being made: the log need not wait for it, the flow is ended when it is done
        self._end("")

    def _open(self, work: Work) -> None:
        if self._is_over:
            # the client left while it was looked up
            work.flow.close()
            return
        self._work = work
        name = _name()
        self._talk = Conversation(work.flow, uuid=name, session=name.replace("-", ""))
        self._is_heavy = work.is_heavy
        self._step(self._talk.start)

    def _step(self, function: Callable[..., str], *arguments: object) -> None:
        """Take one step of a conversation where it holds up nobody: a heavy one in a thread, which is the keys' where they have one."""
        if self._is_heavy:
            keyring = self._service.keyring
            future = (
                keyring.step(function, *arguments)
                if keyring.is_blocking
                else self._loop.run_in_executor(None, function, *arguments)
            )
            self._elsewhere(future, self._go_on)
        else:
            try:
                text = function(*arguments)
            except BaseException:
                self._break()
                raise
            self._go_on(text)

    def _elsewhere(self, future: asyncio.Future[Any], go_on: Callable[[Any], None]) -> None:
        """Go on with the result of what is done in a thread."""

        def done(future: asyncio.Future[Any]) -> None:
            try:
                result = future.result()
            except BaseException:
                self._break()
                raise
            go_on(result)
            self._line.listen()

        future.add_done_callback(done)

    def _sign(self, talk: Conversation, message: bytes) -> None:
        """Go on with a signature of the manager's, which is there at once or comes from the keys' thread."""
        try:
            signature = self._service.keyring.sign(message)
        except TallyError as error:
            self._step(talk.fail, error)
            return
        if isinstance(signature, bytes):
            self._step(talk.sign, signature)
        else:
            signature.add_done_callback(self._signed)

    def _signed(self, future: asyncio.Future[bytes]) -> None:
        talk = self._talk
        if talk is None or self._is_over:
            # the client left meanwhile: nobody is to hear how it went
            if not future.cancelled():
                future.exception()
            self._go_on("")
            return
        try:
            signature = future.result()
        except TallyError as error:
            self._step(talk.fail, error)
        except BaseException:
            self._break()
            raise
        else:
            self._step(talk.sign, signature)
        self._line.listen()

    def _break(self) -> None:
        """End after a fault of ours: the client hears of it, and the loop's handler writes down where it was."""
        self._line.end("", CloseCode.BROKEN)
        self._end("")

    def _go_on(self, text: str) -> None:
        """Say what comes next and listen, or write the log and say the end."""
        talk = self._talk
        if self._is_over and talk is not None:
            talk.leave()
        elif talk is None or talk.ended:
            self._end(text)
        elif not text:
            self._sign(talk, talk.unsigned or b"")
        else:
            self._line.say(text)
            self._deadline = self._loop.time() + self._reply_s
            if self._patience is None:
                self._patience = self._loop.call_at(self._deadline, self._look)
            self.is_listening = True

    def _look(self) -> None:
        """End a conversation whose client says nothing: one timer, moved on, for the whole of it."""
        if self._is_over or self._talk is None:
            return
        if not self.is_listening or self._deadline > self._loop.time():
            # what is done beside the loop takes as long as it takes
            after = self._deadline if self.is_listening else self._loop.time() + self._reply_s
            self._patience = self._loop.call_at(after, self._look)
            return
        self.is_listening = False
        self._end(self._talk.expire())

    def _end(self, last: str) -> None:
        """Write the log; the client hears the last words only when its line is stored."""
        if self._is_over:
            return
        self._is_over, self.is_listening = True, False
        self._endpoint.open_sockets -= 1
        if self._patience is not None:
            self._patience.cancel()
        stored = self._service.recorder.store(self._event())
        if not self._endpoint.open_sockets:
            self._service.recorder.hurry()

        def done(future: asyncio.Future[None]) -> None:
            error = future.exception()
            if isinstance(error, StateError):
                _LOG.error("audit", reason=error.message)
            if last:
                self._line.end(last, CloseCode.DONE)

        stored.add_done_callback(done)

    def _event(self) -> Event:
        """Return the line of the log about a conversation that ended."""
        work, talk = self._work, self._talk
        return Event(
            actor=self._actor,
            action=self._path if work is None else work.action,
            subject="" if work is None else work.subject,
            outcome=Outcome.LEFT if talk is None or talk.outcome is None else talk.outcome,
            detail="" if talk is None else talk.detail,
            seconds=time.monotonic() - self._began,
        )


def _name() -> str:
    """Return a UUID (version 4), put together with less ceremony than the standard library's."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_VARIANTS[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"
