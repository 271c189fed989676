"""`tally factory provision`: a running device gets its certificate from the issuer, once (attestation 1)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tallystick.cli.command import DeviceCommand
from tallystick.cli.follow import follow
from tallystick.cli.manager_store import open_store
from tallystick.cli.realm import allow_production_file, realm_option
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.errors import UsageError
from tallystick.manager.hsm.role import Realm

if TYPE_CHECKING:
    from tallystick.manager.hsm.keyring import Keyring
    from tallystick.manager.provisioning.record import ProvisioningRecord

_RECORD = "devices.jsonl"


@click.command(cls=DeviceCommand)
@click.argument("target", metavar="[TARGET]", required=False)
@click.option("--hsm", "url", metavar="URL", help="the keys: file:DIR, or pkcs11:…?pin-source=file:PATH")
@click.option(
    "--keys",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="the same as --hsm file:DIR",
)
@realm_option("the world of trust the device is made for; keys of the other one are refused")
@click.option(
    "--record",
    "record_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"where provisioned devices are recorded; for keys in files {_RECORD} beside them",
)
@click.option("--database", "database", metavar="URL", help="record them in the manager's database in place of a file")
@allow_production_file
def provision(
    target: str | None,
    url: str | None,
    folder: Path | None,
    realm: str,
    record_file: Path | None,
    database: str | None,
    is_allowed: bool,
) -> Report:
    """Give the device at TARGET (else the one that --device means) its certificate and the keys it trusts.

    A device is provisioned once, before anybody uses it. Cut off on the way, it can be done again.
    """
    from tallystick.host.actions import provisioning
    from tallystick.manager.hsm.keyring import Keyring
    from tallystick.manager.provisioning.certify import Provisioner, require_meant
    from tallystick.manager.provisioning.record import FileRecord

    address = _address(url, folder)
    file_record = None if database else FileRecord(record_file or _beside(address))
    run = current_run()
    run.device = target or run.device
    with ExitStack() as stack:
        keyring = stack.enter_context(Keyring.open(address, allow_production_file=is_allowed))
        require_meant(keyring, Realm(realm))
        record = file_record or stack.enter_context(_database(str(database), keyring))
        provisioner = Provisioner(keyring=keyring, record=record, realm=Realm(realm))
        session = run.connect()
        done = follow(run, provisioning.provision(session, provisioner.certify, entropy=os.urandom))
        provisioner.confirm(done.started.serial)
        members = {
            "device": session.url,
            "serial": done.started.serial,
            "realm": keyring.realm.value,
            "device_public_key": done.started.device_public_key.hex(),
            "header": done.finished.header.hex(),
            "signer_serial": done.finished.signer_serial.hex(),
            "issuer_public_key": done.finished.issuer_public_key.hex(),
            "software_public_key": done.finished.software_public_key.hex(),
        }
    return Report(
        schema="factory.provision",
        data=members,
        lines=(f"The device {done.started.serial} has its certificate.",),
        facts=[("Realm", members["realm"]), ("Issuer", members["issuer_public_key"])],
    )


def _address(url: str | None, folder: Path | None) -> str:
    from tallystick.manager.hsm.address import FileAddress

    if url is not None and folder is None:
        return url
    if folder is not None and url is None:
        return FileAddress(folder=folder).url
    raise UsageError("say where the keys are, once", remedy="add --hsm URL or --keys DIR")


@contextmanager
def _database(url: str, keyring: Keyring) -> Iterator[ProvisioningRecord]:
    """Open the record in a database of these keys, brought to this version."""
    try:
        from tallystick.manager.db.engine import sessions_of
        from tallystick.manager.db.provisioned import DatabaseRecord
        from tallystick.manager.service import bind_database
    except ImportError:
        raise UsageError("a database needs the manager", remedy="run: pip install 'tallystick[manager]'") from None
    with open_store(url) as engine:
        sessions = sessions_of(engine)
        bind_database(sessions, keyring)
        yield DatabaseRecord(sessions)


def _beside(address: str) -> Path:
    """Return where a folder of keys keeps its record."""
    from tallystick.manager.hsm.address import FileAddress, parse_address

    place = parse_address(address)
    if not isinstance(place, FileAddress):
        raise UsageError("say where the devices are recorded", remedy="add --record FILE or --database URL")
    return place.folder / _RECORD
