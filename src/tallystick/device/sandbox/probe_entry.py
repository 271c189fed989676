"""What a self-test image runs: the prisoner of the self-test, from sealed memory, as softly locked as it is told.

Arguments behind the hand-over: those of `probe.main`, or those of `entry.main`, which knows no leniency. No release holds it.
"""

from __future__ import annotations

import sys

from tallystick.device.boot.start import Handover
from tallystick.device.sandbox import entry, probe


def main(_handover: Handover) -> int:
    """Lock the prisoner in and let it try."""
    arguments = sys.argv[1:]
    return probe.main(arguments) if arguments[0] in probe.MODES else entry.main(arguments)
