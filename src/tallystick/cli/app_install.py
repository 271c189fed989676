"""`tally app install`, `remove` and `update`: apps from a manager, or of one's own."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tallystick.cli.follow import follow
from tallystick.cli.manager_target import ManagerCommand, connect_manager
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.errors import UsageError

if TYPE_CHECKING:
    from tallystick.cli.app_file import AppFile
    from tallystick.cli.target import Run
    from tallystick.host.actions.install import Change
    from tallystick.host.session import Session

_WORDS: Final = {
    "installed": "{name} {version} is installed.",
    "updated": "{name} is now version {version}.",
    "current": "{name} {version} is the newest.",
    "removed": "{name} is removed.",
}


@click.command(cls=ManagerCommand)
@click.argument("name", metavar="NAME|FILE")
@click.option("--version", metavar="VERSION", help="refuse any other version")
@click.option(
    "--user",
    is_flag=True,
    help="FILE is an app of your own, in a form that `tally app run` takes, too: load it without a manager",
)
def install(manager_url: str, name: str, *, version: str | None, user: bool) -> Report:
    """Install the app NAME from the device's manager, or with --user an app of your own from a file.

    The device asks once whether the manager may speak to it. An app of your own it shows with its hash, and asks again.
    """
    from tallystick.host.actions import install as actions

    run = current_run()
    if user:
        return _sideload(Path(name), manager_url=manager_url, version=version)
    if name.endswith((".bundle", ".elf", ".hex")):
        raise UsageError(f"{name} is a file", remedy="add --user to load an app of your own")
    session = run.connect()
    with contextlib.closing(connect_manager(run, session, manager_url)) as client:
        change = follow(run, actions.install(session, client, name, version=version))
    return _report("app.install", session.url, change)


@click.command(cls=ManagerCommand)
@click.argument("name")
@click.option("--user", is_flag=True, help="without a manager; NAME is then as the device has it, to the letter")
def remove(manager_url: str, name: str, *, user: bool) -> Report:
    """Remove the app NAME. One that is not there is removed already."""
    from tallystick.host.actions import install as actions
    from tallystick.host.actions.sideload import unload

    run = current_run()
    if user and manager_url:
        raise UsageError("--user asks no manager", remedy="leave one of --user and --manager away")
    session = run.connect()
    if user:
        found = follow(run, unload(session, name))
        return _report("app.remove", session.url, actions.Change(name=found, version=None, action="removed"))
    with contextlib.closing(connect_manager(run, session, manager_url)) as client:
        change = follow(run, actions.remove(session, client, name))
    return _report("app.remove", session.url, change)


@click.command(cls=ManagerCommand)
@click.argument("name", required=False)
@click.option("--all", "is_all", is_flag=True, help="every installed app that the manager has")
def update(manager_url: str, name: str | None, *, is_all: bool) -> Report:
    """Bring the app NAME, or all of them, to the version that the manager has.

    The old version is removed first, with what it keeps on the device.
    """
    from tallystick.host.actions import install as actions

    if is_all == (name is not None):
        raise UsageError("name one app, or give --all", remedy="tally app list shows what is installed")
    run = current_run()
    session = run.connect()
    with contextlib.closing(connect_manager(run, session, manager_url)) as client:
        changes = follow(run, actions.update(session, client, [name] if name is not None else []))
    return Report(
        schema="app.update",
        data={"device": session.url, "apps": [_members(one) for one in changes]},
        lines=[_line(one) for one in changes] or ["No app is installed that the manager has."],
    )


def available_apps(manager_url: str) -> Report:
    """List what the manager has for the device."""
    from tallystick.host.actions import install as actions

    run = current_run()
    session = run.connect()
    with contextlib.closing(connect_manager(run, session, manager_url)) as client:
        found = follow(run, actions.available(session, client))
    apps = [
        {
            "name": one.version_name,
            "version": one.version,
            "bytes": one.bytes,
            "full_hash": one.hash,
            "description": one.description,
        }
        for one in found
    ]
    return Report(
        schema="app.available",
        data={"device": session.url, "manager": client.address.http, "apps": apps},
        lines=() if found else ("The manager has no app for this device.",),
        headings=("NAME", "VERSION", "BYTES", "HASH") if found else (),
        rows=[(one.version_name, one.version, str(one.bytes or "-"), one.hash[:16]) for one in found],
    )


def _sideload(path: Path, *, manager_url: str, version: str | None) -> Report:
    from tallystick.cli.app_file import read_app_file
    from tallystick.host.actions.install import Change
    from tallystick.host.actions.sideload import sideload
    from tallystick.wire.install import InstallParameters

    if manager_url or version:
        raise UsageError("--user asks no manager", remedy="leave --manager and --version away")
    app = read_app_file(path)
    run = current_run()
    session = run.connect()
    if app.bundle is None:
        _require_level(run, session, app)
    name = follow(run, sideload(session, app.image, built_for=app.target_id))
    said = InstallParameters.from_bytes(app.image.parameters).version
    return _report("app.install", session.url, Change(name=name, version=said, action="installed"))


def _require_level(run: Run, session: Session, app: AppFile) -> None:
    """Refuse native code that a device of ours could not run; which levels other devices run, they say themselves."""
    from tallystick.device.native.generation import generation_of
    from tallystick.host.actions.device import info

    if app.model is not None and follow(run, info(session)).boundaries is not None:
        generation_of(app.model, app.image.create.api_level, code=app.image.code)


def _report(schema: str, device: str, change: Change) -> Report:
    return Report(schema=schema, data={"device": device, **_members(change)}, lines=(_line(change),))


def _members(change: Change) -> dict[str, object]:
    return {"name": change.name, "version": change.version, "action": change.action}


def _line(change: Change) -> str:
    return _WORDS[change.action].format(name=change.name, version=change.version)
