"""`tally owner`: who vouches for attestation keys, and so for what apps on their devices say (attestation 0, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.realm import allow_production_file, realm_option
from tallystick.cli.render import Report
from tallystick.manager.hsm.role import Realm

if TYPE_CHECKING:
    from tallystick.manager.hsm.owner import OwnerKey

_TABLE = {
    "keys": Lazy(target="tallystick.cli.owner:keys", summary="make and show an owner's key"),
    "setup": Lazy(target="tallystick.cli.owner_setup:setup", summary="give the device an attestation key"),
    "certify": Lazy(
        target="tallystick.cli.owner_certify:certify", summary="certify a key that was made on a device elsewhere"
    ),
}
_KEYS_TABLE = {
    "create": Lazy(target="tallystick.cli.owner:create", summary="make a key"),
    "show": Lazy(target="tallystick.cli.owner:show", summary="print its public half"),
}
_WHERE = click.argument("where", metavar="WHERE")


@click.group(cls=LazyGroup, lazy=_TABLE)
def owner() -> None:
    """Give devices attestation keys, and certify them."""


@click.group("keys", cls=LazyGroup, lazy=_KEYS_TABLE)
def keys() -> None:
    """Make an owner's key, and look at it."""


@click.command(cls=DeviceCommand)
@_WHERE
@realm_option("the world of trust it belongs to, for ever")
@allow_production_file
def create(where: str, realm: str, is_allowed: bool) -> Report:
    """Make an owner's key at WHERE: a new file, or pkcs11:token=LABEL;module=LIBRARY?pin-source=file:PATH.

    Keys are never replaced. Whoever holds this one decides which devices count.
    """
    from tallystick.manager.hsm.owner import OwnerKey

    with OwnerKey.create(where, Realm(realm), allow_production_file=is_allowed) as key:
        return _report("owner.keys.create", key)


@click.command(cls=DeviceCommand)
@_WHERE
@allow_production_file
def show(where: str, is_allowed: bool) -> Report:
    """Print the public half of the owner's key at WHERE: what apps and verifiers are told."""
    from tallystick.manager.hsm.owner import OwnerKey

    with OwnerKey.open(where, allow_production_file=is_allowed) as key:
        return _report("owner.keys.show", key)


def _report(schema: str, key: OwnerKey) -> Report:
    public = key.public_key.hex()
    return Report(
        schema=schema,
        data={"realm": key.realm.value, "owner_public_key": public},
        facts=[("Realm", key.realm.value), ("Public key", public)],
    )
