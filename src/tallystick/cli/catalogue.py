"""The built-in catalogue as a command line asks for it: an app that is built for an owner is built for the one named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tallystick.wire.bundle import Bundle

#: apps with an owner's public key compiled in
_OWNED = frozenset({"transfer"})


def built_in(name: str, *, owner_key: str = "") -> Bundle:
    """Return an app of the catalogue; `owner_key` names an owner's key, and empty the test realm's.

    Raises UsageError for a name that is not in it, and what `OwnerKey.open` raises.
    """
    from tallystick import apps

    if not owner_key or name.lower() not in _OWNED:
        return apps.bundle(name)
    from tallystick.apps import transfer
    from tallystick.manager.hsm.owner import OwnerKey

    with OwnerKey.open(owner_key) as owner:
        return transfer.bundle(owner.public_key)
