"""The table: pure text from a record, then drawn by rich on a terminal and by spaces elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metric import COLUMNS, LIMIT, METRICS, OURS, SPECULOS, Better, Metric
from bench.record import Record

HEAD = ("probe", "Speculos", "ours", "ratio", "target", "physical limit")
Row = tuple[str, ...]


def number(value: float, unit: str) -> str:
    """Return a figure as people read it: three significant digits, thousands apart, its unit."""
    if value >= 1000:
        text = f"{value:,.0f}"
    elif value >= 100:
        text = f"{value:.0f}"
    elif value >= 10:
        text = f"{value:.1f}"
    elif value >= 1:
        text = f"{value:.2f}"
    else:
        text = f"{value:.3f}"
    return f"{text}{unit}" if unit in {"/s", "%"} else f"{text} {unit}"


def rows(record: Record) -> list[Row]:
    """Return one row of texts for each metric that has a figure."""
    made: list[Row] = []
    for metric in METRICS:
        figures = {column: record.summary(column, metric.key) for column in COLUMNS}
        if all(figure is None for figure in figures.values()):
            continue
        cells = {
            column: "–" if figure is None else number(figure.median, metric.unit) for column, figure in figures.items()
        }
        ratio = metric.ratio(figures[OURS], figures[SPECULOS])
        times = "–" if ratio is None else f"×{ratio:.3g}" if ratio < 1000 else f"×{ratio:,.0f}"
        target = _target(metric, met=metric.is_met(figures[OURS]))
        made.append((metric.label, cells[SPECULOS], cells[OURS], times, target, cells[LIMIT]))
    return made


def _target(metric: Metric, *, met: bool | None) -> str:
    if metric.target is None:
        return "–"
    sign = "≥" if metric.better is Better.HIGHER else "≤"
    verdict = {True: " met", False: " MISSED", None: ""}[met]
    return f"{sign} {number(metric.target, metric.unit)}{verdict}"


def plain(table: Sequence[Row]) -> str:
    """Return the table for a pipe or a file: columns by spaces, figures to the right."""
    lines = [HEAD, *table]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(table: Sequence[Row]) -> str:
    """Return the table for the documentation."""
    lines = [HEAD, ("---", *("---:" for _ in HEAD[1:])), *table]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(table: Sequence[Row]) -> None:
    """Draw the table on a terminal."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False)
    for column, title in enumerate(HEAD):
        drawn.add_column(title, justify="left" if column == 0 else "right", no_wrap=column > 0)
    for row in table:
        style = "red" if "MISSED" in row[4] else None
        drawn.add_row(*row, style=style)
    Console().print(drawn)
