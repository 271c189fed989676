"""`tally manager publish` and `list`: what the manager offers."""

from __future__ import annotations

import os
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.manager_store import DATABASE, HSM, database_url, open_store, publishing, require_manager
from tallystick.cli.render import Report
from tallystick.errors import UsageError

if TYPE_CHECKING:
    from tallystick.wire.image import AppImage

_TABLE = {
    "app": Lazy(target="tallystick.cli.manager_publish:app", summary="offer an app"),
    "firmware": Lazy(target="tallystick.cli.manager_publish:firmware", summary="offer a release of the firmware"),
}
_PROVIDER = click.option(
    "--provider", "providers", type=click.IntRange(1, 5), multiple=True, default=(1,), help="for whom [default: 1]"
)
_MAX_PICTURE: Final = 1 << 20
_NOTES = click.option("--notes", metavar="TEXT", default="", help="what is new, for people")


@click.group("publish", cls=LazyGroup, lazy=_TABLE)
def publish() -> None:
    """Offer apps and firmware to devices of this manager's issuer."""


@click.command("app", cls=DeviceCommand)
@click.argument("source", metavar="FILE|NAME")
@click.option("--model", "models", metavar="NAME", multiple=True, help="a model it is for; may be repeated")
@click.option("--all-models", is_flag=True, help="it is for every model")
@_PROVIDER
@_NOTES
@click.option("--description", metavar="TEXT", default="", help="one line, for people")
@click.option(
    "--icon", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.png", help="its picture"
)
@click.option("--replace", is_flag=True, help="other bytes under a version that is published already")
@DATABASE
@HSM
def app(
    *,
    source: str,
    models: tuple[str, ...],
    all_models: bool,
    providers: tuple[int, ...],
    notes: str,
    description: str,
    icon: Path | None,
    replace: bool,
    database: str,
    hsm: str,
) -> Report:
    """Offer an app in a form that `tally app run` takes, too, or one of the built-in catalogue by NAME.

    It is signed for every known version of the OS. A native app is for the model that it was built for: its files for several
    models are published one by one, under one version.
    """
    require_manager()
    if bool(models) == all_models:
        raise UsageError("the models are not named", remedy="give --model NAME, or --all-models")
    from tallystick.manager.catalog.service import NewApp, publish_app
    from tallystick.manager.db.record import note

    new = NewApp(
        image=_image(source, models=models),
        models=models,
        providers=providers,
        description=description,
        notes=notes,
        icon=None if icon is None else _picture(icon),
        replace=replace,
    )
    with publishing(database, hsm) as (session, keyring):
        release = publish_app(session, new, software=keyring.software)
        name, version = release.app.name, release.version
        note(session, actor=_user(), action="publish", subject=f"{name} {version}")
        names = [device.name for device in release.devices]
    return Report(
        schema="manager.publish.app",
        data={"name": name, "version": version, "models": names},
        lines=(f"{name} {version} is offered to {', '.join(names)}.",),
    )


@click.command("firmware", cls=DeviceCommand)
@click.argument("folder", metavar="RELEASE_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", "models", metavar="NAME", multiple=True, required=True, help="may be repeated")
@_PROVIDER
@_NOTES
@click.option("--ratio", type=click.FloatRange(0, 1), metavar="R", help="offer it to this share of users only")
@click.option("--exclude-by-default", is_flag=True, help="not to those who do not say who they are")
@click.option("--minimum-client", metavar="VERSION", default="", help="the client's version it needs")
@DATABASE
@HSM
def firmware(
    *,
    folder: Path,
    models: tuple[str, ...],
    providers: tuple[int, ...],
    notes: str,
    ratio: float | None,
    exclude_by_default: bool,
    minimum_client: str,
    database: str,
    hsm: str,
) -> Report:
    """Offer the release in RELEASE_DIR, as `tally factory build` made it, to older versions of these models."""
    require_manager()
    from tallystick.cli.manager_release import read_release
    from tallystick.manager.catalog.service import devices_named, sign_missing
    from tallystick.manager.db.record import note
    from tallystick.manager.firmware.service import publish as publish_firmware

    models = tuple(dict.fromkeys(models))
    with publishing(database, hsm) as (session, keyring):
        for device in devices_named(session, models):
            new = read_release(
                folder,
                model=device.name,
                providers=providers,
                notes=notes,
                distribution_ratio=ratio,
                exclude_by_default=exclude_by_default,
                minimum_live_version=minimum_client or None,
            )
            publish_firmware(session, device, new)
            note(session, actor=_user(), action="publish", subject=f"firmware {new.version} for {device.name}")
        signed = sign_missing(session, software=keyring.software)
    return Report(
        schema="manager.publish.firmware",
        data={"version": new.version, "mcu_version": new.mcu_version, "models": list(models), "apps_signed": signed},
        lines=(f"Firmware {new.version} (Normal World {new.mcu_version}) is offered to {', '.join(models)}.",),
    )


@click.command("list", cls=DeviceCommand)
@DATABASE
def list_offers(database: str) -> Report:
    """List what is offered: apps, and firmware by model."""
    require_manager()
    from sqlalchemy import select

    from tallystick.manager.db.engine import sessions_of
    from tallystick.manager.db.model import AppRelease
    from tallystick.manager.db.model import Final as FinalRow

    with open_store(database_url(database)) as engine, sessions_of(engine)() as session:
        rows = [
            ("app", one.app.name, one.version, ", ".join(device.name for device in one.devices))
            for one in session.scalars(select(AppRelease).order_by(AppRelease.id))
        ]
        rows += [
            ("firmware" if one.firmware else "known", "firmware", one.version, one.device.name)
            for one in session.scalars(select(FinalRow).order_by(FinalRow.device_id, FinalRow.id))
        ]
    members = ("kind", "name", "version", "models")
    return Report(
        schema="manager.list",
        data={"offers": [dict(zip(members, row, strict=True)) for row in rows]},
        lines=() if rows else ("Nothing is offered.",),
        headings=("KIND", "NAME", "VERSION", "MODELS") if rows else (),
        rows=rows,
    )


def _image(source: str, *, models: tuple[str, ...]) -> AppImage:
    """Return the app in a file or folder, or of the built-in catalogue; raise UsageError when it is for other models."""
    path = Path(source)
    if not path.suffix and not path.exists():
        from tallystick import apps

        return apps.bundle(source).image()
    from tallystick.cli.app_file import Form, read_app_file

    app = read_app_file(path, model=models[0] if len(models) == 1 else None)
    if app.form is not Form.BUNDLE and app.model is not None and models != (app.model,):
        raise UsageError(f"{source} was built for {app.model}", remedy=f"give --model {app.model} and no other")
    return app.image


def _picture(path: Path) -> bytes:
    remedy = "give a PNG of at most a mebibyte"
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_PICTURE + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy=remedy) from error
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) > _MAX_PICTURE:
        raise UsageError(f"{path} is no picture", remedy=remedy)
    return data


def _user() -> str:
    """Return who publishes, for the log: in a container a user may have a number and no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
