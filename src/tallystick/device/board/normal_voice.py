"""What the Normal World prints, which is meant to be nothing: read here, bounded, and put into the log (secure-world 4.2, step 3).

Its standard output and error are one pipe. A line is cut, cleaned of what is not printable ASCII, and logged; there are so
many lines and bytes for each second. Whoever prints more waits for the next one: its own pipe is full, and nobody else's.
"""

from __future__ import annotations

import logging
import os

from tallystick.device.board.gate import Watcher

_LOGGER = logging.getLogger(__name__)
_CHUNK = 1 << 16
#: of one second
MAX_BYTES = 16 << 20
MAX_LINES = 50
#: characters of one line that are shown
MAX_LINE = 256


class NormalVoice:
    """The reader of one Normal World's pipe, which it owns: `pipe` is the descriptor of our end."""

    def __init__(self, pipe: int, watcher: Watcher) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._watcher = watcher
        self._line = b""
        self._bytes = self._lines = self._dropped = 0
        self._is_open = True
        watcher.add_reader(pipe, self._readable)

    def close(self) -> None:
        """Hear nothing more; what was said and not heard is lost."""
        if not self._is_open:
            return
        self._is_open = False
        self._watcher.remove_reader(self._pipe)
        os.close(self._pipe)
        self._tell_dropped()

    def _readable(self) -> None:
        try:
            data = os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        if not self._bytes:
            self._watcher.call_later(1.0, self._next_second)
        self._bytes += len(data)
        self._take(data)
        if self._bytes >= MAX_BYTES:
            self._watcher.remove_reader(self._pipe)

    def _take(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole, self._line = self._line + line[:MAX_LINE], b""
            if self._lines < MAX_LINES:
                self._lines += 1
                _LOGGER.warning("the Normal World says: %s", _printable(whole))
            else:
                self._dropped += 1
        self._line = (self._line + rest[:MAX_LINE])[:MAX_LINE]

    def _next_second(self) -> None:
        if not self._is_open:
            return
        was_full = self._bytes >= MAX_BYTES
        self._bytes = self._lines = 0
        self._tell_dropped()
        if was_full:
            self._watcher.add_reader(self._pipe, self._readable)

    def _tell_dropped(self) -> None:
        if self._dropped:
            _LOGGER.warning("the Normal World says %d lines more, which are dropped", self._dropped)
            self._dropped = 0


def _printable(line: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in line[:MAX_LINE])
