"""`python -m bench`: measure, print the table, and keep the figures if asked."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench import machine, namespace, table
from bench.effort import FULL, QUICK
from bench.link import Refused
from bench.peer import Peer
from bench.probe import embedded, isolated, limit, tool, wire
from bench.profile import PROFILES
from bench.record import Record

_SPECULOS = "speculos --display headless --apdu-port {apdu} --api-port {api}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--speculos", metavar="COMMAND", help="how to start Speculos; {apdu} and {api} stand for its ports")
@click.option(
    "--elf", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="the app for a speculos on PATH"
)
@click.option(
    "--profile", type=click.Choice(sorted(PROFILES)), default="boilerplate", show_default=True, help="its app"
)
@click.option("--quick", is_flag=True, help="fewer and shorter runs: a look, not a result")
@click.option("--json", "is_json", is_flag=True, help="print JSON instead of the table")
@click.option("--markdown", "is_markdown", is_flag=True, help="print the table for the documentation")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="keep the figures as JSON")
@click.option(namespace.INSIDE, "is_inside", is_flag=True, hidden=True)
def main(*, speculos: str | None, elf: Path | None, profile: str, is_inside: bool, **options: Any) -> None:
    """Measure tallystick, beside the limits of this machine, and beside Speculos if there is one."""
    record = Record()
    if speculos is None and elf is not None and shutil.which("speculos"):
        speculos = f"{_SPECULOS} {shlex.quote(str(elf))}"
    peers = [Peer.ours()]
    if speculos is None:
        record.notes.append("Speculos: not measured; give --speculos COMMAND, or --elf FILE with speculos on PATH")
    elif is_inside:
        namespace.raise_loopback()
        peers.insert(0, Peer.speculos(speculos, PROFILES[profile]))
        ran = " and ".join(f"{peer.profile.app} ({peer.profile.screens} screens)" for peer in peers)
        record.notes.append(
            "Speculos runs a vendor's app binary on an emulated ARM processor, ours an app in Python: the same work, not "
            f"the same program. A signature is one of {ran}."
        )
    else:
        # it listens on every address of the machine: only ever where there is no other address
        reason = namespace.enter(sys.argv[1:])
        record.notes.append(f"Speculos: not measured, because {reason}")
    _measure(peers, record, is_quick=options["quick"], options=options)


def _measure(peers: list[Peer], record: Record, *, is_quick: bool, options: dict[str, Any]) -> None:
    effort = QUICK if is_quick else FULL
    where, before = machine.describe(), machine.load()
    probes: tuple[tuple[str, Callable[[], None]], ...] = (
        ("starts", lambda: wire.measure_starts(peers, record, effort)),
        ("the isolated board", lambda: isolated.measure(record, effort)),
        ("rates over TCP", lambda: wire.measure_rates(peers, record, effort)),
        ("approval by policy", lambda: wire.measure_policy(record, effort)),
        ("embedded devices", lambda: embedded.measure(record, effort)),
        ("command line", lambda: tool.measure(peers, record, effort)),
        ("limits of the machine", lambda: limit.measure(record, effort)),
    )
    for name, probe in probes:
        click.echo(f"measuring {name} …", err=True)
        try:
            probe()
        except (Refused, OSError) as error:
            # no table: figures beside a failure would be taken for a result
            raise click.ClickException(f"{name}: {error}") from error
    where |= {"load_before": before, "load_after": machine.load(), "is_quick": is_quick}
    screens = {peer.column: peer.profile.screens for peer in peers}
    result = {"machine": where, "screens_of_a_signature": screens, "notes": record.notes, "metrics": record.to_json()}
    if options["output"] is not None:
        options["output"].write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if options["is_json"]:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        _show(record, where, is_markdown=options["is_markdown"])


def _show(record: Record, where: dict[str, Any], *, is_markdown: bool) -> None:
    made = table.rows(record)
    if is_markdown:
        click.echo(table.markdown(made))
    elif sys.stdout.isatty():
        table.draw(made)
    else:
        click.echo(table.plain(made))
    click.echo(
        f"\n{where['date']}, {where['processor']}, {where['cores']} cores, {where['memory_gib']} GiB, {where['kernel']}, "
        f"Python {where['python']}; load {where['load_before'][0]} before, {where['load_after'][0]} after"
    )
    click.echo("Medians. Ratio: how many times better ours is. Compare wall-clock figures within one run only.")
    for note in record.notes:
        click.echo(note)


if __name__ == "__main__":
    main()
