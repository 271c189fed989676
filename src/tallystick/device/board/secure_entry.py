"""What the Secure World's image runs: the Secure World itself, or one of the locked programs that come out of it.

Arguments behind the hand-over: ``world JIG_FD BUS_FD``, or what `sandbox.entry` takes. Imports are inside, so that the
process of an app never loads the world.
"""

from __future__ import annotations

import sys

from tallystick.device.boot.start import Handover

WORLD = "world"


def main(handover: Handover) -> int:
    """Run what the arguments say and return its exit status."""
    kind, *rest = sys.argv[1:]
    if kind == WORLD:
        from tallystick.device.boot.door import shut_memory

        shut_memory()  # before the order with a test device's seed is read, and before there is a Normal World
        from tallystick.device.board import secure_start

        return secure_start.main(handover, [int(number) for number in rest])
    from tallystick.device.sandbox import entry

    return entry.main([kind, *rest])
