"""`tally up --ble`: the socket of the device's Bluetooth radio, and the program that is the radio, by BlueZ and an adapter.

It needs no rights of root: BlueZ has them, and answers whoever may speak to it.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from tallystick.cli.cable import Cable
from tallystick.cli.outlet import Outlet
from tallystick.device.normal.listener import bind_private
from tallystick.errors import TransportError, UsageError
from tallystick.ui.extra import require_extra
from tallystick.wire.model import MODELS

#: what `--ble` without an adapter's name means
ANY = "any"
_ADAPTER = re.compile(r"hci[0-9]{1,3}", re.ASCII)
#: seconds that the radio may take to leave the air: it asks BlueZ for it, and hangs up on whoever is linked
_END_S = 10.0


def adapter_of(text: str, *, model: str) -> str:
    """Return the adapter that `--ble` names, empty for any; raise UsageError for what is none, and for models without Bluetooth."""
    if MODELS[model].ble_service is None:
        able = ", ".join(name for name, one in MODELS.items() if one.ble_service is not None)
        raise UsageError(f"the {model} has no Bluetooth", remedy=f"choose another --model: {able}")
    if not sys.platform.startswith("linux"):
        raise UsageError("a Bluetooth device needs Linux: it is made by BlueZ", remedy="leave --ble away")
    if text == ANY:
        return ""
    if _ADAPTER.fullmatch(text) is None:
        raise UsageError(f"there is no Bluetooth adapter called {text!r}", remedy="use --ble, or --ble hci0")
    return text


class Ble(Outlet):
    """The socket on which the device is heard by its radio, and the radio on the adapter of this name, empty for any."""

    def __init__(self, adapter: str) -> None:
        require_extra("ble")
        self._adapter = adapter
        listener, descriptor = bind_private()
        super().__init__(listener, descriptor=descriptor, make=self._radio)

    @property
    def facts(self) -> dict[str, Any]:
        """The adapter that was asked for; null for any."""
        return {"adapter": self._adapter or None}

    def _radio(self, address: str) -> Cable:
        return Cable(
            [sys.executable, "-I", "-m", "tallystick.device.cable.bluez", address, self._adapter],
            what="Bluetooth radio",
            refusal=TransportError("the Bluetooth radio's program does not start", remedy="run it with -v"),
            end_s=_END_S,
            hear=_hear,
        )


def _hear(message: dict[str, Any]) -> None:
    """Show the passkey of who wants to pair to the person at the terminal."""
    match message:
        case {"pairing": {"code": str() as code}} if code:
            click.echo(f"Bluetooth pairing: type {code} on the other device", err=True)
