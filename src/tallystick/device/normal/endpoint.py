"""The endpoints of a Normal World: one for each socket it was given, whatever comes in by it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Protocol

from tallystick.device.normal.door import Door
from tallystick.device.normal.relay import Relay
from tallystick.device.normal.tcp import TcpEndpoint

__all__ = ["Endpoint", "endpoints"]


class Endpoint(Protocol):
    """Serves clients on one listening socket."""

    async def open(self) -> None:
        """Begin to serve."""
        ...

    async def close(self) -> None:
        """Stop listening and disconnect every client."""
        ...


def endpoints(relay: Relay, listeners: Mapping[Door, socket.socket]) -> list[Endpoint]:
    """Return the endpoints of `listeners`; what only some need is loaded for those alone."""
    made: list[Endpoint] = []
    for door, listener in listeners.items():
        match door:
            case Door.TCP:
                made.append(TcpEndpoint(relay, listener))
            case Door.USB:
                from tallystick.device.normal.usbip import UsbipEndpoint

                made.append(UsbipEndpoint(relay, listener))
            case Door.BLE:
                from tallystick.device.normal.ble import BleEndpoint

                made.append(BleEndpoint(relay, listener))
            case Door.REPORT:
                from tallystick.device.normal.report import ReportEndpoint

                made.append(ReportEndpoint(relay, listener))
            case Door.ZEMU:
                from tallystick.device.normal.zemu import ZemuEndpoint

                made.append(ZemuEndpoint(relay, listener))
    return made
