"""`tally emulate`: one native app, open at once, with the options of Speculos (speculos 4.1)."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tallystick.cli.command import SETTINGS
from tallystick.cli.emulate_check import check, set_levels, transport_of
from tallystick.cli.target import Run
from tallystick.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallystick.cli.emulate_app import EmulatedApp
    from tallystick.device.board.service import ServiceOptions
    from tallystick.device.sandbox.app_process import ProcessHost

_Command = TypeVar("_Command", bound="Callable[..., Any] | click.Command")

#: the words that Speculos takes when nobody names others
SPECULOS_SEED = (
    "glory promote mansion idle axis finger extra february uncover one trip resource "
    "lawn turtle enact monster seven myth punch hobby comfort wild raise skin"
)
#: the test root that certificates in apps' test suites chain to (Speculos, os_signature.c: secp256k1, uncompressed)
_TEST_ROOT = (
    "04377013a78fdeebaeb44c262560c039b494bcfd89dc59fd23cccace1b2952caa6"
    "616a0cfe6683ab9639c6fce444cdcd7c69868d27dc77ea66d86228aee5933172"
)


def _refused(*names: str, is_flag: bool = False) -> Callable[[_Command], _Command]:
    return click.option(*names, is_flag=is_flag, default=None, hidden=True)


@click.command(context_settings=SETTINGS)
@click.argument("words", metavar="APP.elf", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-m", "--model", metavar="MODEL", help="refused if the file was built for another one [default: the file's]"
)
@click.option(
    "-a", "--apiLevel", "api_level", type=click.IntRange(1, 255), metavar="N", help="for a file that says none"
)
@click.option("-l", "--library", "libraries", metavar="[NAME:]FILE", multiple=True, help="an app that others call")
@click.option(
    "-s", "--seed", metavar="WORDS", default=SPECULOS_SEED, help="recovery words [default: those of Speculos]"
)
@click.option("--deterministic-rng", metavar="N", default="", help="repeatable random numbers")
@click.option("--load-nvram", is_flag=True, help="begin with what main_nvram.bin holds, in the working directory")
@click.option("--save-nvram", is_flag=True, help="at the end, write what the app keeps into main_nvram.bin")
@click.option("--automation", metavar="FILE", default="", help="rules: a path, file:PATH or the JSON itself")
@click.option("--apdu-port", type=click.IntRange(0, 65535), default=9999, show_default=True, help="0 takes a free one")
@click.option("--api-port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="0: no page, no REST")
@click.option("--display", default="headless", show_default=True, help="there is no window: the page shows the screen")
@click.option(
    "-T", "--transport", default="", metavar="HID|U2F", help="U2F: reports of 64 bytes in place of APDUs [default: HID]"
)
@click.option("-u", "--usb", "usb", default="HID", hidden=True)
@click.option(
    "--shared-lib", metavar="DIR", default="", help="the `speculos` package whose shared libraries apps may call"
)
@click.option(
    "--pki-root", metavar="KEY", default=_TEST_ROOT, help="whose certificates hold [default: the test key of Speculos]"
)
@click.option("--log-level", "log_levels", metavar="NAME:LEVEL", multiple=True, help="how much a logger says")
@click.option("-v", "--verbose", "is_verbose", is_flag=True, help="log what the device does")
@click.option("-t", "--trace", "is_traced", is_flag=True, help="say every system call and library call, on stderr")
@click.option("--approve", is_flag=True, help="approve all but what native apps paint: for that, --automation")
@click.option("--stay", is_flag=True, help="go back to the dashboard when the app ends")
@click.option("--stand-in", is_flag=True, help="run a command in which `python -m speculos` starts `tally emulate`")
@click.option("--json", "is_json", is_flag=True, help="print one line of JSON when ready")
@_refused("-d", "--debug", is_flag=True)
@_refused("--user-private-key")
@_refused("--attestation-key")
@_refused("--automation-port")
@_refused("--button-port")
@_refused("--finger-port")
@_refused("--vnc-port")
@_refused("--vnc-password")
@_refused("-p", "--pki-prod", is_flag=True)
@_refused("--color")
@_refused("--ontop", is_flag=True)
@_refused("--xy")
@_refused("--zoom")
@_refused("--keymap")
@_refused("--progressive", is_flag=True)
@_refused("-S", "--sound", is_flag=True)
@click.pass_obj
def emulate(run: Run, /, words: tuple[str, ...], **options: Any) -> int | None:
    """Run one native app on a test device that is set up, with the app open at once; the options are those of Speculos.

    It ends when the app does, or with Ctrl-C or SIGTERM. Ports are those of this machine alone.

    Test suites that start Speculos by themselves, Ragger's among them, run unchanged behind --stand-in:

    \b
    tally emulate --stand-in -- pytest tests/ --device nanox
    """  # noqa: D301 -- click wants the control character, which keeps the example's lines
    run.is_json = run.is_json or options["is_json"]
    if options["stand_in"]:
        from tallystick.cli.stand_in import stand_in

        return stand_in(words)
    if len(words) != 1:
        raise UsageError("one app is run at a time", remedy="name its ELF file; others it calls go with -l")
    check(options)
    set_levels(options)
    from tallystick.device.boot.kept_code import KeptCode

    kept = KeptCode("emulate")
    kept.use()
    try:
        return _run(run, Path(words[0]), options)
    finally:
        kept.keep()


def _run(run: Run, path: Path, options: dict[str, Any]) -> int:
    from tallystick.cli.app_symbol import tell_functions
    from tallystick.cli.emulate_app import model_of, read_app, read_library, warm_up
    from tallystick.cli.emulate_nvram import load, save

    app = read_app(path, api_level=options["api_level"])
    tell_functions(app.elf)
    model = model_of(app, options["model"])
    libraries = [read_library(source, api_level=options["api_level"]) for source in options["libraries"]]
    apps = {"main": app, **{one.name: one for one in libraries}}
    records = load(apps) if options["load_nvram"] else {}
    # what is traced is another program
    warm = None if options["is_traced"] else warm_up(app, model=model, speculos=options["shared_lib"])
    try:
        parts = _parts(model, app, libraries, options)
        root = _root(options["pki_root"])
    except BaseException:
        if warm is not None:
            warm[1].end()
        raise

    import asyncio

    from tallystick.device.board.service import Service

    async def serve() -> int:
        host = _host(options, root)
        if warm is not None:
            host.keep_warm(*warm)
        service = Service(_service_options(parts, records, options), apps=host)
        host.settle = service.board.run
        spoken = "U2F" if transport_of(options) == "U2F" else "APDUs"
        await service.run(lambda facts: _announce(facts, app, spoken=spoken, is_json=run.is_json))
        if options["save_nvram"]:
            save(apps, service.board.system.session.storage.records)
        return 1 if service.app_ended else 0

    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(serve())
    return 0


def _host(options: dict[str, Any], root: bytes) -> ProcessHost:
    """Return what runs the app, in a process of its own; must be called inside the event loop."""
    import asyncio

    from tallystick.device.sandbox.app_process import ProcessHost
    from tallystick.device.sandbox.watch import Watch

    watch = Watch(trace_sink=sys.stderr.fileno()) if options["is_traced"] else None
    return ProcessHost(asyncio.get_running_loop(), speculos=options["shared_lib"], watch=watch, test_root=root)


def _service_options(
    parts: dict[str, Any], records: dict[str, dict[str, bytes]], options: dict[str, Any]
) -> ServiceOptions:
    """Return what the device is made of; `records` is what its apps kept before."""
    from tallystick.device.board.service import ServiceOptions
    from tallystick.device.silicon.clock import MonotonicClock
    from tallystick.device.silicon.entropy import RepeatableRng, SystemRng
    from tallystick.device.silicon.flash import MemoryFlash

    number = options["deterministic_rng"]
    return ServiceOptions(
        **parts,
        flash=MemoryFlash(),
        rng=RepeatableRng(_number(number)) if number else SystemRng(),
        clock=MonotonicClock(),
        records=records,
    )


def _root(text: str) -> bytes:
    """Return the key whose certificates hold, 65 bytes."""
    from tallystick.crypto.secp256k1 import decompress

    try:
        return decompress(bytes.fromhex(text))
    except (ValueError, UsageError):
        raise UsageError(
            "--pki-root is no public key", remedy="give a point of secp256k1 in hex, of 33 or 65 bytes"
        ) from None


def _number(text: str) -> int:
    try:
        return abs(int(text))
    except ValueError:
        raise UsageError(f"{text} is no number", remedy="give --deterministic-rng a number") from None


def _parts(model: str, app: EmulatedApp, libraries: list[EmulatedApp], options: dict[str, Any]) -> dict[str, Any]:
    """Return what the device is given; sockets are bound, and rules are checked, before it is made."""
    from tallystick.cli.automation import read_automation
    from tallystick.device.normal.door import Door
    from tallystick.device.normal.listener import bind

    automation = read_automation(options["automation"])
    http = None
    if options["api_port"]:
        from tallystick.ui.extra import require_extra

        require_extra("device")
        http = bind(options["api_port"], what="page and REST", flag="--api-port")
    return {
        "model": model,
        "listener": bind(options["apdu_port"]),
        "spoken": Door.REPORT if transport_of(options) == "U2F" else Door.TCP,
        "http": http,
        "approve": options["approve"],
        "automation": automation,
        "seed": options["seed"],
        "images": [one.image for one in (*libraries, app)],
        "open_app": app.name,
        "ends_with_app": not options["stay"],
        "facts": {"randomness": "repeatable"} if options["deterministic_rng"] else {},
    }


def _announce(facts: dict[str, Any], app: EmulatedApp, *, spoken: str, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps({"pid": os.getpid(), **facts, "app": app.name}))
    else:
        click.echo(
            f"{app.name} runs on {facts['model']} {facts['serial']} (worlds: not isolated; a development device)"
        )
        if facts["api_port"] is not None:
            click.echo(f"  page and REST   http://127.0.0.1:{facts['api_port']}/")
        click.echo(f"  {spoken:<5} over TCP  127.0.0.1:{facts['apdu_port']}")
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()
