"""A part of flash under a prefix, so that the chip of the embedded board can keep its records beside the device's."""

from __future__ import annotations

from tallystick.device.hil import Flash


class Partition:
    """Those records of `flash` whose names begin with `prefix`, by the rest of their names."""

    def __init__(self, flash: Flash, prefix: str) -> None:
        self._flash = flash
        self._prefix = prefix

    def read(self, name: str) -> bytes | None:
        """Return the record, or None."""
        return self._flash.read(self._prefix + name)

    def write(self, name: str, data: bytes) -> None:
        """Replace the record."""
        self._flash.write(self._prefix + name, data)

    def remove(self, name: str) -> None:
        """Remove the record, if it is there."""
        self._flash.remove(self._prefix + name)

    def names(self) -> list[str]:
        """Return the names of all records of this part, sorted."""
        size = len(self._prefix)
        return [name[size:] for name in self._flash.names() if name.startswith(self._prefix)]
