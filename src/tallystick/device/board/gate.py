"""The gate: the Secure World's end of the line to the Normal World, and the life of that process.

Everything that comes through is checked against the closed list of messages before anything else looks at it. What does
not belong there, too much of it, or a dead Normal World has one consequence: the process is ended, its clients'
sessions are dropped, and a fresh one is started from the image that was verified at boot.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from tallystick.device.board.gate_pair import gate_pair
from tallystick.device.hil import Clock
from tallystick.device.sandbox.inspect import ProcessEnded
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire import world

_LOGGER = logging.getLogger(__name__)
_BATCH = 32
#: messages of one second; a client cannot make an honest Normal World send so many
MAX_RATE = 50_000
_LOG_RATE = 50
#: seconds between two starts
RESTART_S = 0.5
#: seconds a Normal World may take until it says hello
HELLO_S = 10.0
#: Normal Worlds in succession that may end before one was let in
MAX_FRUITLESS = 8


class Child(Protocol):
    """A started Normal World."""

    def kill(self) -> None:
        """End it now and reap it."""
        ...


class Watcher(Protocol):
    """The event loop, as far as it is needed."""

    def add_reader(self, fd: int, callback: Callable[[], object], /) -> object:
        """Call `callback` whenever `fd` can be read."""
        ...

    def remove_reader(self, fd: int, /) -> object:
        """Stop."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> object:
        """Call `callback` after `delay` seconds."""
        ...


ChildT = TypeVar("ChildT", bound=Child)


class Gate(Generic[ChildT]):
    """Sends to and hears from one Normal World at a time (a `NormalLink`).

    `spawn` starts the process with the outer end of a fresh socket pair; `inspect` looks at it from outside when it says
    that it is there, and raises TrustError if it is not locked; `receive` takes the messages that were let through.
    """

    def __init__(
        self,
        *,
        watcher: Watcher,
        clock: Clock,
        spawn: Callable[[socket.socket], ChildT],
        inspect: Callable[[ChildT], None],
        receive: Callable[[world.FromNormal], None],
    ) -> None:
        self._watcher = watcher
        self._clock = clock
        self._spawn = spawn
        self._inspect = inspect
        self._receive = receive
        self._socket: socket.socket | None = None
        self._child: ChildT | None = None
        self._trusted = False
        self._channels: set[int] = set()
        self._second = -1
        self._messages = 0
        self._log_lines = 0
        self._closed = False
        #: told each time a Normal World has come up and was found locked
        self.on_open: Callable[[], None] = lambda: None
        self._fruitless = 0
        #: told once why no Normal World is started any more: the one of this image cannot be used
        self.on_given_up: Callable[[str], None] = lambda _reason: None

    def open(self) -> None:
        """Start the Normal World."""
        inner, outer = gate_pair()
        with outer:
            child = self._spawn(outer)
        self.adopt(inner, child)

    def adopt(self, inner: socket.socket, child: ChildT) -> None:
        """Take a Normal World that was started already, with our end of its gate; it is trusted no sooner than any other."""
        self._trusted = False
        self._child, self._socket = child, inner
        self._watcher.add_reader(inner.fileno(), self._readable)
        self._watcher.call_later(HELLO_S, lambda: self._expect(child))

    def _expect(self, child: ChildT) -> None:
        """End a Normal World that has said nothing in all the time it had."""
        if self._child is child and not self._trusted:
            self._restart("it did not say hello")

    def close(self) -> None:
        """End the Normal World for good."""
        self._closed = True
        self._end()

    def unplug(self) -> None:
        """Disconnect all clients: the process that held them goes, and a fresh one comes."""
        self._restart("the plug was pulled")

    def send(self, message: world.ToNormal) -> None:
        """Send one message; a Normal World that does not read is ended."""
        if self._socket is None:
            return
        try:
            self._socket.send(world.to_bytes(message))
        except OSError:
            self._restart("it does not read")

    def _readable(self) -> None:
        for _ in range(_BATCH):
            if self._socket is None:
                return
            try:
                data = self._socket.recv(world.MAX_MESSAGE + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._restart("it died")
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            message = world.from_normal(data)
        except RemoteProtocolError:
            self._restart("it broke the protocol")
            return
        if not self._within_rate(message):
            return
        if not self._trusted:
            self._trust(message)
            return
        match message:
            case world.Apdu(channel, _):
                self._channels.add(channel)
            case world.Link(channel, _):
                self._channels.discard(channel)
        self._receive(message)

    def _trust(self, message: world.FromNormal) -> None:
        """Let a fresh process in: it says hello, and it is looked at before anything else it says counts."""
        if not isinstance(message, world.Hello) or message.version != world.PROTOCOL_VERSION or self._child is None:
            self._restart("it did not say hello")
            return
        try:
            self._inspect(self._child)
        except ProcessEnded:
            self._restart("it died")
            return
        except TrustError as error:
            self._give_up(error.message)
            return
        self._trusted, self._fruitless = True, 0
        self.on_open()

    def _within_rate(self, message: world.FromNormal) -> bool:
        second = int(self._clock.now_s())
        if second != self._second:
            self._second, self._messages, self._log_lines = second, 0, 0
        self._messages += 1
        if self._messages > MAX_RATE:
            self._restart("it flooded the gate")
            return False
        if isinstance(message, world.Log):
            self._log_lines += 1
            return self._log_lines <= _LOG_RATE
        return True

    def _restart(self, reason: str) -> None:
        if self._closed or self._socket is None:
            return
        self._fruitless += not self._trusted
        if self._fruitless >= MAX_FRUITLESS:
            self._give_up(f"{MAX_FRUITLESS} of them ended before they could be let in, the last one as {reason}")
            return
        _LOGGER.warning("the Normal World is started again: %s", reason)
        self._end()
        channels, self._channels = self._channels, set()
        for channel in channels:
            self._receive(world.Link(channel, world.LinkState.RESET))
        self._watcher.call_later(RESTART_S, self._reopen)

    def _give_up(self, reason: str) -> None:
        _LOGGER.error("the Normal World is not used: %s", reason)
        self.close()
        self.on_given_up(reason)

    def _reopen(self) -> None:
        if not self._closed:
            self.open()

    def _end(self) -> None:
        if self._socket is not None:
            self._watcher.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        child, self._child = self._child, None
        if child is not None:
            child.kill()
