"""`tally app run`: an app of one's own, on a device of its own, open at once."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tallystick.cli.command import SETTINGS
from tallystick.cli.target import Run
from tallystick.errors import UsageError
from tallystick.wire.model import MODELS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tallystick.cli.app_file import AppFile
    from tallystick.cli.gdb_door import GdbDoor
    from tallystick.device.board.service import ServiceOptions

#: the words that everybody knows: what is made of them is a test device
_SEED: Final = "test test test test test test test test test test test junk"
_PORT: Final = click.IntRange(0, 65535)


@click.command("run", context_settings=SETTINGS)
@click.argument("path", metavar="FILE|DIR", type=click.Path(path_type=Path))
@click.option("--model", type=click.Choice(list(MODELS)), help="which device [default: what the app was built for]")
@click.option("--seed", metavar="WORDS", default=_SEED, help="recovery words [default: test test … junk]")
@click.option("--approve", is_flag=True, help="approve all but what native apps paint: for that, --automation")
@click.option("--automation", metavar="FILE", default="", help="Speculos rules: a path, file:PATH or the JSON itself")
@click.option("--apdu-port", type=_PORT, default=9999, show_default=True, help="0 takes a free one")
@click.option("--api-port", type=_PORT, default=5000, show_default=True, help="0 takes a free one")
@click.option("--trace", is_flag=True, help="say every system call and library call of a native app, on stderr")
@click.option(
    "--gdb", "gdb_port", type=_PORT, metavar="PORT", help="let gdb in here, and wait for it; 0 takes a free one"
)
@click.option("--shared-lib", metavar="DIR", default="", help="the `speculos` package whose libraries apps may call")
@click.option("--json", "is_json", is_flag=True, help="print one line of JSON when ready")
@click.option("-v", "--verbose", "is_verbose", is_flag=True, help="log what the device does; apps may write to stderr")
@click.pass_obj
def run_app(run: Run, /, path: Path, **options: Any) -> None:
    """Run an app of your own on a test device that is set up, with the app open at once, until Ctrl-C or SIGTERM.

    FILE is a bundle, an ELF file or a hex file with its manifest; DIR has the sources of an app in Python or in C. The device
    is forgotten when it stops. Ports are those of this machine alone.
    """
    from tallystick.cli.app_file import read_app_file

    run.is_json = run.is_json or options["is_json"]
    app = read_app_file(path, model=options["model"])
    model = _check(app, options)
    _log(app, is_verbose=options["is_verbose"])
    with contextlib.suppress(KeyboardInterrupt):
        _serve(app, model, options, is_json=run.is_json)


def _check(app: AppFile, options: dict[str, Any]) -> str:
    """Return the model to be; raise UsageError for what does not go together, before anything is started."""
    asked = options["model"]
    if app.bundle is None and asked and app.model and asked != app.model:
        raise UsageError(f"{app.path} was built for {app.model}", remedy=f"build it for {asked}, or leave --model away")
    if app.bundle is None and app.model is None and not asked:
        raise UsageError(f"{app.path} does not say which model it was built for", remedy="say it with --model")
    if app.bundle is not None and (options["trace"] or options["gdb_port"] is not None):
        raise UsageError("--trace and --gdb are for native apps", remedy="a Python app can log and be tested by pytest")
    if options["approve"] and options["automation"]:
        raise UsageError("--approve and --automation exclude each other")
    model = str(asked or app.model or "nanosp")
    if app.bundle is None:
        from tallystick.device.native.generation import generation_of

        generation_of(model, app.image.create.api_level, code=app.image.code)  # refuses a level that does not run here
    return model


def _log(app: AppFile, *, is_verbose: bool) -> None:
    import logging

    from tallystick.cli.app_symbol import tell_functions

    logging.basicConfig(format="%(message)s", level=logging.INFO if is_verbose else logging.WARNING)
    if app.elf is not None:
        tell_functions(app.elf)


def _serve(app: AppFile, model: str, options: dict[str, Any], *, is_json: bool) -> None:
    """Hold the device until it is stopped."""
    import asyncio
    import subprocess

    from tallystick.cli.certificate import certified, over_relay
    from tallystick.device.board.service import Service
    from tallystick.device.sandbox.app_process import ProcessHost
    from tallystick.device.sandbox.watch import Watch

    service_options = _service_options(app, model, options)
    stderr = sys.stderr.fileno() if options["is_verbose"] else subprocess.DEVNULL

    async def serve() -> None:
        async with _door(options["gdb_port"]) as door:
            watch = Watch(
                trace_sink=sys.stderr.fileno() if options["trace"] else None,
                open_gdb=None if door is None else door.take,
            )
            is_watched = options["trace"] or door is not None
            host = ProcessHost(
                asyncio.get_running_loop(),
                stderr=stderr,
                speculos=options["shared_lib"],
                watch=watch if is_watched else None,
            )
            service = Service(service_options, apps=host)
            host.settle = service.board.run

            def ready(facts: dict[str, Any]) -> None:
                told = certified(facts, over_relay(service.board.relay))  # on the dashboard, before the app is open
                service.board.open_app(app.name)
                _announce({**told, "gdb_port": None if door is None else door.port}, app, is_json=is_json)

            await service.run(ready)

    asyncio.run(serve())


def _service_options(app: AppFile, model: str, options: dict[str, Any]) -> ServiceOptions:
    """Return what the device is made of; sockets are bound, and rules are checked, before it is."""
    from tallystick.cli.automation import read_automation
    from tallystick.device.board.service import ServiceOptions
    from tallystick.device.normal.listener import bind
    from tallystick.device.silicon.clock import MonotonicClock
    from tallystick.device.silicon.entropy import SystemRng
    from tallystick.device.silicon.flash import MemoryFlash
    from tallystick.ui.extra import require_extra

    require_extra("device")
    return ServiceOptions(
        model=model,
        flash=MemoryFlash(),
        rng=SystemRng(),
        clock=MonotonicClock(),
        listener=bind(options["apdu_port"]),
        http=bind(options["api_port"], what="page and REST", flag="--api-port"),
        approve=options["approve"],
        automation=read_automation(options["automation"]),
        seed=options["seed"],
        bundles=[app.bundle] if app.bundle is not None else [],
        images=[] if app.bundle is not None else [app.image],
    )


@contextlib.asynccontextmanager
async def _door(port: int | None) -> AsyncIterator[GdbDoor | None]:
    """Give the door for gdb, open, or None when nobody wants one."""
    if port is None:
        yield None
        return
    from tallystick.cli.gdb_door import GdbDoor
    from tallystick.device.normal.listener import bind

    door = GdbDoor(bind(port, what="gdb", flag="--gdb"))
    await door.open()
    try:
        yield door
    finally:
        await door.close()


def _announce(facts: dict[str, Any], app: AppFile, *, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps({"pid": os.getpid(), **facts, "app": app.name}))
    else:
        click.echo(
            f"{app.name} runs on {facts['model']} {facts['serial']} (worlds: not isolated; a development device)"
        )
        click.echo(f"  page and REST   http://127.0.0.1:{facts['api_port']}/")
        click.echo(f"  APDUs over TCP  127.0.0.1:{facts['apdu_port']}")
        if facts["gdb_port"] is not None:
            click.echo(f"  gdb             gdb-multiarch {app.path} -ex 'target remote 127.0.0.1:{facts['gdb_port']}'")
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()
