"""The start of the Secure World's process: first the Normal World, then everything else.

It was started by the bootloader from a checked image. It checks the Normal World with its own key, starts it locked, and
looks at it from outside before it believes a word of it. What it is held by comes over the jig. The Normal World is
started first because it takes as long as loading the rest takes.
"""

from __future__ import annotations

import socket
from pathlib import Path

from tallystick.device.board.jig import PowerOn, complain
from tallystick.device.board.world import NormalWorlds
from tallystick.device.boot.start import Handover
from tallystick.device.normal.door import Door
from tallystick.device.silicon.flash import DirectoryFlash
from tallystick.errors import TallyError

_FAILED = 1


def main(handover: Handover, numbers: list[int]) -> int:
    """Run until the power goes; `numbers` are the descriptors of jig and chip. Return the exit status."""
    jig = socket.socket(fileno=numbers[0])
    order = PowerOn.receive(jig)
    failure: TallyError | None = None
    try:
        flash = DirectoryFlash(Path(handover.flash))
        doors = {
            Door.TCP: order.listener_fd,
            Door.USB: order.usb_fd,
            Door.ZEMU: order.zemu_fd,
            Door.BLE: order.ble_fd,
        }
        worlds = NormalWorlds(
            handover, flash, listeners={door: number for door, number in doors.items() if number >= 0}
        )
    except TallyError as error:  # told below: the silicon is to hear of the Secure World first
        failure = error
    from tallystick.device.board import secure_main

    chip = secure_main.chip_at(socket.socket(fileno=numbers[1]))
    try:
        chip.describe()  # the first word on the bus tells the silicon that there is a Secure World
        if failure is not None:
            raise failure
        secure_main.run(jig, order, handover, chip=chip, flash=flash, worlds=worlds)
    except TallyError as error:
        complain(jig, error)
        return _FAILED
    return 0
