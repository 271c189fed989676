"""What is spoken on the sockets that a Normal World is given; apart from what serves them, which takes long to load."""

from __future__ import annotations

from enum import StrEnum, unique

__all__ = ["Door"]


@unique
class Door(StrEnum):
    """What is spoken on a listening socket."""

    TCP = "tcp"
    USB = "usb"
    ZEMU = "zemu"
    BLE = "ble"
    #: reports of the HID interface for FIDO, over TCP
    REPORT = "report"
