"""`tally panel`: a running device's screen and buttons in the terminal."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from tallystick.cli.command import SETTINGS
from tallystick.errors import UsageError

_DEFAULT_URL = "http://127.0.0.1:5000"


def is_terminal() -> bool:
    """Tell whether a person can see and steer what is drawn."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@click.command(context_settings=SETTINGS)
@click.option("--url", default=_DEFAULT_URL, show_default=True, help="where the device's page is")
def panel(url: str) -> None:
    """Show the screen of a running device in this terminal; arrow keys are its buttons."""
    if not is_terminal():
        raise UsageError("the panel needs a terminal to draw in", remedy=f"open {url} in a browser instead")
    try:
        terminal = import_module("tallystick.ui.terminal")
    except ImportError as error:
        if (error.name or "").startswith("tallystick"):
            raise
        raise UsageError(
            f"the terminal panel needs the package {error.name}", remedy="run: pip install 'tallystick[ui]'"
        ) from None
    terminal.run(url)
