"""What a manager did, as rows: by the place of its keys, each beside the limit that its curve operations alone set."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from bench.metric import Better
from bench.statistic import Summary, summarise
from bench.table import number

FILE, TOKEN = "file", "token"
HEAD = ("probe", "keys in files", "limit", "share", "keys in SoftHSM2", "limit", "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; its limit, where it has one, is kept under ``KEY.limit``."""

    key: str
    label: str
    unit: str
    better: Better = Better.LOWER


ROWS = (
    Row(key="genuine.rate", label="genuine checks", unit="/s", better=Better.HIGHER),
    Row(key="genuine.cpu", label="… CPU of the manager, each", unit="ms"),
    Row(key="genuine.floor", label="… nothing but: ready answers and those operations", unit="ms"),
    Row(key="genuine.devices", label="… CPU of the devices, each", unit="ms"),
    Row(key="genuine.p50", label="… p50", unit="ms"),
    Row(key="genuine.p99", label="… p99", unit="ms"),
    Row(key="workers.rate", label="genuine checks, two workers", unit="/s", better=Better.HIGHER),
    Row(key="crowd.seconds", label="500 devices at once, until the last is checked", unit="s"),
    Row(key="crowd.p50", label="… p50", unit="ms"),
    Row(key="crowd.p99", label="… p99", unit="ms"),
    Row(key="install.rate", label="installs of the Cosmos app", unit="/s", better=Better.HIGHER),
    Row(key="install.cpu", label="… CPU of the manager, each", unit="ms"),
    Row(key="install.p99", label="… p99", unit="ms"),
)


class Figures:
    """The samples of one run, by column and row."""

    def __init__(self) -> None:
        self._samples: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, column: str, key: str, value: float) -> None:
        """Take one sample."""
        self._samples[column, key].append(value)

    def summary(self, column: str, key: str) -> Summary | None:
        """Return what was measured, or None."""
        return summarise(self._samples.get((column, key), []))

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row of texts for each that has a figure."""
        return [
            (row.label, *self._cells(FILE, row), *self._cells(TOKEN, row))
            for row in ROWS
            if self.summary(FILE, row.key) or self.summary(TOKEN, row.key)
        ]

    def markdown(self) -> str:
        """Return the table for the documentation; it can be read on a terminal as well."""
        lines = [HEAD, ("---", *("---:" for _ in HEAD[1:])), *self.rows()]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def parts(self, parts: dict[str, float]) -> str:
        """Return the table of where the time of one check goes, in microseconds; `parts` are those of `part.parts_us` and more."""
        cpu = self.summary(FILE, "genuine.cpu")
        total = 0.0 if cpu is None else 1e3 * cpu.median
        rows = [
            ("curve operations alone: the limit", parts["curve"]),
            ("the rest of the cryptography: points, DER, hashes, AES", parts["cryptography"] - parts["curve"]),
            ("conversation: JSON, APDUs, certificates, the flow", parts["conversation"] - parts["cryptography"]),
            ("edge: upgrade, frames, session, timer", parts["edge"] - parts["conversation"]),
            ("a line in the audit log and one in the log, of 16 at a time", parts["log"]),
            ("bare packets: accept, `recv`, `send`, close", parts["packets"]),
        ]
        rest = ("event loop, threads, and caches that others use too: what is left", total - sum(us for _, us in rows))
        lines = [f"| {label} | {us:.0f} | {us / total if total else 0:.0%} |" for label, us in (*rows, rest)]
        return "\n".join(
            [
                "| part of a check, keys in files | µs | share |",
                "| --- | ---: | ---: |",
                *lines,
                f"| all | {total:.0f} | 100% |",
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """Return every figure, by row and column."""
        made: dict[str, Any] = {}
        for (column, key), samples in sorted(self._samples.items()):
            found = summarise(samples)
            if found is not None:
                made.setdefault(key, {})[column] = found.to_json()
        return made

    def _cells(self, column: str, row: Row) -> tuple[str, str, str]:
        ours, limit = self.summary(column, row.key), self.summary(column, f"{row.key}.limit")
        figure = "–" if ours is None else number(ours.median, row.unit)
        if ours is None or limit is None:
            return figure, "–", "–"
        share = ours.median / limit.median if row.better is Better.HIGHER else limit.median / ours.median
        return figure, number(limit.median, row.unit), f"{share:.0%}"
