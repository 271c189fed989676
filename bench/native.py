"""`python -m bench.native --elf FILE`: one app of the vendor's SDK, on our device and on Speculos, in the same run."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from bench import machine, namespace, table
from bench.effort import FULL, QUICK
from bench.link import Refused
from bench.peer import Peer
from bench.probe import native
from bench.profile import PROFILES
from bench.record import Record

_FLAGS = "--display headless --apdu-port {apdu} --api-port {api}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--elf", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="the app of both"
)
@click.option(
    "--profile", type=click.Choice(sorted(PROFILES)), default="boilerplate", show_default=True, help="which app it is"
)
@click.option("--model", help="for a file that does not say which model it is for")
@click.option("--speculos", metavar="PROGRAM", help="the program `speculos`, for the column beside ours")
@click.option("--quick", is_flag=True, help="fewer and shorter runs: a look, not a result")
@click.option("--markdown", "is_markdown", is_flag=True, help="print the table for the documentation")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="keep the figures as JSON")
@click.option(namespace.INSIDE, "is_inside", is_flag=True, hidden=True)
def main(*, elf: Path, profile: str, model: str | None, speculos: str | None, is_inside: bool, **options: Any) -> None:
    """Measure a native app; TALLYSTICK_SPECULOS names the folder of shared libraries that apps may call."""
    record = Record()
    peers = [Peer.emulated(elf, PROFILES[profile], model=model)]
    if speculos is not None:
        if not is_inside:
            # it listens on every address of the machine: only ever where there is no other address
            reason = namespace.enter(sys.argv[1:], module="bench.native")
            record.notes.append(f"Speculos: not measured, because {reason}")
        else:
            namespace.raise_loopback()
            peers.insert(
                0, Peer.speculos(f"{shlex.quote(speculos)} {_FLAGS} {shlex.quote(str(elf))}", PROFILES[profile])
            )
    where, before = machine.describe(), machine.load()
    try:
        native.measure(peers, record, QUICK if options["quick"] else FULL, elf=elf, model=model)
    except (Refused, OSError) as error:
        # no table: figures beside a failure would be taken for a result
        raise click.ClickException(str(error)) from error
    where |= {"load_before": before, "load_after": machine.load(), "app": elf.name, "is_quick": options["quick"]}
    made = table.rows(record)
    click.echo(table.markdown(made) if options["is_markdown"] else table.plain(made))
    click.echo(f"\n{elf.name}; {where['date']}, {where['processor']}, {where['cores']} cores, Python {where['python']}; "
               f"load {where['load_before'][0]} before, {where['load_after'][0]} after")  # fmt: skip
    for note in record.notes:
        click.echo(note)
    if options["output"] is not None:
        result = {"machine": where, "notes": record.notes, "metrics": record.to_json()}
        options["output"].write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
