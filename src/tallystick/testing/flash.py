"""Flash that loses power: for tests that cut a device off at any of its writes."""

from __future__ import annotations

from tallystick.device.hil import Flash
from tallystick.errors import LocalProtocolError


class PowerCut(BaseException):
    """The power is gone.

    No part of a device can catch this and go on, as none goes on without power: so it is no `Exception`, which the places where
    a device answers for its faults would take for one.
    """


class FaultyFlash:
    """Wraps flash; the power goes after the `cut_after`-th write or removal (None: never).

    That many changes are durable; the next one does not happen and raises PowerCut, and so does every use after it, until
    `restore`. `changes` counts what was carried out, so that a first run tells how many cuts there are to try.
    """

    def __init__(self, flash: Flash, *, cut_after: int | None = None) -> None:
        if cut_after is not None and cut_after < 0:
            raise LocalProtocolError("a count of writes is not negative")
        self._flash = flash
        self._cut_after = cut_after
        self.is_cut = False
        self.changes = 0

    def restore(self, *, cut_after: int | None = None) -> None:
        """Put the power back; `cut_after` counts from here."""
        self.is_cut = False
        self.changes = 0
        self._cut_after = cut_after

    def read(self, name: str) -> bytes | None:
        """Return the record, or None."""
        self._check()
        return self._flash.read(name)

    def write(self, name: str, data: bytes) -> None:
        """Replace the record, or lose power."""
        self._change()
        self._flash.write(name, data)

    def remove(self, name: str) -> None:
        """Remove the record, or lose power."""
        self._change()
        self._flash.remove(name)

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        self._check()
        return self._flash.names()

    def _change(self) -> None:
        self._check()
        if self.changes == self._cut_after:
            self.is_cut = True
        self._check()
        self.changes += 1

    def _check(self) -> None:
        if self.is_cut:
            raise PowerCut
