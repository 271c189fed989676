"""The options of commands that make keys or use them: which realm, and whether production keys may lie in files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tallystick.manager.hsm.role import Realm

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

#: gives a command its `is_allowed`
allow_production_file = click.option(
    "--allow-production-file",
    "is_allowed",
    is_flag=True,
    help="let production keys lie in files, which they should not",
)


def realm_option(words: str) -> Callable[[CommandT], CommandT]:
    """Return the decorator that gives a command its `realm`, one of `Realm`'s values; `words` say what it is about."""
    return click.option(
        "--realm",
        type=click.Choice([realm.value for realm in Realm]),
        default=Realm.TEST.value,
        show_default=True,
        help=words,
    )
