"""`tally manager keys`: the keys of a factory and its managers, in a hardware module or in files for development."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.realm import allow_production_file, realm_option
from tallystick.cli.render import Report
from tallystick.manager.hsm.role import KEYRING_ROLES, Realm

if TYPE_CHECKING:
    from tallystick.manager.hsm.keyring import Keyring

_TABLE = {
    "create": Lazy(target="tallystick.cli.manager_key:create", summary="make issuer, software key and signer"),
    "show": Lazy(target="tallystick.cli.manager_key:show", summary="print the public keys"),
}
_HSM = click.option(
    "--hsm",
    "url",
    metavar="URL",
    required=True,
    help="file:DIR, or pkcs11:token=LABEL;module=LIBRARY?pin-source=file:PATH",
)


@click.group("keys", cls=LazyGroup, lazy=_TABLE)
def keys() -> None:
    """Make the keys of a factory and its managers, and look at them."""


@click.command(cls=DeviceCommand)
@_HSM
@realm_option("the world of trust they belong to, for ever")
@allow_production_file
def create(url: str, realm: str, is_allowed: bool) -> Report:
    """Make the three keys: issuer, software key and signer, with the issuer's certificate for the signer.

    A token must have been initialised with its own tool. Keys are never replaced.
    """
    from tallystick.manager.hsm.keyring import Keyring

    with Keyring.create(url, Realm(realm), allow_production_file=is_allowed) as keyring:
        return _report("manager.keys.create", keyring)


@click.command(cls=DeviceCommand)
@_HSM
@allow_production_file
def show(url: str, is_allowed: bool) -> Report:
    """Check that the keys belong together, and print their public halves."""
    from tallystick.manager.hsm.keyring import Keyring

    with Keyring.open(url, allow_production_file=is_allowed) as keyring:
        return _report("manager.keys.show", keyring)


def _report(schema: str, keyring: Keyring) -> Report:
    public = {role.value: getattr(keyring, role.value).public_key.hex() for role in KEYRING_ROLES}
    return Report(
        schema=schema,
        data={
            "realm": keyring.realm.value,
            "signer_serial": keyring.signer_serial.hex(),
            "keys": public,
            "signer_certificate": keyring.signer_certificate.to_bytes().hex(),
        },
        facts=[("Realm", keyring.realm.value), ("Signer serial", keyring.signer_serial.hex())],
        headings=("KEY", "PUBLIC"),
        rows=list(public.items()),
    )
