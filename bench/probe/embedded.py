"""Probes of the embedded board: no processes, no ports, no time but the one we give it."""

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
from bench.profile import COSMOS, NAME_AND_VERSION, SEED
from bench.record import Record
from tallystick import apps
from tallystick.app.inline import InlineHost
from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.wire.bundle import Bundle
from tallystick.wire.events import Button, press
from tallystick.wire.panel import Role

_MAX_SCREENS = 100
#: devices that exist before memory is looked at, so that everything that is shared is there
_FIRST_DEVICES = 10


class _Client:
    """Keeps what the relay delivers."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []

    def deliver(self, response: bytes) -> None:
        self.answers.append(response)

    def pause(self) -> None:
        """Nothing is read from anywhere."""

    def resume(self) -> None:
        """Nothing is read from anywhere."""

    def close(self) -> None:
        """There is no connection."""


class EmbeddedDevice:
    """A device in this process, and somebody to approve what it shows."""

    def __init__(self, bundle: Bundle) -> None:
        self.board = EmbeddedBoard(
            model="nanosp", flash=MemoryFlash(), rng=RepeatableRng(1), clock=VirtualClock(), apps=InlineHost()
        )
        self.board.prepare(seed=SEED, bundles=[bundle])
        self.board.power_on()
        self._client = _Client()
        self._channel = self.board.relay.connect(self._client)

    def open(self) -> None:
        """Open the app."""
        self.board.system.open(self.board.system.session.registry.apps()[0])
        self.board.run()

    def ask(self, apdu: bytes) -> bytes:
        """Send one APDU, approve what it asks, and return the data of the answer."""
        answers = self._client.answers
        self.board.relay.submit(self._channel, apdu)
        for _ in range(_MAX_SCREENS):
            if answers:
                break
            self._approve()
        answer = answers.pop()
        if answer[-2:] != b"\x90\x00":
            raise Refused(f"{apdu[:5].hex()}… was answered {answer[-2:].hex()}")
        return answer[:-2]

    def _approve(self) -> None:
        frame = self.board.frame
        is_asked = frame is not None and frame.action(Role.APPROVE) is not None
        for event in press(Button.BOTH if is_asked else Button.RIGHT):
            self.board.event(event)


def measure(record: Record, effort: Effort) -> None:
    """Measure fresh devices, rates, and the memory of many."""
    bundle = apps.bundle("cosmos")
    for _ in range(3):
        EmbeddedDevice(bundle).open()
    for _ in range(effort.devices):
        started = time.perf_counter()
        device = EmbeddedDevice(bundle)
        device.ask(NAME_AND_VERSION)
        record.add(OURS, "embedded.fresh", 1e3 * (time.perf_counter() - started))
        device.open()
        device.ask(NAME_AND_VERSION)
        record.add(OURS, "embedded.open", 1e3 * (time.perf_counter() - started))
    device = EmbeddedDevice(bundle)
    device.open()
    work: dict[str, Callable[[int], object]] = {
        "embedded.apdu": lambda _: device.ask(NAME_AND_VERSION),
        "embedded.key": lambda index: device.ask(COSMOS.key(index)),
        "embedded.sign": lambda _: [device.ask(apdu) for apdu in COSMOS.signature],
    }
    for number in range(effort.runs):
        for key, once in work.items():
            done = burst(once, seconds=effort.run_s, first=number * FRESH)
            record.add(OURS, key, done.rate)
    for _ in range(min(3, effort.runs)):
        # in a process of its own, where nothing else was ever allocated
        words = [sys.executable, "-m", "bench.probe.embedded", str(effort.devices)]
        record.add(OURS, "embedded.memory", float(subprocess.check_output(words, text=True)))


def memory_of_one_more(devices: int) -> float:
    """Return by how many MiB each of `devices` devices, its app open and used, makes this process bigger."""
    bundle = apps.bundle("cosmos")
    kept = []

    def grow(count: int) -> None:
        for index in range(count):
            device = EmbeddedDevice(bundle)
            device.open()
            device.ask(COSMOS.key(index))
            kept.append(device)

    grow(_FIRST_DEVICES)
    before = pss_mib([os.getpid()])
    grow(devices)
    return (pss_mib([os.getpid()]) - before) / devices


if __name__ == "__main__":
    print(memory_of_one_more(int(sys.argv[1])))
