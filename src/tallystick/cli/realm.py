"""The option `--realm` of the commands that make keys or use them for a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tallystick.manager.hsm.role import Realm

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def realm_option(words: str) -> Callable[[CommandT], CommandT]:
    """Return the decorator that gives a command its `realm`, one of `Realm`'s values; `words` say what it is about."""
    return click.option(
        "--realm",
        type=click.Choice([realm.value for realm in Realm]),
        default=Realm.TEST.value,
        show_default=True,
        help=words,
    )
