"""`tally manager`: the service behind devices, and its keys."""

from __future__ import annotations

import click

from tallystick.cli.command import Lazy, LazyGroup

_TABLE = {
    "serve": Lazy(target="tallystick.cli.manager_serve:serve", summary="run the service"),
    "publish": Lazy(
        target="tallystick.cli.manager_publish:publish", summary="offer an app or a release of the firmware"
    ),
    "list": Lazy(target="tallystick.cli.manager_publish:list_offers", summary="what is offered"),
    "migrate": Lazy(target="tallystick.cli.manager_serve:migrate", summary="bring the database to this version"),
    "keys": Lazy(target="tallystick.cli.manager_key:keys", summary="make and show the keys of factory and manager"),
}


@click.group(cls=LazyGroup, lazy=_TABLE)
def manager() -> None:
    """Run the manager, and look after its keys."""
