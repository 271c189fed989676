"""The seams of the web panel: a hand that makes gestures, a cable that carries APDUs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tallystick.wire.events import PanelEvent


class Hand(Protocol):
    """Makes gestures on the device."""

    def write(self, events: Sequence[PanelEvent]) -> None:
        """Queue gestures, in order.

        Raises:
            TransportError: the device is gone, or does not take any more.

        """
        ...

    async def drain(self) -> None:
        """Return when all queued gestures have been written to the device.

        Raises:
            TransportError: the device is gone.

        """
        ...


class ApduCable(Protocol):
    """Carries one APDU at a time to the device."""

    async def exchange(self, apdu: bytes) -> bytes:
        """Return the answer to `apdu`, status word included.

        Raises:
            TransportError: the device cannot be reached or hung up.

        """
        ...
