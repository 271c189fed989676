"""A change that is cut off at each of its writes to the flash: what the tests of that share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tallystick.device.silicon.flash import MemoryFlash
from tallystick.testing.flash import FaultyFlash

#: more writes than any of these changes makes
MANY = 30


def records(flash: MemoryFlash) -> dict[str, bytes]:
    """Return all that a flash holds."""
    return {name: flash.read(name) or b"" for name in flash.names()}


def cuts(original: dict[str, bytes], run: Callable[[MemoryFlash | FaultyFlash], bool]) -> Iterator[MemoryFlash]:
    """Yield what a cut leaves of `original` at the first write of `run`, at the second, and so on until it comes to its end."""
    for cut in range(MANY):
        flash = MemoryFlash(original)
        if run(FaultyFlash(flash, cut_after=cut)):
            return
        yield flash
    raise AssertionError("the change never came to its end")
