"""The panel's end of the screen-and-button link: an AF_UNIX SOCK_SEQPACKET socket, one JSON object a message.

Device to panel: `{"frame": {...}}` and `{"status": {...}}`; panel to device: `{"ready": {}}` once, then gestures as
`wire.events` writes them, those that are made at once in one list. A message is at most `MAX_MESSAGE` bytes. Anything else ends the link, as there is no
telling what a device that breaks this protocol wanted to show.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable, Sequence

from tallystick.errors import RemoteProtocolError, TransportError
from tallystick.ui.state import PanelState
from tallystick.wire.events import MAX_TOGETHER, PanelEvent
from tallystick.wire.panel import Frame

#: bytes of one message
MAX_MESSAGE = 200 * 1024
#: messages read before others get their turn, and gestures that may wait for a device that does not read
MAX_BATCH = 64
MAX_BACKLOG = 4096
#: a plain number: the members of an enumeration take their time
_CUT = int(socket.MSG_TRUNC)


def take_message(message: bytes, state: PanelState) -> None:
    """Apply one message of the device to `state`.

    Raises:
        RemoteProtocolError: it is not JSON, or none of the two forms.

    """
    try:
        document = _READER.decode(message.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("a message of the device is not JSON") from error
    match document:
        case {"frame": frame, **rest} if not rest:
            state.show(Frame.from_json(frame))
        case {"status": status, **rest} if not rest:
            state.tell(status)
        case _:
            raise RemoteProtocolError("a message of the device is neither a frame nor a status")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# made once, not for each message
_READER = json.JSONDecoder(parse_constant=_refuse_constant)
_WRITER = json.JSONEncoder(separators=(",", ":"))


def _check_whole(flags: int) -> None:
    if flags & _CUT:
        raise RemoteProtocolError(f"a message of the device is longer than {MAX_MESSAGE} bytes")


class Link:
    """Reads the device's messages into a `PanelState` and writes gestures (a `Hand`).

    `on_close` is called once when the link has ended: with None when the device closed it, with the reason otherwise.
    """

    def __init__(
        self, link_socket: socket.socket, *, state: PanelState, on_close: Callable[[RemoteProtocolError | None], None]
    ) -> None:
        self._socket = link_socket
        self._state = state
        self._on_close = on_close
        #: memory for the longest message would be given and taken back for each
        self._room = memoryview(bytearray(MAX_MESSAGE))
        self._backlog: deque[bytes] = deque()
        self._drained = asyncio.Event()
        self._drained.set()
        self._open = False

    def open(self) -> None:
        """Begin to read, on the running event loop, and tell the device that the panel is ready."""
        self._socket.settimeout(0)
        self._open = True
        asyncio.get_running_loop().add_reader(self._socket, self._on_readable)
        self._queue(b'{"ready": {}}')

    def close(self) -> None:
        """Close the socket; whoever waits in `drain` is told."""
        self._end(None)

    def write(self, events: Sequence[PanelEvent]) -> None:
        """Queue gestures, in order (see `Hand.write`)."""
        if not self._open:
            raise TransportError("the device is gone", remedy="start it again")
        if len(self._backlog) + len(events) > MAX_BACKLOG:
            raise TransportError("the device does not take any gestures now", remedy="try again")
        for at in range(0, len(events), MAX_TOGETHER):
            documents = [event.to_json() for event in events[at : at + MAX_TOGETHER]]
            document = documents if len(documents) > 1 else documents[0]
            self._queue(_WRITER.encode(document).encode())

    async def drain(self) -> None:
        """Return when all queued gestures have been written (see `Hand.drain`)."""
        await self._drained.wait()
        if not self._open:
            raise TransportError("the device is gone", remedy="start it again")

    def _queue(self, message: bytes) -> None:
        if not self._backlog and self._try_send(message):
            return
        if self._open:
            self._backlog.append(message)
            self._drained.clear()
            asyncio.get_running_loop().add_writer(self._socket, self._on_writable)

    def _try_send(self, message: bytes) -> bool:
        try:
            self._socket.send(message)
        except BlockingIOError:
            return False
        except OSError:
            self._end(None)
            return False
        return True

    def _on_writable(self) -> None:
        while self._backlog and self._try_send(self._backlog[0]):
            self._backlog.popleft()
        if self._open and not self._backlog:
            asyncio.get_running_loop().remove_writer(self._socket)
            self._drained.set()

    def _on_readable(self) -> None:
        for _ in range(MAX_BATCH):
            try:
                size, _ancillary, flags, _address = self._socket.recvmsg_into([self._room])
            except BlockingIOError:
                return
            except OSError:
                size, flags = 0, 0
            if not size:
                self._end(None)
                return
            try:
                _check_whole(flags)
                take_message(bytes(self._room[:size]), self._state)
            except RemoteProtocolError as error:
                self._end(error)
                return
            if not self._open:
                return

    def _end(self, reason: RemoteProtocolError | None) -> None:
        if not self._open:
            return
        self._open = False
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)
        self._socket.close()
        self._backlog.clear()
        self._drained.set()
        self._on_close(reason)
