"""`tally manager serve` and `migrate`: the service, and its database."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from tallystick.cli.command import SETTINGS, DeviceCommand
from tallystick.cli.manager_store import (
    DATABASE,
    HSM,
    add_built_in,
    database_url,
    keys_url,
    open_store,
    require_manager,
)
from tallystick.cli.render import Report
from tallystick.cli.target import Run

if TYPE_CHECKING:
    from tallystick.manager.hsm.keyring import Keyring


@click.command(context_settings=SETTINGS)
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="where to listen")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one")
@DATABASE
@HSM
@click.option(
    "--owner-key",
    metavar="WHERE",
    default="",
    help="certifies attestation keys: a key file, pkcs11:…, or the word test",
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="processes that serve")
@click.option(
    "--catalogue",
    type=click.Choice(["builtin", "none"]),
    help="publish the apps of this package [default: builtin for SQLite, else none]",
)
@click.option("--json", "is_json", is_flag=True, help="print one line of JSON when ready")
@click.pass_obj
def serve(
    run: Run,
    /,
    *,
    host: str,
    port: int,
    database: str,
    hsm: str,
    owner_key: str,
    workers: int,
    catalogue: str | None,
    is_json: bool,
) -> None:
    """Run the manager until Ctrl-C or SIGTERM: genuine checks, apps and firmware for devices of its issuer.

    It speaks the protocol of the vendor's service. HTTP stands below /api, the flows below /update; there are /health
    and /metrics, and the log is lines of JSON on stderr.
    """
    require_manager()
    from tallystick.device.normal.listener import bind
    from tallystick.manager.hsm.keyring import Keyring
    from tallystick.manager.server import serve as serve_manager
    from tallystick.manager.settings import Settings

    run.is_json = run.is_json or is_json
    listener = bind(port, host=host, what="manager", flag="--port")
    settings = Settings(database=database_url(database), hsm=keys_url(hsm), owner=owner_key)
    is_sqlite = settings.database.startswith("sqlite")
    with open_store(settings.database):
        pass
    if (catalogue or ("builtin" if is_sqlite else "none")) == "builtin":
        add_built_in(settings.database, settings.hsm, settings.owner)
    with Keyring.open(settings.hsm) as keyring:
        facts = _facts(listener.getsockname(), keyring) | {
            "workers": workers,
            "database": "sqlite" if is_sqlite else "postgresql",
        }
    serve_manager(settings, listener=listener, workers=workers, on_ready=lambda: _announce(facts, run))


@click.command(cls=DeviceCommand)
@DATABASE
def migrate(database: str) -> Report:
    """Bring the manager's database to the version of this package. `serve` does it by itself."""
    require_manager()
    from tallystick.manager.db.engine import migrate as migrate_database
    from tallystick.manager.db.engine import open_engine

    engine = open_engine(database_url(database))
    try:
        version = migrate_database(engine)
    finally:
        engine.dispose()
    return Report(
        schema="manager.migrate", data={"version": version}, lines=(f"The database is at version {version}.",)
    )


def _facts(address: tuple[str, int], keyring: Keyring) -> dict[str, object]:
    where = f"{address[0]}:{address[1]}"
    return {
        "pid": os.getpid(),
        "manager_http": f"http://{where}/api",
        "manager_ws": f"ws://{where}/update",
        "realm": keyring.realm.value,
        "issuer_public_key": keyring.issuer.public_key.hex(),
    }


def _announce(facts: dict[str, object], run: Run) -> None:
    if run.is_json or run.is_json_lines:
        click.echo(json.dumps(facts))
        return
    click.echo(f"The manager is ready: {facts['manager_http']} and {facts['manager_ws']} ({facts['realm']} realm).")
    click.echo(f"Issuer's public key: {facts['issuer_public_key']}")
