"""A WebSocket client that costs little: the cores are shared with the manager that is measured.

Frames are masked with zeros, which a server has to undo like any other mask (RFC 6455, 5.3).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

_HEAD = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_TEXT = 0x81
_CLOSE = 0x88
_MASK = bytes(4)


class Refused(Exception):
    """The manager did not answer as it should."""


class Talk(asyncio.Protocol):
    """One conversation: every message goes to `answer`, which returns the reply, or None when it was the last.

    `done` holds the last message, or Refused.
    """

    def __init__(self, host: str, path: str, answer: Callable[[dict[str, Any]], str | None]) -> None:
        self._request = _HEAD.format(host=host, path=path).encode()
        self._answer = answer
        self._is_open = False
        self._pending = b""
        self.done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport: Any = transport
        transport.write(self._request)  # type: ignore[attr-defined]  # the stream of a socket

    def connection_lost(self, error: Exception | None) -> None:
        """Say that the manager left, if it had not said its last word."""
        if not self.done.done():
            self.done.set_exception(Refused(f"the manager left: {error}"))

    def data_received(self, data: bytes) -> None:
        """Take head and frames."""
        self._pending += data
        if not self._is_open:
            head, found, rest = self._pending.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._end(Refused(head.decode("latin-1").partition("\r\n")[0]))
                return
            self._is_open, self._pending = True, rest
        while (frame := self._frame()) is not None and not self.done.done():
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._pending
        if len(data) < 2:
            return None
        size, at = data[1], 2
        if size > 125:
            at += 2 if size == 126 else 8
            size = int.from_bytes(data[2:at], "big")
        if len(data) < at + size:
            return None
        self._pending = data[at + size :]
        return data[0], data[at : at + size]

    def _take(self, kind: int, payload: bytes) -> None:
        if kind != _TEXT:
            self._end(Refused(f"a frame of kind {kind:02x}"))
            return
        message = json.loads(payload)
        reply = self._answer(message)
        if reply is None:
            self._transport.write(bytes((_CLOSE, 0x80)) + _MASK)
            self._end(message)
            return
        raw = reply.encode()
        size = bytes((0x80 | len(raw),)) if len(raw) < 126 else b"\xfe" + len(raw).to_bytes(2, "big")
        self._transport.write(bytes((_TEXT,)) + size + _MASK + raw)

    def _end(self, result: dict[str, Any] | Refused) -> None:
        if isinstance(result, Refused):
            self.done.set_exception(result)
        else:
            self.done.set_result(result)
        self._transport.close()
