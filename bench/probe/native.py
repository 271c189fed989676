"""Probes of one native app: both peers are asked the same, turn by turn; then our embedded devices alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.effort import Burst, Effort, burst
from bench.link import Refused
from bench.metric import OURS
from bench.peer import Peer, Running
from bench.probe.wire import sign
from bench.process import cpu_s, pss_mib, tree
from bench.profile import NAME_AND_VERSION, Profile
from bench.record import Record

#: devices of one process, for what one more takes
_DEVICES = 20
_OK = 0x9000


def measure(peers: Sequence[Peer], record: Record, effort: Effort, *, elf: Path, model: str | None) -> None:
    """Measure starts, rates and memory; raise Refused when an answer is none. `model` is for files that say none."""
    for number in range(effort.starts + 1):
        for peer in peers[:: 1 if number % 2 else -1]:
            running = Running(peer)
            running.stop()
            if number:  # the first start of each only warms the caches
                record.add(peer.column, "native.start", running.start_s)
                record.add(peer.column, "native.cpu", running.start_cpu_s)
    with ExitStack() as stack:
        started = []
        for peer in peers:
            started.append(running := Running(peer))
            stack.callback(running.stop)
        for number in range(effort.runs):
            for running in started[:: 1 if number % 2 else -1]:
                _rates(running, record, effort, first=number * 1000)
        for running in started:
            record.add(running.column, "native.memory", pss_mib(tree(running.pid)))
    if model is None:  # devices of this process are given files that say everything
        _embedded(peers[-1].profile, record, effort, elf=elf)


def _rates(running: Running, record: Record, effort: Effort, *, first: int) -> None:
    column, profile, ask = running.column, running.peer.profile, running.device.ask
    record.add(column, "native.apdu", burst(lambda _: ask(NAME_AND_VERSION), seconds=effort.run_s).rate)
    _counted("native.own", running, record, lambda: burst(lambda _: ask(profile.trivial), seconds=effort.run_s))
    answers: set[bytes] = set()
    done = _counted(
        *("native.key", running, record),
        lambda: burst(lambda index: answers.add(ask(profile.key(index))), seconds=effort.run_s, first=first),
    )
    if len(answers) != done.count:
        raise Refused(f"{column} gave the same key for different paths")
    if profile.signature:
        running.ask_panel("POST", "/automation", profile.rules)
        sign(running)
        _counted("native.sign", running, record, lambda: burst(lambda _: sign(running), seconds=effort.run_s))
        running.ask_panel("POST", "/automation", {"version": 1, "rules": []})


def _counted(key: str, running: Running, record: Record, work: Callable[[], Burst]) -> Burst:
    """Measure a rate, and what each costs all processes of the device: that depends less on what else runs here."""
    before_s = cpu_s(running.pid)
    done = work()
    record.add(running.column, key, done.rate)
    record.add(running.column, f"{key}.cpu", 1e3 * (cpu_s(running.pid) - before_s) / done.count)
    return done


def _embedded(profile: Profile, record: Record, effort: Effort, *, elf: Path) -> None:
    from tallystick.device.native.elf import Elf
    from tallystick.device.native.image import target_of
    from tallystick.device.sandbox.engine import engine_of_this_thread
    from tallystick.testing.device import VirtualDevice
    from tallystick.wire.model import by_target_id

    model = by_target_id(target_of(Elf.from_bytes(elf.read_bytes())) or 0)
    if model is None:
        raise Refused(f"{elf} does not say which model it is for")

    def fresh() -> VirtualDevice:
        device = VirtualDevice(model=model.name, apps=[elf], open=profile.app)
        ask(device, profile.trivial)
        return device

    def ask(device: VirtualDevice, apdu: bytes) -> bytes:
        answer = device.exchange(apdu)
        if answer.status != _OK:
            raise Refused(f"an embedded device answered {answer.status:04X}")
        return answer.data

    devices = [fresh()]
    pids = [os.getpid(), engine_of_this_thread().process.pid]
    before = pss_mib(pids)
    started = time.perf_counter()
    devices += [fresh() for _ in range(_DEVICES)]
    record.add(OURS, "native.fresh", 1e3 * (time.perf_counter() - started) / _DEVICES)
    record.add(OURS, "native.more", (pss_mib(pids) - before) / _DEVICES)
    for number, device in enumerate(devices[: effort.runs]):
        own, key = _embedded_rates(partial(ask, device), profile, effort, first=number * 1000)
        record.add(OURS, "native.embedded", own)
        record.add(OURS, "native.embedded_key", key)


def _embedded_rates(
    ask: Callable[[bytes], bytes], profile: Profile, effort: Effort, *, first: int
) -> tuple[float, float]:
    own = burst(lambda _: ask(profile.trivial), seconds=effort.run_s)
    key = burst(lambda index: ask(profile.key(index)), seconds=effort.run_s, first=first)
    return own.rate, key.rate
