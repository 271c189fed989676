"""What the commands about the manager share: the extra they need, where database and keys are by default, and opening both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs

from tallystick.errors import StateError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tallystick.manager.hsm.keyring import Keyring

_NEEDED = ("starlette", "uvicorn", "websockets", "sqlalchemy", "alembic", "structlog")

DATABASE = click.option(
    "--database",
    metavar="URL",
    default="",
    help="sqlite:///FILE or postgresql://HOST/NAME (a password belongs into ~/.pgpass) [default: a file of your own]",
)
HSM = click.option(
    "--hsm",
    metavar="URL",
    default="",
    help="file:DIR, or pkcs11:token=LABEL;module=LIBRARY?pin-source=file:PATH [default: the workshop's test keys]",
)


def require_manager() -> None:
    """Check that the manager's third parties are installed; raise UsageError with the way to get them."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the manager needs {', '.join(missing)}, which is not installed",
            remedy="pip install 'tallystick[manager]'",
        )


def database_url(given: str) -> str:
    """Return the URL of the database, by default a file of the user's own, whose folder is made."""
    if given:
        return given
    folder = Path(platformdirs.user_data_dir("tallystick")) / "manager"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"{folder} cannot be made: {error.strerror}", remedy="choose one with --database") from error
    return f"sqlite:///{folder / 'manager.db'}"


def set_aside(database: str) -> Path:
    """Rename the file of an embedded database, with its journal, and return the new name: whoever wants it finds it there."""
    file = Path(database.removeprefix("sqlite:///"))
    aside = next(one for number in count(1) if not (one := file.with_name(f"{file.name}.{number}")).exists())
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            file.with_name(file.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def keys_url(given: str) -> str:
    """Return the URL of the keys, by default those of the workshop, made if need be."""
    if given:
        return given
    from tallystick.cli.workshop_key import workshop_keys

    return workshop_keys()


@contextmanager
def open_store(database: str) -> Iterator[Engine]:
    """Open a database and bring it to the version of this package."""
    from tallystick.manager.db.engine import explained, migrate, open_engine

    engine = open_engine(database)
    try:
        migrate(engine)
        with explained():
            yield engine
    finally:
        engine.dispose()


@contextmanager
def publishing(database: str, hsm: str) -> Iterator[tuple[Session, Keyring]]:
    """Open database and keys that belong together, for changes that are made whole or not at all."""
    from tallystick.manager.catalog.service import stock
    from tallystick.manager.db.engine import sessions_of, writing
    from tallystick.manager.hsm.keyring import Keyring
    from tallystick.manager.service import bind_database

    with open_store(database_url(database)) as engine, Keyring.open(keys_url(hsm)) as keyring:
        sessions = sessions_of(engine)
        bind_database(sessions, keyring)
        with writing(sessions) as session:
            stock(session)
            yield session, keyring


def add_built_in(database: str, hsm: str, owner_key: str = "") -> None:
    """Publish the apps of the package, for what its own devices run: what is there already stays as it is.

    `owner_key` names the owner they are built for, if not the test realm's.
    """
    from tallystick import apps
    from tallystick.cli.app_icon import draw_icon
    from tallystick.cli.catalogue import built_in
    from tallystick.device.os.identity import VERSIONS
    from tallystick.manager.catalog.service import NewApp, devices_named, publish_app
    from tallystick.manager.firmware.service import KnownFirmware, know

    with publishing(database, hsm) as (session, keyring):
        for model, versions in VERSIONS.items():
            (device,) = devices_named(session, (model,))
            known = KnownFirmware(
                version=versions.os, mcu_version=versions.mcu, mcu_bootloader_version=versions.mcu_bootloader
            )
            know(session, device, known)
        for name in apps.CATALOGUE:
            image = built_in(name, owner_key=owner_key).image()
            publish_app(session, NewApp(image=image, icon=draw_icon(name), replace=True), software=keyring.software)
