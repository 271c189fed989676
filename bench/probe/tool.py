"""Probes of the command line: how long a person waits for an import and for --help."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.effort import Effort
from bench.metric import OURS, SPECULOS
from bench.peer import Peer
from bench.record import Record


def measure(peers: Sequence[Peer], record: Record, effort: Effort) -> None:
    """Time `import tallystick`, `tally --help`, and the peer's own --help."""
    commands = {
        (OURS, "import"): [sys.executable, "-c", "import tallystick"],
        (OURS, "help"): [sys.executable, "-m", "tallystick", "--help"],
    }
    for peer in peers:
        if peer.column == SPECULOS:
            commands[SPECULOS, "help"] = [peer.command[0], "--help"]
    for number in range(effort.starts + 1):
        for (column, name), command in commands.items():
            wall_s, cpu_s = time_of(command)
            if number:
                record.add(column, f"{name}.wall", 1e3 * wall_s)
                record.add(column, f"{name}.cpu", 1e3 * cpu_s)


def time_of(command: Sequence[str]) -> tuple[float, float]:
    """Run `command`; return its seconds by the wall clock and of CPU; raise CalledProcessError when it fails."""
    before = os.times()
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall_s = time.perf_counter() - started
    after = os.times()
    used = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return wall_s, used
