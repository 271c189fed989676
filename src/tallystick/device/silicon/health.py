"""Health of a noise source: the two continuous tests of NIST SP 800-90B, section 4.4, on its raw bytes.

The claim is four bits of entropy in each byte, and one false alarm in 2^30 bytes: far below what the sources give, far
above what a stuck, broken or absent one does. An alarm stays: a source that failed once is not asked again.
"""

from __future__ import annotations

from tallystick.errors import StateError

#: 1 + ceil(30 / 4): so many equal bytes in a row
REPETITION_CUTOFF = 9
WINDOW_BYTES = 512
#: 1 + critbinom(512, 2^-4, 1 - 2^-30): so often the first byte of a window in that window
PROPORTION_CUTOFF = 71
#: bytes that are tested before the first one is used (4.3, start-up)
START_BYTES = 1024


class NoiseFailure(StateError):
    """A source of noise is not to be trusted: no key is made."""

    code = "noise_failure"

    def __init__(self, source: str, finding: str) -> None:
        super().__init__(
            f"the source of noise {source} failed: {finding}",
            remedy="make no key on this machine until its source of noise was looked at",
        )


class HealthTest:
    """Watches the bytes of one source, named `source` in what it raises."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._last = -1
        self._run = 0
        self._first = -1
        self._count = 0
        self._seen = 0
        self._failure: NoiseFailure | None = None

    def check(self, raw: bytes) -> None:
        """Take the next raw bytes; raise NoiseFailure for these and ever after when they fail."""
        for byte in raw:
            if self._failure is None:
                self._repetition(byte)
                self._proportion(byte)
        if self._failure is not None:
            raise self._failure

    def fail(self, finding: str) -> NoiseFailure:
        """Note that the source failed in another way; return the error to raise."""
        self._failure = NoiseFailure(self._source, finding)
        return self._failure

    def _repetition(self, byte: int) -> None:
        self._run = self._run + 1 if byte == self._last else 1
        self._last = byte
        if self._run >= REPETITION_CUTOFF:
            self.fail("it repeats itself")

    def _proportion(self, byte: int) -> None:
        if self._seen == 0:
            self._first, self._count = byte, 0
        self._count += byte == self._first
        self._seen = (self._seen + 1) % WINDOW_BYTES
        if self._count >= PROPORTION_CUTOFF:
            self.fail("one value comes too often")
