"""The Normal World's heart: many clients on one side, one gate to the Secure World on the other.

It knows clients and channels, and nothing of what the bytes mean. The Secure World is reached through `gate`, one
message at a time; what it answers comes back through `send`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable
from typing import Protocol, cast

from tallystick.wire.arbiter import Arbiter, ArbiterEvent, Cancel, Deliver, Execute, Pause, Resume
from tallystick.wire.world import (
    Apdu,
    Attention,
    DeviceReport,
    FromNormal,
    HostReport,
    Introduce,
    Link,
    LinkState,
    Reply,
    Status,
    Stop,
    ToNormal,
)

_LOGGER = logging.getLogger(__name__)
_MAX_CHANNEL = 0xFFFF


class Client(Protocol):
    """One client of an endpoint."""

    def deliver(self, response: bytes) -> None:
        """Take the answer to the oldest request that has none yet, status word included."""
        ...

    def pause(self) -> None:
        """Stop reading requests."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    def close(self) -> None:
        """Disconnect: the plug was pulled."""
        ...


class Listener(Protocol):
    """One client of the HID interface for FIDO."""

    def hear(self, report: bytes) -> None:
        """Take a report of the device, 64 bytes."""
        ...

    def close(self) -> None:
        """Disconnect: the plug was pulled."""
        ...


class Relay:
    """Takes requests from clients, hands them to the Secure World in turn, and brings the answers back."""

    def __init__(self, gate: Callable[[FromNormal], None]) -> None:
        self._gate = gate
        self._arbiter = Arbiter()
        self._clients: dict[int, Client] = {}
        self._listeners: set[Listener] = set()
        self._last_channel = 0
        self._outbox: deque[FromNormal] = deque()
        self._sending = False
        #: what the Secure World is doing, for keep-alive frames
        self.attention = Attention.READY
        #: what the device is on USB; None while it has no power, or has not said it yet
        self.identity: Introduce | None = None
        #: told when it has said it
        self.on_introduce: Callable[[], None] = lambda: None
        self.is_stopped = False

    def connect(self, client: Client) -> int:
        """Give `client` a channel (1 to 65535) of its own."""
        for _ in range(_MAX_CHANNEL):
            self._last_channel = self._last_channel % _MAX_CHANNEL + 1
            if self._last_channel not in self._clients:
                break
        self._clients[self._last_channel] = client
        return self._last_channel

    def submit(self, channel: int, apdu: bytes) -> None:
        """Queue a request of the client on `channel`."""
        self._obey(self._arbiter.submit(channel, apdu))
        self._flush()

    def listen(self, listener: Listener) -> None:
        """Have `listener` hear every report of the device from now on."""
        self._listeners.add(listener)

    def ignore(self, listener: Listener) -> None:
        """Forget a listener; the device does not hear of it, as with USB."""
        self._listeners.discard(listener)

    def report(self, raw: bytes) -> None:
        """Hand over a report of a client, 64 bytes: none waits for an answer to another."""
        self._outbox.append(HostReport(raw))
        self._flush()

    def drop(self, channel: int) -> None:
        """Forget a client that went away: its requests are not wanted any more."""
        if self._clients.pop(channel, None) is None:
            return
        self._obey(self._arbiter.drop(channel))
        self._outbox.append(Link(channel, LinkState.DOWN))
        self._flush()

    def unplug(self) -> None:
        """Disconnect every client; what waits is forgotten first, so that none of it reaches a device without a plug."""
        self.identity = None
        clients, self._clients = self._clients, {}
        for channel, client in clients.items():
            self._obey(self._arbiter.drop(channel))
            self._outbox.append(Link(channel, LinkState.DOWN))
            client.close()
        listeners, self._listeners = self._listeners, set()
        for listener in listeners:
            listener.close()
        if self._sending:  # pulled by the very request in hand: whoever it was given to is gone and will not answer
            self._arbiter = Arbiter()
        self._flush()

    def send(self, message: ToNormal) -> None:
        """Take a message of the Secure World."""
        match message:
            case Reply(_, raw):
                self._obey(self._arbiter.reply(raw))
                self._flush()
            case DeviceReport(raw):
                for listener in tuple(self._listeners):
                    listener.hear(raw)
            case Status(attention):
                self.attention = attention
            case Introduce():
                self.identity = message
                self.on_introduce()
            case Stop():
                self.is_stopped = True

    def _obey(self, events: list[ArbiterEvent]) -> None:
        for event in events:
            match event:
                case Execute(channel, apdu):
                    self._outbox.append(Apdu(cast("int", channel), apdu))
                case Deliver(channel, response):
                    if (client := self._client(channel)) is not None:
                        client.deliver(response)
                case Pause(channel):
                    if (client := self._client(channel)) is not None:
                        client.pause()
                case Resume(channel):
                    if (client := self._client(channel)) is not None:
                        client.resume()
                case Cancel():
                    pass  # the Link message that follows says it

    def _client(self, channel: Hashable) -> Client | None:
        return self._clients.get(cast("int", channel))

    def _flush(self) -> None:
        """Hand over what is waiting; answers that come at once only lengthen the queue, never the stack."""
        if self._sending:
            return
        self._sending = True
        try:
            while self._outbox:
                self._gate(self._outbox.popleft())
        finally:
            self._sending = False
