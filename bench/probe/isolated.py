"""Probes of the board that `tally up` starts by default: every world a locked process, run from images that were checked."""

from __future__ import annotations

from bench.effort import FRESH, Effort, burst
from bench.link import Refused
from bench.metric import OURS
from bench.peer import Peer, Running
from bench.probe.wire import sign
from bench.process import command_of, started_s, tree
from bench.profile import NAME_AND_VERSION
from bench.record import Record

BOARD = "isolated"
_SILICON = b"silicon_main"


def measure(record: Record, effort: Effort) -> None:
    """Start it again and again (the first start builds its images), then measure rates of one that runs."""
    peer = Peer.ours(board=BOARD)
    for number in range(effort.starts + 1):
        running = Running(peer)
        boot_s = started_s(_silicon(running.pid))
        running.stop()
        if number:
            record.add(OURS, "isolated.boot", running.answered_s - boot_s)
            record.add(OURS, "isolated.answer", running.start_s)
            record.add(OURS, "isolated.cpu", running.start_cpu_s)
    running = Running(peer)
    try:
        running.ask_panel("POST", "/automation", peer.profile.rules)
        sign(running)
        ask, key = running.device.ask, peer.profile.key
        for number in range(effort.runs):
            done = burst(lambda _: ask(NAME_AND_VERSION), seconds=effort.run_s)
            record.add(OURS, "isolated.apdu", done.rate)
            done = burst(lambda index: ask(key(index)), seconds=effort.run_s, first=number * FRESH)
            record.add(OURS, "isolated.key", done.rate)
            done = burst(lambda _: sign(running), seconds=effort.run_s)
            record.add(OURS, "isolated.sign", done.rate)
    finally:
        running.stop()


def _silicon(pid: int) -> int:
    """Return the process that is the chip: its start is the moment the plug goes in."""
    for one in tree(pid):
        if _SILICON in command_of(one):
            return one
    raise Refused("the board has no process of its silicon")
