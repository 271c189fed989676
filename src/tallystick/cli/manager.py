"""`tally manager`: the service behind devices, and its keys."""

from __future__ import annotations

import click

from tallystick.cli.command import Lazy, LazyGroup

_TABLE = {
    "keys": Lazy(target="tallystick.cli.manager_key:keys", summary="make and show the keys of factory and manager"),
}


@click.group(cls=LazyGroup, lazy=_TABLE)
def manager() -> None:
    """Run the manager, and look after its keys."""
