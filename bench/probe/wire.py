"""Probes that know only TCP and REST: every peer is asked the same way, turn by turn, so that load falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol, TypeVar

from bench.bare import Bare
from bench.effort import FRESH, Burst, Effort, burst
from bench.link import Link, Refused
from bench.metric import OURS
from bench.peer import Peer, Running
from bench.process import cpu_s, pss_mib, tree
from bench.profile import NAME_AND_VERSION
from bench.record import Record

Item = TypeVar("Item", Peer, Running)

_SETTLE_S = 1.0
_RECOVERABLE_BYTES = 65


class Target(Protocol):
    """Something that answers APDUs over TCP."""

    @property
    def column(self) -> str:
        """Where its figures go."""

    @property
    def apdu_port(self) -> int:
        """Where it listens."""

    @property
    def device(self) -> Link:
        """A connection to it."""

    @property
    def pid(self) -> int:
        """Its first process."""


def measure_starts(peers: Sequence[Peer], record: Record, effort: Effort) -> None:
    """Start each peer again and again; the first start of each only warms the caches."""
    for number in range(effort.starts + 1):
        for peer in _turn(peers, number):
            running = Running(peer)
            running.stop()
            if number:
                record.add(peer.column, "start.answer", running.start_s)
                record.add(peer.column, "start.cpu", running.start_cpu_s)
                record.add(peer.column, "start.panel", running.start_panel_s)


def measure_rates(peers: Sequence[Peer], record: Record, effort: Effort) -> None:
    """Run every peer, and measure each in turn: round trips, connections, keys, signatures, idleness, memory."""
    started: list[Running] = []
    bare = Bare()
    try:
        for peer in peers:
            started.append(Running(peer))  # noqa: PERF401 -- those that run must be stopped when a later one does not start
        # connections come last: Speculos never answers its first client again once another has been there
        for probe in (_apdus, _keys, _signatures, _connections):
            for number in range(effort.runs):
                for running in _turn(started, number):
                    probe(running, record, effort, number)
                if probe in {_apdus, _connections}:
                    probe(bare, record, effort, number)
        _idle(started, record, effort)
        _memory(started, record)
    finally:
        bare.stop()
        for running in started:
            running.stop()


def measure_policy(record: Record, effort: Effort) -> None:
    """Measure signatures of ours with the policy that approves everything."""
    running = Running(Peer.ours("--approve"))
    try:
        sign(running)
        for _ in range(effort.runs):
            done = burst(lambda _: sign(running), seconds=effort.run_s)
            record.add(OURS, "sign.approve", done.rate)
    finally:
        running.stop()


def _turn(items: Sequence[Item], number: int) -> Sequence[Item]:
    return items if number % 2 == 0 else items[::-1]


def _add(running: Target, record: Record, name: str, done: Burst, cpu_before_s: float) -> None:
    column = running.column
    record.add(column, f"{name}.rate", done.rate)
    record.add(column, f"{name}.p99", done.p99_ms)
    record.add(column, f"{name}.cpu", 1e3 * (cpu_s(running.pid) - cpu_before_s) / done.count)


def _apdus(running: Target, record: Record, effort: Effort, _number: int) -> None:
    before_s, ask = cpu_s(running.pid), running.device.ask
    done = burst(lambda _: ask(NAME_AND_VERSION), seconds=effort.run_s)
    _add(running, record, "apdu", done, before_s)
    record.add(running.column, "apdu.p50", done.p50_ms)


def _connections(running: Target, record: Record, effort: Effort, _number: int) -> None:
    def once(_: int) -> None:
        link = Link(running.apdu_port)
        link.ask(NAME_AND_VERSION)
        link.close()

    # each leaves a port in TIME_WAIT behind: no longer than a second
    done = burst(once, seconds=min(1.0, effort.run_s))
    record.add(running.column, "connect.rate", done.rate)


def _keys(running: Running, record: Record, effort: Effort, number: int) -> None:
    before_s, ask, key = cpu_s(running.pid), running.device.ask, running.peer.profile.key
    answers: set[bytes] = set()
    done = burst(lambda index: answers.add(ask(key(index))), seconds=effort.run_s, first=number * FRESH)
    if len(answers) != done.count:
        raise Refused(f"{running.column} gave the same key for different paths")
    _add(running, record, "key", done, before_s)


def _signatures(running: Running, record: Record, effort: Effort, _number: int) -> None:
    running.ask_panel("POST", "/automation", running.peer.profile.rules)
    sign(running)
    before_s = cpu_s(running.pid)
    done = burst(lambda _: sign(running), seconds=effort.run_s)
    _add(running, record, "sign", done, before_s)
    running.ask_panel("POST", "/automation", {"version": 1, "rules": []})


def sign(running: Running) -> None:
    """Have it sign once; raise Refused when what comes is no signature."""
    answer = b""
    for apdu in running.peer.profile.signature:
        answer = running.device.ask(apdu)
    # DER, DER after its length, or v, r and s
    if b"\x30" not in answer[:2] and len(answer) != _RECOVERABLE_BYTES:
        raise Refused(f"{running.column} gave no signature")


def _idle(started: Sequence[Running], record: Record, effort: Effort) -> None:
    time.sleep(_SETTLE_S)
    before = [(running, time.perf_counter(), cpu_s(running.pid)) for running in started]
    time.sleep(effort.idle_s)
    for running, then, before_s in before:
        used = (cpu_s(running.pid) - before_s) / (time.perf_counter() - then)
        record.add(running.column, "idle.cpu", 100 * used)


def _memory(started: Sequence[Running], record: Record) -> None:
    """Measure one device, then what a second of the same kind adds to the two together."""
    for running in started:
        one = pss_mib(tree(running.pid))
        record.add(running.column, "memory.device", one)
        second = Running(running.peer)
        try:
            time.sleep(_SETTLE_S)
            both = pss_mib(tree(running.pid) + tree(second.pid))
        finally:
            second.stop()
        record.add(running.column, "memory.more", both - one)
