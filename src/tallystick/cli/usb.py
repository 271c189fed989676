"""`tally up --usb`: the socket on which the device speaks USB/IP, and the cable that brings it to a USB controller.

A cable is a program of its own, because it needs the rights of root and nothing else does: it runs as root does if we are
root, else through sudo or pkexec, and is told each time the device has come up. The password is asked for once.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from typing import Any

from tallystick.cli.cable import END_S, Cable
from tallystick.cli.outlet import Outlet
from tallystick.device.normal.listener import bind, bind_private
from tallystick.errors import PermissionDenied, UsageError
from tallystick.wire.usbip import DEFAULT_PORT

#: the ways: into this machine, to whoever asks by TCP, out of a board's USB port, a HID device without USB
KINDS = ("vhci", "tcp", "gadget", "uhid")
#: seconds a cable may take to end when it is let go of; a gadget is taken apart, which takes a moment
_END_S = {"gadget": 10.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What `--usb` asks for; `port` is that of TCP, 0 for any free one."""

    kind: str
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str) -> Way:
        """Read ``vhci``, ``tcp``, ``tcp:PORT``, ``gadget`` or ``uhid``; raise UsageError for anything else."""
        kind, colon, port = text.partition(":")
        if kind not in KINDS or (colon and kind != "tcp"):
            raise UsageError(f"there is no way to USB called {text!r}", remedy="use --usb, or --usb tcp[:PORT]")
        if not colon:
            return cls(kind=kind)
        if not (port.isascii() and port.isdigit()) or int(port[:6]) > 0xFFFF:
            raise UsageError(f"{port!r} is not a port", remedy="write it like --usb tcp:3240")
        return cls(kind=kind, port=int(port))


def cable_command(kind: str, address: str) -> list[str]:
    """Return the command line of a cable's program, with what gives it the rights of root.

    Raises PermissionDenied when nothing here does.
    """
    command = [sys.executable, "-I", "-m", f"tallystick.device.cable.{kind}", address]
    if os.geteuid() == 0:
        return command
    for program in ("sudo", "pkexec"):
        found = shutil.which(program)
        if found is not None:
            return [found, *command]
    raise PermissionDenied(
        "to plug in a virtual USB device needs root, and there is neither sudo nor pkexec here",
        remedy="run it as root, or serve USB/IP with --usb tcp",
    )


class Usb(Outlet):
    """The device's USB socket, and what is plugged into it."""

    def __init__(self, way: Way) -> None:
        self._kind = way.kind
        if way.kind == "tcp":
            super().__init__(bind(way.port, what="USB/IP", flag="--usb tcp:PORT"))
            return
        listener, descriptor = bind_private()
        super().__init__(listener, descriptor=descriptor, make=self._cable_to)

    @property
    def facts(self) -> dict[str, Any]:
        """Where the device is: the kind of cable, and the port where that is TCP."""
        port = self.listener.getsockname()[1] if self.listener.family is socket.AF_INET else None
        return {"kind": self._kind, "port": port}

    def _cable_to(self, address: str) -> Cable:
        return Cable(
            cable_command(self._kind, address),
            what="USB cable",
            refusal=PermissionDenied(
                "the USB cable's program could not be started as root",
                remedy="run it as root, or serve USB/IP with --usb tcp",
            ),
            end_s=_END_S.get(self._kind, END_S),
        )
