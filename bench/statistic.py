"""Medians and percentiles: the only arithmetic on samples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is told of several runs."""

    median: float
    least: float
    most: float
    runs: int

    def to_json(self) -> dict[str, float]:
        """Return the plain values, four significant digits each."""
        return {
            "median": significant(self.median),
            "least": significant(self.least),
            "most": significant(self.most),
            "runs": self.runs,
        }


def summarise(samples: Sequence[float]) -> Summary | None:
    """Return the summary of `samples`, None when there are none."""
    if not samples:
        return None
    return Summary(median=statistics.median(samples), least=min(samples), most=max(samples), runs=len(samples))


def percentile(samples: Iterable[float], share: float) -> float:
    """Return the smallest sample that `share` (0 to 1) of all samples do not exceed; raise ValueError without samples."""
    ordered = sorted(samples)
    if not ordered or not 0 <= share <= 1:
        raise ValueError("a percentile needs samples and a share from 0 to 1")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def significant(value: float, digits: int = 4) -> float:
    """Round to `digits` significant digits."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
