"""The samples of one run, by column and row."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bench.metric import COLUMNS, METRICS
from bench.statistic import Summary, summarise

_KEYS = {metric.key for metric in METRICS}


class Record:
    """Collects samples; what was not measured is not there."""

    def __init__(self) -> None:
        self._samples: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        #: said under the table
        self.notes: list[str] = []

    def add(self, column: str, key: str, value: float) -> None:
        """Take one sample; raise KeyError when the table has no such column or row."""
        if column not in COLUMNS or key not in _KEYS:
            raise KeyError(f"{column}/{key}")
        self._samples[column, key].append(value)

    def summary(self, column: str, key: str) -> Summary | None:
        """Return what was measured, or None."""
        return summarise(self._samples.get((column, key), []))

    def to_json(self) -> dict[str, Any]:
        """Return every row that has a figure."""
        rows: dict[str, Any] = {}
        for metric in METRICS:
            figures = {column: self.summary(column, metric.key) for column in COLUMNS}
            if all(figure is None for figure in figures.values()):
                continue
            row: dict[str, Any] = {"label": metric.label, "unit": metric.unit, "better": metric.better.value}
            if metric.target is not None:
                row["target"] = metric.target
            row |= {column: figure.to_json() for column, figure in figures.items() if figure is not None}
            rows[metric.key] = row
        return rows
