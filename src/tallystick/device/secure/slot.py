"""A record in two slots, written in turns: what cannot be read whole does not count, and the newer one does.

Slot: sequence u32, body, CRC-32 u32 over both (secure-world 5.2, 6). The CRC finds accidents, not attacks: those are the
business of whoever authenticates the body.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from tallystick.device.hil import Flash
from tallystick.errors import LocalProtocolError, StateCorrupt

_NAMES = ("a", "b")
_FRAME_BYTES = 8
MAX_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Slot:
    """What one slot holds; `name` is its record in flash."""

    name: str
    sequence: int
    body: bytes


class SlotPair:
    """The record `name`, kept as ``name.a`` and ``name.b``."""

    def __init__(self, flash: Flash, name: str) -> None:
        self._flash = flash
        self._names = tuple(f"{name}.{end}" for end in _NAMES)

    @property
    def exists(self) -> bool:
        """Whether there is anything, readable or not."""
        return any(self._flash.read(name) is not None for name in self._names)

    def read(self) -> Slot | None:
        """Return the newer of the readable slots; None when none is, which is damage if `exists`."""
        return max(self._readable(), key=lambda slot: slot.sequence, default=None)

    def write(self, body: bytes) -> None:
        """Write `body` over the older slot and read it back; raise StateCorrupt when it does not stay."""
        if len(body) > MAX_BODY:
            raise LocalProtocolError("too long for a slot")
        newest = self.read()
        name = next(name for name in self._names if newest is None or name != newest.name)
        sequence = (0 if newest is None else newest.sequence) + 1
        raw = frame(sequence, body)
        self._flash.write(name, raw)
        if self._flash.read(name) != raw:
            raise StateCorrupt("what is written does not stay", remedy="the storage of the device has failed")

    def retire(self) -> None:
        """Remove the slot that is not the newest, so that what it held is gone."""
        newest = self.read()
        if newest is None:
            return
        for name in self._names:
            if name != newest.name and self._flash.read(name) is not None:
                self._flash.remove(name)

    def remove(self) -> None:
        """Remove both."""
        for name in self._names:
            self._flash.remove(name)

    def _readable(self) -> list[Slot]:
        slots = []
        for name in self._names:
            raw = self._flash.read(name)
            found = None if raw is None else unframe(raw)
            if found is not None:
                slots.append(Slot(name, *found))
        return slots


def frame(sequence: int, body: bytes) -> bytes:
    """Return the bytes of a slot."""
    data = sequence.to_bytes(4, "big") + body
    return data + zlib.crc32(data).to_bytes(4, "big")


def unframe(raw: bytes) -> tuple[int, bytes] | None:
    """Return sequence and body, or None when `raw` is not a whole slot."""
    if not _FRAME_BYTES <= len(raw) <= MAX_BODY + _FRAME_BYTES:
        return None
    if zlib.crc32(raw[:-4]).to_bytes(4, "big") != raw[-4:]:
        return None
    return int.from_bytes(raw[:4], "big"), raw[4:-4]
