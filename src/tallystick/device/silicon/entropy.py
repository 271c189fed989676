"""Random bytes: from the machine, from the machine and its hardware mixed, or repeatable for tests.

Sources are mixed and none replaces another: whoever knows all but one of them knows nothing (secure-world 5.1). Raw bytes
of hardware pass health tests first; a source that fails stops everything that needs randomness for keys.

The repeatable source exists for tests alone; a device that uses it says so on its status (secure-world 1, "fixed
entropy only behind an explicit switch").
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tallystick.device.hil import Rng
from tallystick.device.silicon.health import START_BYTES, HealthTest
from tallystick.errors import LocalProtocolError, StateError

#: returns that many raw bytes of a hardware source
NoiseSource = Callable[[int], bytes]

#: taken from each source for one read
_SEED_BYTES = 64
#: where Linux has the machine's own generator
HARDWARE = Path("/dev/hwrng")
#: reads that one draw from it is for
_READS_OF_HARDWARE = 256
#: the shortest thing that may be a key
_KEY_BYTES = 16
#: what one expansion of HKDF-SHA-512 can give
_MAX_EXPANSION = 255 * 64


class SystemRng:
    """The kernel's generator, which blocks until it is seeded."""

    #: whether the bytes can be foreseen
    repeatable = False
    #: what it is made of, by name, for people to see
    sources = ("kernel",)

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` bytes from getrandom."""
        return os.getrandom(size_bytes)


class RepeatableRng:
    """SHA-256 in counter mode over a number: equal numbers give equal bytes, on every machine."""

    repeatable = True
    #: what it is made of, by name, for people to see
    sources = ("repeatable",)

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise LocalProtocolError("the seed is not negative")
        self._key = hashlib.sha256(
            b"tallystick repeatable rng" + seed.to_bytes((seed.bit_length() + 7) // 8 or 1)
        ).digest()
        self._block = 0
        self._left = b""

    def read(self, size_bytes: int) -> bytes:
        """Return the next `size_bytes` bytes of the stream."""
        while len(self._left) < size_bytes:
            self._left += hashlib.sha256(self._key + self._block.to_bytes(8)).digest()
            self._block += 1
        data, self._left = self._left[:size_bytes], self._left[size_bytes:]
        return data


class MixedRng:
    """The kernel's generator and the hardware sources in `noise` (by name), mixed by HKDF-SHA-512 for each read.

    Each source is tested before its first byte is used and with every byte it gives; one that fails stops this read and
    every later one (NoiseFailure). Reads of fewer than 16 bytes, which no key is made of, come from the kernel alone:
    hardware can be slow. Where it is, `every` so many reads it is drawn from, and those between have a hash of what was drawn.
    """

    repeatable = False

    def __init__(
        self, *, system: Rng | None = None, noise: Mapping[str, NoiseSource] | None = None, every: int = 1
    ) -> None:
        self._system: Rng = SystemRng() if system is None else system
        self._every = every
        self._reads = 0
        self._drawn: dict[str, bytes] = {}
        self._noise = {name: (source, HealthTest(name)) for name, source in (noise or {}).items()}
        self._untested = set(self._noise)

    @property
    def sources(self) -> tuple[str, ...]:
        """What is mixed, by name, for people to see."""
        return ("kernel", *self._noise)

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` bytes; raise NoiseFailure when a source fails."""
        if size_bytes < _KEY_BYTES:
            return self._system.read(size_bytes)
        data = b""
        while len(data) < size_bytes:
            data += self._expand(min(size_bytes - len(data), _MAX_EXPANSION))
        return data

    def _expand(self, size_bytes: int) -> bytes:
        material = self._system.read(_SEED_BYTES)
        for name in self._noise:
            if name in self._untested:
                self._draw(name, START_BYTES)
                self._untested.remove(name)
            if self._reads % self._every:
                self._drawn[name] = hashlib.sha512(self._drawn[name]).digest()
            else:
                self._drawn[name] = self._draw(name, _SEED_BYTES)
            material += self._drawn[name]
        self._reads += 1
        info = b"tallystick entropy " + ",".join(self.sources).encode()
        return HKDF(algorithm=SHA512(), length=size_bytes, salt=None, info=info).derive(material)

    def _draw(self, name: str, size_bytes: int) -> bytes:
        source, test = self._noise[name]
        try:
            raw = source(size_bytes)
        except (OSError, StateError):
            raise test.fail("it cannot be read any more") from None
        test.check(raw)
        if len(raw) != size_bytes:
            raise test.fail("it gives too little")
        return raw


def machine_rng(path: Path = HARDWARE) -> SystemRng | MixedRng:
    """Return this machine's source: the kernel's generator, mixed with a hardware source where this user can read one.

    A hardware source gives some kilobytes a second, so it is drawn from once for many reads.
    """
    try:
        hardware = HardwareNoise(path)
    except OSError:
        return SystemRng()
    return MixedRng(noise={"hwrng": hardware.read}, every=_READS_OF_HARDWARE)


class HardwareNoise:
    """A hardware source behind a device of the kernel, held open so that it can be read from within a sandbox.

    Raises OSError when this machine, or this user, has none, or none that gives anything now.
    """

    def __init__(self, path: Path = HARDWARE) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.read(self._descriptor, 1)
            os.set_blocking(self._descriptor, True)
            if not found:  # the device is there without any hardware behind it, too
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        except OSError:
            self.close()
            raise

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` raw bytes, or fewer when the source has ended; raise OSError when it cannot be read."""
        data = b""
        while len(data) < size_bytes:
            part = os.read(self._descriptor, size_bytes - len(data))
            if not part:
                break
            data += part
        return data

    def close(self) -> None:
        """Let go of the device."""
        os.close(self._descriptor)
