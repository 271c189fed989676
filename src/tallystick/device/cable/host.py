"""A USB host made of threads: transfers over a borrowed USB/IP socket that wait for their answers.

For cables that have one thread for each endpoint, as FunctionFS wants it.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable

from tallystick.errors import RemoteProtocolError, TransportError
from tallystick.wire.urb import Direction, ReturnReader, Submit, Submitted
from tallystick.wire.usb import PACKET_BYTES, Descriptor, Request, Setup

_CHUNK = 1 << 16
_GET = 0x80


class UsbHost:
    """Speaks URBs over `link`, which it owns. `on_end` is called, in a thread, when the device is unplugged."""

    def __init__(self, link: socket.socket, device_id: int, *, on_end: Callable[[], None]) -> None:
        self._link = link
        self._device_id = device_id
        self._on_end = on_end
        self._lock = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[Submitted | None]] = {}
        self._reader = ReturnReader()
        self._sequence = 0
        self._is_over = False
        threading.Thread(target=self._read, daemon=True).start()

    def control(self, setup: Setup, data: bytes = b"") -> bytes | None:
        """Carry out a control transfer; return what came in, None for a stall. Raises TransportError when unplugged."""
        direction = Direction.IN if setup.is_from_device else Direction.OUT
        ended = self._transfer(direction, 0, setup.length, data=data, setup=setup.to_bytes())
        return None if ended.status else ended.data

    def descriptor(self, kind: Descriptor, index: int = 0, *, of: int | None = None) -> bytes:
        """Return a descriptor of the device, or of interface number `of`; raise TransportError when there is none."""
        language = 0x0409 if kind is Descriptor.STRING else 0
        found = self.control(
            Setup(
                request_type=_GET | (of is not None),
                request=Request.GET_DESCRIPTOR,
                value=kind << 8 | index,
                index=language if of is None else of,
                length=0xFFF,
            )
        )
        if found is None:
            raise TransportError(f"the device has no descriptor {kind.name} {index}")
        return found

    def configure(self) -> None:
        """Begin anew: what was asked for before is not wanted any more."""
        self.control(Setup(request_type=0, request=Request.SET_CONFIGURATION, value=1, index=0, length=0))

    def send(self, endpoint: int, packet: bytes) -> None:
        """Send a packet, and wait until the device has taken it; raise TransportError when unplugged."""
        self._transfer(Direction.OUT, endpoint, len(packet), data=packet)

    def fetch(self, endpoint: int) -> bytes:
        """Wait for a packet of the device; raise TransportError when unplugged."""
        return self._transfer(Direction.IN, endpoint, PACKET_BYTES).data

    def close(self) -> None:
        """Unplug."""
        with contextlib.suppress(OSError):  # it is unplugged
            self._link.shutdown(socket.SHUT_RDWR)

    def _transfer(
        self, direction: Direction, endpoint: int, length: int, *, data: bytes = b"", setup: bytes = bytes(8)
    ) -> Submitted:
        answer: queue.SimpleQueue[Submitted | None] = queue.SimpleQueue()
        with self._lock:
            if self._is_over:
                raise TransportError("the device was unplugged")
            self._sequence += 1
            sequence = self._sequence
            self._answers[sequence] = answer
            if direction is Direction.IN:
                self._reader.expect(sequence)
            urb = Submit(sequence, direction, endpoint, length, data, setup, self._device_id)
            try:
                self._link.sendall(urb.to_bytes())
            except OSError as error:
                raise TransportError("the device was unplugged") from error
        ended = answer.get()
        if ended is None:
            raise TransportError("the device was unplugged")
        return ended

    def _read(self) -> None:
        try:
            while data := self._link.recv(_CHUNK):
                self._deliver(data)
        except (OSError, RemoteProtocolError):
            pass  # the same as unplugged
        with self._lock:
            self._is_over = True
            self._link.close()
            for answer in self._answers.values():
                answer.put(None)
        self._on_end()

    def _deliver(self, data: bytes) -> None:
        """Give each answer to who waits for it."""
        with self._lock:
            for message in self._reader.receive(data):
                waiting = self._answers.pop(message.sequence, None)
                if waiting is not None and isinstance(message, Submitted):
                    waiting.put(message)
