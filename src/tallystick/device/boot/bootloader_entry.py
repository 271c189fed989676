"""What the bootloader's image runs: the bootloader, loaded while the large files that it has to check are read already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.device.boot import library

if TYPE_CHECKING:
    from tallystick.device.boot.start import Handover


def main(handover: Handover) -> int:
    """Run the bootloader; return only when nothing was started."""
    library.read_ahead()
    from tallystick.device.boot.door import shut_memory

    shut_memory()  # it holds what the Secure World will be given: the jig and the chip's bus
    from tallystick.device.boot import bootloader_main

    return bootloader_main.main(handover)
