"""`tally panel`: a running device's screen and buttons in the terminal."""

from __future__ import annotations

from importlib import import_module

import click

from tallystick.errors import UsageError

_DEFAULT_URL = "http://127.0.0.1:5000"


@click.command()
@click.option("--url", default=_DEFAULT_URL, show_default=True, help="where the device's page is")
def panel(url: str) -> None:
    """Show the screen of a running device in this terminal; arrow keys are its buttons."""
    try:
        terminal = import_module("tallystick.ui.terminal")
    except ImportError as error:
        if (error.name or "").startswith("tallystick"):
            raise
        raise UsageError(
            f"the terminal panel needs the package {error.name}", remedy="run: pip install 'tallystick[ui]'"
        ) from None
    terminal.run(url)
