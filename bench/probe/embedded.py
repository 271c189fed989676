"""Probes of the device that a test gets: no processes, no ports, no time but the one it is given."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from bench.effort import FRESH, Effort, burst
from bench.link import Refused
from bench.metric import OURS
from bench.process import pss_mib
from bench.profile import COSMOS, NAME_AND_VERSION
from bench.record import Record
from tallystick.testing import VirtualDevice

_WARM_UP = 3
#: devices that exist before memory is looked at, so that everything that is shared is there
_FIRST_DEVICES = 10


def _ask(device: VirtualDevice, apdu: bytes) -> bytes:
    answer = device.exchange(apdu)
    if answer.status != 0x9000:
        raise Refused(f"{apdu[:5].hex()}… was answered {answer.status:04x}")
    return answer.data


def _time_ms(*, opened: str) -> float:
    started = time.perf_counter()
    _ask(VirtualDevice(open=opened), NAME_AND_VERSION)
    return 1e3 * (time.perf_counter() - started)


def measure(record: Record, effort: Effort) -> None:
    """Measure fresh devices, rates, and the memory of many."""
    for key, opened in (("embedded.fresh", ""), ("embedded.open", COSMOS.app)):
        for _ in range(_WARM_UP):
            _time_ms(opened=opened)
        for _ in range(effort.devices):
            record.add(OURS, key, _time_ms(opened=opened))
    work: dict[str, Callable[[VirtualDevice, int], object]] = {
        "embedded.apdu": lambda device, _: _ask(device, NAME_AND_VERSION),
        "embedded.key": lambda device, index: _ask(device, COSMOS.key(index)),
        "embedded.sign": lambda device, _: [_ask(device, apdu) for apdu in COSMOS.signature],
    }
    for number in range(effort.runs):
        for key, once in work.items():
            # a new one for each run, because a test's device keeps a log of all that it was asked
            device = VirtualDevice(open=COSMOS.app, approve=True)
            done = burst(lambda index: once(device, index), seconds=effort.run_s, first=number * FRESH)  # noqa: B023
            record.add(OURS, key, done.rate)
    for _ in range(min(3, effort.runs)):
        # in a process of its own, where nothing else was ever allocated
        words = [sys.executable, "-m", "bench.probe.embedded", str(effort.devices)]
        record.add(OURS, "embedded.memory", float(subprocess.check_output(words, text=True)))


def memory_of_one_more(devices: int) -> float:
    """Return by how many MiB each of `devices` devices, its app open and used, makes this process bigger."""
    kept = []

    def grow(count: int) -> None:
        for index in range(count):
            device = VirtualDevice(open=COSMOS.app)
            _ask(device, COSMOS.key(index))
            kept.append(device)

    grow(_FIRST_DEVICES)
    before = pss_mib([os.getpid()])
    grow(devices)
    return (pss_mib([os.getpid()]) - before) / devices


if __name__ == "__main__":
    print(memory_of_one_more(int(sys.argv[1])))
