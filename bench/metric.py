"""What is measured: one row of the table each, with the release's target."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bench.statistic import Summary

SPECULOS, OURS, LIMIT = "speculos", "ours", "limit"
#: the columns that hold measurements, in order
COLUMNS = (SPECULOS, OURS, LIMIT)


class Better(Enum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row: `target` is the least (or most) that the release promises, in `unit`."""

    key: str
    label: str
    unit: str
    better: Better
    target: float | None = None

    def ratio(self, ours: Summary | None, other: Summary | None) -> float | None:
        """Return how many times better ours is than the other: above 1 is better, None when it cannot be said."""
        if ours is None or other is None or ours.median <= 0 or other.median <= 0:
            return None
        quotient = ours.median / other.median
        return quotient if self.better is Better.HIGHER else 1 / quotient

    def is_met(self, ours: Summary | None) -> bool | None:
        """Say whether ours keeps the target; None when there is no target or no figure."""
        if ours is None or self.target is None:
            return None
        return ours.median >= self.target if self.better is Better.HIGHER else ours.median <= self.target


def _fast(key: str, label: str, target: float | None = None) -> Metric:
    return Metric(key=key, label=label, unit="/s", better=Better.HIGHER, target=target)


def _small(key: str, label: str, unit: str, target: float | None = None) -> Metric:
    return Metric(key=key, label=label, unit=unit, better=Better.LOWER, target=target)


#: every row, in the order of the table
METRICS = (
    _small("start.answer", "start to first answer, app open", "s", 0.30),
    _small("start.cpu", "… CPU of all its processes by then", "s"),
    _small("start.panel", "start to first answer of the REST API", "s"),
    _small("isolated.boot", "isolated board: power on to first answer, app open, all checks on", "s", 0.40),
    _small("isolated.answer", "… from the start of the command", "s"),
    _small("isolated.cpu", "… CPU of all its processes by then", "s"),
    _fast("isolated.apdu", "isolated board: B0 01 round trips over TCP"),
    _fast("isolated.key", "isolated board: public keys, 5 levels"),
    _fast("isolated.sign", "isolated board: signatures approved by rules"),
    _small("native.start", "native app: start to its first answer", "s", 0.25),
    _small("native.cpu", "… CPU of all its processes by then", "s"),
    _fast("native.apdu", "native app: B0 01 round trips over TCP", 5000),
    _fast("native.own", "… a command that the app itself answers", 5000),
    _small("native.own.cpu", "… … CPU of the device, each", "ms"),
    _fast("native.key", "native app: public keys, a new path each, over TCP", 500),
    _small("native.key.cpu", "… CPU of the device, each", "ms"),
    _fast("native.sign", "native app: signatures with screens approved by rules", 150),
    _small("native.sign.cpu", "… CPU of the device, each", "ms"),
    _small("native.memory", "native app: memory of a running device (PSS)", "MiB"),
    _small("native.more", "native app: one more device (PSS)", "MiB", 4),
    _small("native.fresh", "… to its first answer", "ms", 20),
    _fast("native.embedded", "native app: its own command, embedded device"),
    _fast("native.embedded_key", "native app: public keys of an embedded device"),
    _fast("apdu.rate", "B0 01 round trips over TCP, one connection", 7000),
    _small("apdu.p50", "… p50", "ms"),
    _small("apdu.p99", "… p99", "ms"),
    _small("apdu.cpu", "… CPU of the device, each", "ms"),
    _fast("connect.rate", "a new TCP connection for each command"),
    _fast("key.rate", "public keys, 5 levels, a new path each, over TCP", 1000),
    _small("key.p99", "… p99", "ms"),
    _small("key.cpu", "… CPU of the device, each", "ms"),
    _fast("sign.rate", "signatures with screens approved by rules", 150),
    _small("sign.p99", "… p99", "ms"),
    _small("sign.cpu", "… CPU of the device, each", "ms"),
    _fast("sign.approve", "signatures with screens approved by --approve", 150),
    _small("idle.cpu", "CPU of an idle device", "%"),
    _small("memory.device", "memory of a running device (PSS)", "MiB"),
    _small("memory.more", "one more device in processes of its own (PSS)", "MiB"),
    _small("embedded.fresh", "fresh embedded device to first answer", "ms", 30),
    _small("embedded.open", "… with the Cosmos app open", "ms"),
    _small("embedded.memory", "one more embedded device, app open (PSS)", "MiB", 3),
    _fast("embedded.apdu", "B0 01 to an embedded device"),
    _fast("embedded.key", "public keys from an embedded device"),
    _fast("embedded.sign", "signatures of an embedded device, gestures included"),
    _small("import.wall", "import of the package", "ms", 100),
    _small("import.cpu", "… CPU", "ms"),
    _small("help.wall", "--help of the command", "ms", 100),
    _small("help.cpu", "… CPU", "ms"),
)
