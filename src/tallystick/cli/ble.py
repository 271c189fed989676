"""`tally up --ble`: the socket of the device's Bluetooth radio, and the program that is the radio, by BlueZ and an adapter.

It needs no rights of root: BlueZ has them, and answers whoever may speak to it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import click

from tallystick.cli.cable import Cable, Device
from tallystick.device.normal.listener import bind_private
from tallystick.errors import TallyError, TransportError, UsageError
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


class Ble:
    """The socket on which the device is heard by its radio, and the radio on the adapter of this name, empty for any."""

    def __init__(self, adapter: str) -> None:
        require_extra("ble")
        #: where the device listens for its radio
        self.listener, self._descriptor = bind_private()
        self._adapter = adapter
        self._cable: Cable | None = None
        address = f"/proc/{os.getpid()}/fd/{self._descriptor}"
        try:
            self._cable = Cable(
                [sys.executable, "-I", "-m", "tallystick.device.cable.bluez", address, adapter],
                what="Bluetooth radio",
                refusal=TransportError("the Bluetooth radio's program does not start", remedy="run it with -v"),
                end_s=_END_S,
                hear=_hear,
            )
        except TallyError:
            self.close()
            raise

    @property
    def facts(self) -> dict[str, Any]:
        """The adapter that was asked for; null for any."""
        return {"adapter": self._adapter or None}

    def follow(self, device: Device) -> None:
        """Put `device` on the air each time it has come up; must be called inside the event loop."""
        if self._cable is not None:
            self._cable.follow(device)

    def when_plugged(self, then: Callable[[], None]) -> None:
        """Call `then` when the device is on the air for the first time; at once if it is."""
        if self._cable is not None:
            self._cable.when_plugged(then)

    def close(self) -> None:
        """Leave the air."""
        self.listener.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        cable, self._cable = self._cable, None
        if cable is not None:
            with contextlib.suppress(BrokenPipeError):
                cable.close()


def _hear(message: dict[str, Any]) -> None:
    """Show the passkey of who wants to pair to the person at the terminal."""
    match message:
        case {"pairing": {"code": str() as code}} if code:
            click.echo(f"Bluetooth pairing: type {code} on the other device", err=True)
