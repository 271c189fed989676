"""How long to measure, and the loop that does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.statistic import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Runs of each probe, seconds of each run, starts, seconds of idleness, embedded devices."""

    runs: int
    run_s: float
    starts: int
    idle_s: float
    devices: int


#: each run begins this much further on, so that no run meets the paths of the one before
FRESH = 4000
FULL = Effort(runs=5, run_s=1.5, starts=9, idle_s=10, devices=200)
QUICK = Effort(runs=2, run_s=0.3, starts=2, idle_s=2, devices=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What one run did: how many, in how many seconds, and how long the slow ones took."""

    count: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """How many in a second."""
        return self.count / self.seconds


def burst(work: Callable[[int], object], *, seconds: float, first: int = 0) -> Burst:
    """Call `work` with growing numbers from `first` for `seconds`, at least three times."""
    latencies: list[float] = []
    clock = time.perf_counter
    started = now = clock()
    while now - started < seconds or len(latencies) < 3:
        work(first + len(latencies))
        before, now = now, clock()
        latencies.append(now - before)
    return Burst(
        count=len(latencies),
        seconds=now - started,
        p50_ms=1e3 * percentile(latencies, 0.5),
        p99_ms=1e3 * percentile(latencies, 0.99),
    )
