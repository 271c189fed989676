"""What the Normal World's image runs: the locked program `normal_main`, and nothing else."""

from __future__ import annotations

import sys

from tallystick.device.boot.start import Handover
from tallystick.device.sandbox.role import Role

PROGRAM = "tallystick.device.board.normal_main"


def main(_handover: Handover) -> int:
    """Run the Normal World; refuse to be anything else."""
    from tallystick.device.sandbox import entry  # the Secure World takes PROGRAM from here, and not the rest

    role, _parent, program, *_ = sys.argv[1:]
    if role != Role.NORMAL.value or program != PROGRAM:
        return entry.NOT_CONFINED
    from tallystick.device.board import normal_main  # noqa: F401 -- names the program for whoever packs the image

    return entry.main(sys.argv[1:])
