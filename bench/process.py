"""What a tree of processes costs, as Linux counts it: CPU seconds and memory."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB_KIB = 1024


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on (the name before it may hold anything)."""
    text = (_PROC / str(pid) / "stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def tree(pid: int) -> list[int]:
    """Return `pid` and everything below it."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                children[int(_stat(int(entry.name))[1])].append(int(entry.name))
            except OSError:
                continue
    found = [pid]
    for parent in found:
        found += children[parent]
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that the tree has used, and those of children that ended and were waited for."""
    total = 0
    for member in tree(pid):
        try:
            total += sum(int(field) for field in _stat(member)[11:15])
        except OSError:
            continue
    return total / _TICKS


def pss_mib(pids: list[int]) -> float:
    """Return the proportional memory of `pids` in MiB: pages that several processes share are counted once."""
    total = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / _MIB_KIB


def started_s(pid: int) -> float:
    """Return when a process was started, in seconds since the machine was (to 10 ms)."""
    return int(_stat(pid)[19]) / _TICKS


def command_of(pid: int) -> bytes:
    """Return the command line of a process, empty when it has none."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
