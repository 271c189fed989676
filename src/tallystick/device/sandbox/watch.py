"""How a developer watches the native apps of a test device: a trace of their calls, gdb, or both."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tallystick.device.sandbox.app_start import WatchedStart

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TRACE_LIMIT", "Watch"]

#: bytes of one app's trace; more is dropped, and said to be
TRACE_LIMIT: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is wanted of every native app that starts."""

    #: the descriptor that lines of a trace go to; None for no trace
    trace_sink: int | None = None
    #: gives the app's end of a way to gdb
    open_gdb: Callable[[], socket.socket] | None = None

    @contextmanager
    def start(self) -> Iterator[WatchedStart]:
        """Give what a process is started with; our copies of what it was given are closed afterwards."""
        words = ("trace",) if self.trace_sink is not None else ()
        if self.open_gdb is None:
            yield WatchedStart(words=words)
            return
        with self.open_gdb() as end:
            yield WatchedStart(descriptors=(end.fileno(),), words=words)
