"""One interface of the USB device: packets of a pair of endpoints on one side, a client of the relay on the other.

A host asks again only when it has its answer. One that does so with an answer half read has lost interest in it (the program
that asked has died, and another one took its place), so what is left of the old one is thrown away: the newcomer would take
it for its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tallystick.device.normal.relay import Relay
from tallystick.wire.hid import ApduReceived, HidFraming, ReplyFrames
from tallystick.wire.role import Role

#: packets that may wait to be fetched before the host has to wait with its own; one answer has 1,111 at most
HIGH_WATER = 1024


class UsbPipe:
    """A client of `relay`. `on_change` is told that there is something to fetch, or room again; `on_unplug` that the plug is pulled."""

    def __init__(self, relay: Relay, *, on_change: Callable[[], None], on_unplug: Callable[[], None]) -> None:
        self._relay = relay
        self._on_change = on_change
        self._on_unplug = on_unplug
        self._framing = HidFraming(Role.DEVICE)
        #: packets for the host
        self._packets: deque[bytes] = deque()
        #: the HID channels of requests that have no answer yet, oldest first
        self._asked: deque[int] = deque()
        self._is_paused = False
        self._is_used = False
        self._channel = relay.connect(self)

    @property
    def has_room(self) -> bool:
        """Whether a packet of the host is taken now; if not, the host waits, as for a device that is busy."""
        return not self._is_paused and len(self._packets) < HIGH_WATER

    def write(self, packet: bytes) -> None:
        """Take a packet of the host, at most 64 bytes."""
        for event in self._framing.receive(packet):
            match event:
                case ApduReceived(channel, apdu):
                    self._packets.clear()
                    self._asked.append(channel)
                    self._is_used = True
                    self._relay.submit(self._channel, apdu)
                case ReplyFrames(frames):
                    self._packets.extend(frames)
                    self._on_change()
                case _:
                    pass  # a device is silent about what it does not understand

    def read(self) -> bytes | None:
        """Return the next packet for the host, 64 bytes, or None."""
        return self._packets.popleft() if self._packets else None

    def reset(self) -> None:
        """Begin anew: the host has. What it asked for is not wanted any more."""
        self._framing.reset()
        self._packets.clear()
        self._asked.clear()
        self._is_paused = False
        if self._is_used:
            self.leave()
            self._channel = self._relay.connect(self)
            self._is_used = False

    def leave(self) -> None:
        """Be no client any more."""
        self._relay.drop(self._channel)

    def deliver(self, response: bytes) -> None:
        """Take the answer to the oldest request."""
        self._packets.extend(self._framing.send(response, channel=self._asked.popleft()))
        self._on_change()

    def pause(self) -> None:
        """Take no more packets for now."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on."""
        self._is_paused = False
        self._on_change()

    def close(self) -> None:
        """Disconnect: the plug was pulled."""
        self._on_unplug()
