"""A double of hidapi: devices in a list, whose other end is the device role of the framing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallystick.wire.hid import ApduReceived, HidFraming, ReplyFrames
from tallystick.wire.role import Role


def entry(path: bytes, **changes: Any) -> dict[str, Any]:
    """Return what hidapi says about one interface."""
    return {
        "path": path,
        "vendor_id": 0x2C97,
        "product_id": 0x5011,
        "serial_number": "0001",
        "product_string": "Nano S+",
        "interface_number": 0,
        "usage_page": 0xFFA0,
        **changes,
    }


class FakeHid:
    """The module: `entries` are plugged in; `refused` paths do not open; `answer` is the device, silent when it returns nothing."""

    def __init__(self, *entries: dict[str, Any], answer: Callable[[bytes], bytes] | None = None) -> None:
        self.entries = list(entries)
        self.refused: set[bytes] = set()
        self.answer = answer or (lambda apdu: apdu[:2] + b"\x90\x00")
        self.opened: list[FakeHidDevice] = []

    def enumerate(self, vendor_id: int = 0, product_id: int = 0) -> list[dict[str, Any]]:
        """Return the entries of a vendor."""
        return [one for one in self.entries if one["vendor_id"] == vendor_id]

    def device(self) -> FakeHidDevice:
        """Return a device object."""
        return FakeHidDevice(self)


class FakeHidDevice:
    """One open device: packets written are given to the framing, and what it answers can be read."""

    def __init__(self, module: FakeHid) -> None:
        self.module = module
        self.framing = HidFraming(Role.DEVICE)
        self.packets: list[bytes] = []
        self.written: list[bytes] = []
        self.is_broken = False
        self.is_closed = False

    def open_path(self, path: bytes) -> None:
        """Open, or fail as hidapi does: without a reason."""
        if path in self.module.refused or path not in {one["path"] for one in self.module.entries}:
            raise OSError("open failed")
        self.module.opened.append(self)

    def write(self, buff: bytes) -> int:
        """Take a report, its number first."""
        if self.is_broken:
            return -1
        self.written.append(bytes(buff))
        for event in self.framing.receive(bytes(buff[1:])):
            if isinstance(event, ApduReceived):
                answer = self.module.answer(event.apdu)
                self.packets += self.framing.send(answer, channel=event.channel) if answer else ()
            elif isinstance(event, ReplyFrames):
                self.packets += event.frames
        return len(buff)

    def read(self, max_length: int, timeout_ms: int) -> list[int]:
        """Give a report, or nothing."""
        if self.is_broken:
            raise OSError("read error")
        return list(self.packets.pop(0)) if self.packets else []

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True
