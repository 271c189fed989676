"""`tally app`: the apps of a device."""

from __future__ import annotations

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.follow import follow
from tallystick.cli.manager_target import ManagerCommand
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.host.actions import app as actions
from tallystick.wire.dashboard import AppAndVersion

_TABLE = {
    "list": Lazy(target="tallystick.cli.app:list_apps", summary="the installed apps, or those the manager has"),
    "install": Lazy(
        target="tallystick.cli.app_install:install", summary="install an app of the manager, or one of your own"
    ),
    "remove": Lazy(target="tallystick.cli.app_install:remove", summary="remove an app"),
    "update": Lazy(target="tallystick.cli.app_install:update", summary="bring apps to the manager's version"),
    "open": Lazy(target="tallystick.cli.app:open_app", summary="open an app"),
    "quit": Lazy(target="tallystick.cli.app:quit_app", summary="go back to the dashboard"),
    "build": Lazy(target="tallystick.cli.app_develop:build", summary="build a native app of your own from C sources"),
    "run": Lazy(target="tallystick.cli.app_run:run_app", summary="run an app of your own on a device of its own"),
    "pack": Lazy(target="tallystick.cli.app_develop:pack", summary="pack an app of your own for others"),
    "info": Lazy(target="tallystick.cli.app_develop:info", summary="tell what an app of your own is and asks for"),
}


@click.group(cls=LazyGroup, lazy=_TABLE)
def app() -> None:
    """List, install, update, remove, open and quit the apps of a device; build, run, pack and look at your own."""


@click.command("list", cls=ManagerCommand)
@click.option("--available", is_flag=True, help="list what the manager has for the device")
def list_apps(manager_url: str, *, available: bool) -> Report:
    """List the installed apps. The device may ask whether it may."""
    if available:
        from tallystick.cli.app_install import available_apps

        return available_apps(manager_url)
    run = current_run()
    session = run.connect()
    entries = follow(run, actions.list_apps(session))
    apps = [
        {
            "name": entry.name,
            "blocks": entry.blocks,
            "flags": f"{entry.flags:04x}",
            "code_hash": entry.code_hash.hex(),
            "full_hash": entry.full_hash.hex(),
        }
        for entry in entries
    ]
    return Report(
        schema="app.list",
        data={"device": session.url, "apps": apps},
        lines=() if entries else ("No app is installed.",),
        headings=("NAME", "BLOCKS", "HASH") if entries else (),
        rows=[(entry.name, str(entry.blocks), entry.full_hash.hex()[:16]) for entry in entries],
    )


@click.command("open", cls=DeviceCommand)
@click.argument("name")
def open_app(name: str) -> Report:
    """Open the app NAME, quitting another one first. The device asks for a confirmation on its screen."""
    run = current_run()
    session = run.connect()
    current = follow(run, actions.open_app(session, name))
    return _opened("app.open", session.url, current)


@click.command("quit", cls=DeviceCommand)
def quit_app() -> Report:
    """Quit the app that is open and go back to the dashboard."""
    run = current_run()
    session = run.connect()
    current = follow(run, actions.quit_app(session))
    return _opened("app.quit", session.url, current)


def _opened(schema: str, url: str, current: AppAndVersion) -> Report:
    if current.is_dashboard:
        return Report(
            schema=schema,
            data={"device": url, "open_app": None, "open_app_version": None},
            lines=("The dashboard is open.",),
        )
    return Report(
        schema=schema,
        data={"device": url, "open_app": current.name, "open_app_version": current.version},
        lines=(f"{current.name} {current.version} is open.",),
    )
