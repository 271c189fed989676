"""Chains of signatures on the command line: the table, the JSON, the documents in files, and bytes in hexadecimal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tallystick.cli.exit import ExitCode
from tallystick.cli.render import Report
from tallystick.errors import StateError, UsageError

if TYPE_CHECKING:
    from tallystick.host.evidence import Link

#: letters of a key or hash that a person is shown
_SHOWN: Final = 20


def hex_bytes(size: int | None = None) -> Callable[[str], bytes]:
    """Return the type of an option that takes bytes in hexadecimal; `size` of them, if it is given."""

    def read(text: str) -> bytes:
        try:
            data = bytes.fromhex(text)
        except ValueError:
            raise click.BadParameter("it is not hexadecimal") from None
        if size is not None and len(data) != size:
            raise click.BadParameter(f"it has {len(data)} bytes, not {size}")
        return data

    return read


OUTPUT: Final = click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="write the document for others to a new file",
)


def chain_report(
    schema: str,
    links: Sequence[Link],
    *,
    data: Mapping[str, object],
    lines: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
) -> Report:
    """Return a report with its chain as a table and as ``chain`` in JSON; exit code 9 unless every link holds."""
    holds = bool(links) and all(link.holds for link in links)
    chain = [
        {"link": one.kind.value, "signed_by": one.signer, "about": one.subject, "holds": one.holds} for one in links
    ]
    return Report(
        schema=schema,
        data={**data, "chain": chain},
        lines=lines,
        facts=facts,
        headings=("LINK", "SIGNED BY", "ABOUT", "HOLDS"),
        rows=[(one.kind.value, one.signer, shortened(one.subject), "yes" if one.holds else "NO") for one in links],
        exit_code=ExitCode.DONE if holds else ExitCode.NOT_TRUSTED,
    )


def shortened(text: str) -> str:
    """Return as much of a key or hash as a person compares."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def read_document(path: Path, *, limit: int) -> bytes:
    """Return a file's bytes, one more than `limit` at most; raise UsageError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def require_new(output: Path | None) -> None:
    """Refuse a file that is there, before anything is done: UsageError."""
    if output is not None and output.exists():
        raise UsageError(f"{output} is there already", remedy="name a new file")


def write_document(output: Path | None, document: Mapping[str, object]) -> None:
    """Write a document to a new file, if one is named."""
    if output is None:
        return
    try:
        with output.open("x", encoding="ascii") as file:
            file.write(json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise StateError(f"{output} cannot be written: {error.strerror}") from error
