"""`tally up`: start a device and leave it running, with its page to look at."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.automation import read_automation
from tallystick.cli.key_provider import HELP, METAVAR
from tallystick.cli.target import Run
from tallystick.cli.up_check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tallystick.cli.ble import Ble
    from tallystick.cli.usb import Usb
    from tallystick.device.normal.relay import Relay
    from tallystick.wire.bundle import Bundle

MODELS = ("nanos", "nanox", "nanosp", "stax", "flex", "apex_p")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--board",
    type=click.Choice(["isolated", "embedded", "gadget"]),
    default="isolated",
    show_default=True,
    help="how the device is put together: each world in a locked process of its own, all in one (embedded), or "
    "isolated on a Linux board whose USB port is the device's (gadget)",
)
@click.option("--model", type=click.Choice(MODELS), default="nanosp", show_default=True, help="which device it is")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="where the device keeps its flash; without it a folder of your own, by model",
)
@click.option("--ephemeral", is_flag=True, help="keep nothing: the device is gone when it stops")
@click.option("--seed", metavar="WORDS", default="", help="recovery words: makes a marked test device, set up at once")
@click.option(
    "--pin", metavar="DIGITS", default="", help="with --seed: the PIN of the test device, which starts locked"
)
@click.option(
    "--pin-policy",
    type=click.Choice(["ledger", "backoff"]),
    default="ledger",
    show_default=True,
    help="for a device that is set up now: three tries, or sixteen with waits that double",
)
@click.option("--key-provider", metavar=METAVAR, default="", help=f"{HELP} [default for a new device: simulated]")
@click.option("--expert", is_flag=True, help="apps start in expert mode")
@click.option("--app", "app_names", metavar="NAME", multiple=True, help="install an app of the built-in catalogue")
@click.option("--open", "open_app", metavar="NAME", default="", help="open this app at start")
@click.option("--apdu-port", type=click.IntRange(0, 65535), default=9999, show_default=True, help="0 takes a free one")
@click.option("--api-port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="0 takes a free one")
@click.option("--no-panel", is_flag=True, help="no page and no REST API")
@click.option("--approve", is_flag=True, help="approve all but what native apps paint (test devices only)")
@click.option("--automation", metavar="FILE", default="", help="Speculos rules: a path, file:PATH or the JSON itself")
@click.option("--no-manager", is_flag=True, help="start no manager beside the device")
@click.option("--manager", metavar="URL", default="", help="start no manager: this one is the device's")
@click.option(
    "--issuer-key", metavar="FILE", default="", help="who certifies a fresh device, if not the workshop's own issuer"
)
@click.option(
    "--no-certificate", is_flag=True, help="leave a fresh device without a certificate, for `tally factory provision`"
)
@click.option(
    "--owner-key",
    metavar="WHERE",
    default="",
    help="whose key the manager beside certifies attestation keys with: a key file, or pkcs11:… "
    "[default: the test realm's, which everybody knows]",
)
@click.option(
    "--usb",
    metavar="[WAY]",
    is_flag=False,
    flag_value="vhci",
    default="",
    help="be a real USB device of this machine (Linux; asks for root), or tcp[:PORT]: serve USB/IP on the loopback address",
)
@click.option(
    "--ble",
    metavar="[ADAPTER]",
    is_flag=False,
    flag_value="any",
    default="",
    help="be a Bluetooth LE device, by BlueZ and an adapter of this machine such as hci0 (Linux; models that have Bluetooth)",
)
@click.option(
    "--zemu-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="serve gRPC as well, for clients that were built for Zemu, such as gaiad; those want 3002",
)
@click.option("--deterministic-rng", type=click.IntRange(0), metavar="N", help="repeatable random numbers, for tests")
@click.option("--trace", is_flag=True, help="say every call of native apps on stderr (test devices only)")
@click.option("--json", "is_json", is_flag=True, help="print one line of JSON when ready")
@click.option("-v", "--verbose", "is_verbose", is_flag=True, help="log what the device does; apps may write to stderr")
@click.pass_obj
def up(run: Run, /, **options: Any) -> None:
    """Start a device and leave it running until Ctrl-C or SIGTERM.

    A fresh device wants to be set up, on its screen. With --seed it is a test device that is ready at once, and is
    forgotten when it stops unless --state says where to keep it:

    \b
    tally up --seed "test test test test test test test test test test test junk" \\
             --open cosmos

    With --json one line says where it is: pid, model, serial, apdu_port, api_port (null with --no-panel),
    issuer_public_key, manager_http and manager_ws (null without a manager).
    """  # noqa: D301 -- click wants the control character, which keeps the example's lines
    run.is_json = run.is_json or options["is_json"]
    check(options)
    if options["is_verbose"]:
        import logging

        logging.basicConfig(format="%(message)s", level=logging.INFO)
    from tallystick.device.boot.kept_code import KeptCode

    kept = KeptCode("up")
    kept.use()
    try:
        _up(run, options)
    finally:
        kept.keep()


def _up(run: Run, options: dict[str, Any]) -> None:
    parts = _parts(options)
    from tallystick.cli.beacon import Beacon
    from tallystick.cli.manager_beside import manager_for

    with (
        contextlib.suppress(KeyboardInterrupt),
        _usb(options) as usb,
        _ble(options) as ble,
        manager_for(options) as manager,
        contextlib.closing(Beacon()) as beacon,
    ):
        cables: dict[str, Usb | Ble] = {name: one for name, one in (("usb", usb), ("ble", ble)) if one is not None}
        parts["usb"], parts["ble"] = (one.listener if one is not None else None for one in (usb, ble))

        def announce(facts: dict[str, Any], worlds: str) -> None:
            """Show the facts once every cable is plugged in."""
            waiting = next((name for name in cables if name not in facts), None)
            if waiting is None:
                show(facts, worlds)
            else:
                cable = cables[waiting]
                cable.when_plugged(lambda: announce({**facts, waiting: cable.facts}, worlds))

        def show(facts: dict[str, Any], worlds: str) -> None:
            zemu = {} if parts["zemu"] is None else {"zemu_port": parts["zemu"].getsockname()[1]}
            told = {**facts, **zemu, **manager.facts}
            _announce(told, worlds, is_json=run.is_json)
            beacon.show({"pid": os.getpid(), **told})
            # last, so that its start takes nothing from the device's
            manager.start()

        _hold(parts, options, announce, cables.values())


def _hold(
    parts: dict[str, Any],
    options: dict[str, Any],
    announce: Callable[[dict[str, Any], str], None],
    cables: Iterable[Usb | Ble],
) -> None:
    """Hold the device on its board until it is stopped; `announce` is given its facts, and how its worlds are walled."""
    if options["board"] == "isolated":
        from tallystick.cli.bench import hold

        hold(
            parts,
            options,
            lambda facts: announce(_certified(facts, options), "isolated"),
            prepare=_load_provisioning,
            cables=cables,
        )
        return

    import asyncio

    from tallystick.cli.embedded import serve

    def on_ready(facts: dict[str, Any], relay: Relay) -> None:
        announce(_certified(facts, options, relay), "not isolated")

    asyncio.run(serve(parts, options, on_ready, cables=cables))


def _bundles(names: Iterable[str], owner_key: str) -> list[Bundle]:
    """Return apps of the built-in catalogue; raise UsageError for a name that is not in it."""
    if not names:  # reading the catalogue takes time that a start without apps need not take
        return []
    from tallystick.cli.catalogue import built_in

    return [built_in(name, owner_key=owner_key) for name in names]


def _parts(options: dict[str, Any]) -> dict[str, Any]:
    """Return what every board is given: sockets, bundles, rules, and the test device's words."""
    from tallystick.device.normal.listener import bind

    names = dict.fromkeys(name.lower() for name in (*options["app_names"], options["open_app"]) if name)
    bundles = _bundles(names, options["owner_key"])
    automation = read_automation(options["automation"])
    if not options["no_panel"]:
        from tallystick.ui.extra import require_extra

        require_extra("device")
    listener = bind(options["apdu_port"])
    http = None if options["no_panel"] else bind(options["api_port"], what="page and REST", flag="--api-port")
    zemu = None if options["zemu_port"] is None else bind(options["zemu_port"], what="gRPC", flag="--zemu-port")
    return {
        "model": options["model"],
        "listener": listener,
        "http": http,
        "zemu": zemu,
        "approve": options["approve"],
        "automation": automation,
        "seed": options["seed"],
        "pin": options["pin"],
        "expert": options["expert"],
        "bundles": bundles,
        "open_app": options["open_app"],
        "facts": {} if options["deterministic_rng"] is None else {"randomness": "repeatable"},
    }


@contextlib.contextmanager
def _usb(options: dict[str, Any]) -> Iterator[Usb | None]:
    """Give the device's USB socket and its cable, if it is to have one."""
    if not options["usb"]:
        yield None
        return
    from tallystick.cli.usb import Usb, Way

    with contextlib.closing(Usb(Way.parse(options["usb"]))) as usb:
        yield usb


@contextlib.contextmanager
def _ble(options: dict[str, Any]) -> Iterator[Ble | None]:
    """Give the device's Bluetooth radio, if it is to have one."""
    if not options["ble"]:
        yield None
        return
    from tallystick.cli.ble import Ble, adapter_of

    with contextlib.closing(Ble(adapter_of(options["ble"], model=options["model"]))) as ble:
        yield ble


def _load_provisioning() -> None:
    """Load what `_certified` needs for a new device."""
    from tallystick.cli import certificate

    certificate.load()


def _certified(facts: dict[str, Any], options: dict[str, Any], relay: Relay | None = None) -> dict[str, Any]:
    """Return the facts of a device that has its certificate: one without gets it now, before anybody is told of it."""
    if options["no_certificate"] or (facts["issuer_public_key"] is not None and not options["issuer_key"]):
        return facts
    from tallystick.cli.certificate import certified, over_relay, over_tcp

    exchange = over_tcp(facts["apdu_port"]) if relay is None else over_relay(relay)
    return certified(facts, exchange, issuer_key=options["issuer_key"])


def _announce(facts: dict[str, Any], worlds: str, *, is_json: bool) -> None:
    """Say that the device is ready: one line of JSON for scripts, a few lines for people."""
    if is_json:
        click.echo(json.dumps({"pid": os.getpid(), **facts}))
    else:
        click.echo(f"{facts['model']} {facts['serial']} is running (worlds: {worlds}; a development device)")
        if facts["api_port"] is not None:
            click.echo(f"  page and REST   http://127.0.0.1:{facts['api_port']}/")
        click.echo(f"  APDUs over TCP  127.0.0.1:{facts['apdu_port']}")
        if "zemu_port" in facts:
            click.echo(f"  gRPC (Zemu)     127.0.0.1:{facts['zemu_port']}")
        if "usb" in facts:
            port = facts["usb"]["port"]
            click.echo(f"  USB             {facts['usb']['kind']}" + (f" 127.0.0.1:{port}" if port else ""))
        if "ble" in facts:
            click.echo(f"  Bluetooth LE    {facts['ble']['adapter'] or 'on the air'}")
        if facts["manager_http"] is not None:
            click.echo(f"  manager         {facts['manager_http']}")
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()
