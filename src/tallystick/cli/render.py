"""One result, three renderings: a table for a person at a terminal, plain lines for a pipe, JSON for a program.

A command returns a `Report`. Its `schema` names the JSON document, with a version that changes when a member changes its
meaning; members may be added without. stdout carries the result and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

import click

from tallystick.cli.exit import document
from tallystick.cli.plain import json_text, plain
from tallystick.errors import TallyError

_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command found out.

    `noun` and `verb` name the schema; `data` are the JSON members. For people there are `lines`, `facts` (label and value)
    or `rows` under `headings`; what is empty is left out. `exit_code` is for a result that is itself bad news.
    """

    schema: str
    data: Mapping[str, object]
    lines: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default=())
    exit_code: int = 0


def to_json(report: Report) -> str:
    """Return the one JSON document of a report."""
    return json_text({"schema": f"tally.{report.schema}/{_SCHEMA_VERSION}", **report.data})


def error_to_json(error: TallyError) -> str:
    """Return the one JSON document of an error."""
    return json_text({"schema": f"tally.error/{_SCHEMA_VERSION}", **document(error)})


def show(report: Report, *, stream: TextIO) -> None:
    """Write a report for people: with colours and a table on a terminal, plain text anywhere else."""
    for line in report.lines:
        click.echo(plain(line), file=stream)
    if not (report.facts or report.headings):
        return
    if stream.isatty():
        _show_rich(report, stream)
    else:
        _show_plain(report, stream)


def error_lines(error: TallyError) -> list[str]:
    """Return an error in words: what it is, and what to do about it."""
    lines = [f"Error: {plain(error.message)}"]
    if error.remedy:
        lines.append(f"Remedy: {plain(error.remedy)}")
    return lines


def _show_plain(report: Report, stream: TextIO) -> None:
    width = max((len(label) for label, _ in report.facts), default=0)
    for label, value in report.facts:
        click.echo(f"{label + ':':<{width + 1}} {plain(value)}".rstrip(), file=stream)
    table = [report.headings, *(tuple(map(plain, row)) for row in report.rows)] if report.headings else []
    widths = [max(len(row[index]) for row in table) for index in range(len(report.headings))]
    for row in table:
        click.echo("  ".join(f"{cell:<{size}}" for cell, size in zip(row, widths, strict=True)).rstrip(), file=stream)


def _show_rich(report: Report, stream: TextIO) -> None:
    # loaded for a terminal only: it costs more than all the rest of a short command
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    if report.facts:
        facts = Table.grid(padding=(0, 2))
        for label, value in report.facts:
            facts.add_row(Text(label, style="dim"), Text(plain(value), overflow="fold"))
        console.print(facts)
    if report.headings:
        table = Table(*report.headings, box=None, header_style="bold", pad_edge=False)
        for row in report.rows:
            table.add_row(*(Text(plain(cell), overflow="fold") for cell in row))
        console.print(table)
