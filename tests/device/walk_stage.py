"""Power cuts at writes: whoever watches what a device has written, and kills all of its worlds after so many writes."""

import contextlib
import os
import signal
import threading
import time

from process_stage import PATIENCE_S

_HEADER_BYTES = 16
_HALF_BYTES = 32 * 1024
_FIRST_HALVES = 2


class Watcher(threading.Thread):
    """Counts what is written to a device's flash and chip; at write `at`, and `later_s` more, kills the process group `group`.

    Without `at` it only counts. A record of flash appears as another file and is then renamed, two changes; the chip's memory has a sequence
    number in each half. Changes that follow each other faster than it looks are one to it.
    """

    def __init__(self, folder, *, group=0, at=None, later_s=0.0):
        super().__init__(daemon=True)
        self.writes = 0
        self._flash = folder / "flash"
        self._memory = os.open(folder / "chip" / "memory", os.O_RDONLY)
        self._group, self._at, self._later_s = group, at, later_s
        self._stopped = False
        self._seen = self._look()
        self.start()

    def run(self):
        """Watch until told to stop, or until the power is cut."""
        limit_s = time.monotonic() + PATIENCE_S
        while not self._stopped and time.monotonic() < limit_s:
            if self._at is not None and self.writes >= self._at:
                self._cut()
                return
            found = self._look()
            if found != self._seen:
                self._seen = found
                self.writes += 1
        if self._at is not None:
            self._cut()

    def stop(self):
        """Stop watching, and cut if there were too few writes until now; return how many there were."""
        self._stopped = True
        self.join()
        os.close(self._memory)
        return self.writes

    def _look(self):
        with os.scandir(self._flash) as entries:
            records = frozenset((entry.name, entry.inode()) for entry in entries)
        return records, *(os.pread(self._memory, _HEADER_BYTES, half * _HALF_BYTES) for half in range(_FIRST_HALVES))

    def _cut(self):
        until_s = time.perf_counter() + self._later_s
        while time.perf_counter() < until_s:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._group, signal.SIGKILL)
