"""The device that `tally up` runs: its sockets, apps and cables, the manager beside it, and what is said when it is ready."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.automation import read_automation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tallystick.cli.ble import Ble
    from tallystick.cli.usb import Usb
    from tallystick.device.normal.relay import Relay
    from tallystick.wire.bundle import Bundle


def run_device(options: dict[str, Any], *, is_json: bool) -> None:
    """Run the device that the command line describes until it is stopped; `options` have passed `tallystick.cli.up_check`."""
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
            _announce(told, worlds, is_json=is_json)
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
