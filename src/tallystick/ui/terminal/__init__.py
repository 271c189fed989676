"""The panel in a terminal: the same device, over the same REST API as the page."""

from __future__ import annotations


def run(url: str) -> None:
    """Show the device whose panel is at `url` (http://127.0.0.1:5000) until the person quits.

    Raises:
        UsageError: textual is not installed, or `url` is not one of a panel.

    """
    from tallystick.ui.extra import require_extra

    require_extra("ui")
    from tallystick.ui.terminal.app import PanelApp
    from tallystick.ui.terminal.client import HttpPanelClient

    PanelApp(HttpPanelClient(url)).run()
