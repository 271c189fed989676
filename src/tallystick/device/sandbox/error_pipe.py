"""What a locked process says on its standard error: through a pipe that is read here, and no more than a bound.

A process that may not write files cannot be given the file that somebody redirected our own standard error to.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["ErrorPipe", "Watcher"]

#: bytes of one process that are passed on; more are dropped
LIMIT = 1 << 16
_CHUNK = 4096
_DROPPED = b"\n(it says more, which is dropped)\n"


class Watcher(Protocol):
    """Tells when a descriptor can be read; an asyncio loop is one."""

    def add_reader(self, fd: int, callback: Callable[..., object], /) -> object:
        """Call `callback` whenever `fd` can be read."""
        ...

    def remove_reader(self, fd: int, /) -> Any:
        """Stop."""
        ...


class ErrorPipe:
    """One pipe from a process to the descriptor `sink`, for `limit` bytes; raises OSError when there is no room for one."""

    def __init__(self, watcher: Watcher, sink: int, *, limit: int = LIMIT) -> None:
        self._watcher = watcher
        self._sink = sink
        self._left = limit
        self._end, self.outer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._end, False)
        self._open = True
        watcher.add_reader(self._end, self._readable)

    def started(self) -> None:
        """Let go of the process's end: it has its own now, or never will."""
        os.close(self.outer)

    def close(self) -> None:
        """Pass on what is left, and end."""
        while self._open and self._readable():
            pass
        self._stop()

    def _readable(self) -> bool:
        """Pass on what came; return whether there may be more at once."""
        try:
            data = os.read(self._end, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._stop()
            return False
        if self._left:
            shown, self._left = data[: self._left], max(self._left - len(data), 0)
            with contextlib.suppress(OSError):  # our own standard error is closed or full: nobody listens
                os.write(self._sink, shown if self._left else shown + _DROPPED)
        return True

    def _stop(self) -> None:
        if self._open:
            self._open = False
            self._watcher.remove_reader(self._end)
            os.close(self._end)
