"""What the tests of the OS share: small apps, commands by name, and devices in each of their modes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tallystick.device.hil import Flash
from tallystick.testing.client import DeviceClient, Pending
from tallystick.testing.device import VirtualDevice
from tallystick.wire.bundle import Bundle
from tallystick.wire.dashboard import CommonIns, Ins, request

MODELS = ("nanos", "nanox", "nanosp", "stax", "flex", "apex_p")
TOUCH = ("stax", "flex", "apex_p")
PIN = "4711"
LATER_S = 11 * 60

#: a whole app in a few lines; tests replace `handle`
_FRAME = """
from tallystick.app import App, start_with
from tallystick.wire.status import Reject, StatusWord
from tallystick.wire.syscall import SyscallError, CallStatus, Request, Exchange, Response, Exit, PublicKey, Sign
from tallystick.wire.install import Curve
from tallystick.wire.screen import *

class Probe(App):
{body}

start = start_with(Probe)
"""


def app(handle: str = "return raw", *, source: str | None = None, **manifest: Any) -> Bundle:
    """Return an app whose `handle(raw)` has this body, or one of this whole source."""
    if source is None:
        lines = "\n".join("        " + line for line in handle.strip().splitlines())
        source = _FRAME.format(body="    async def handle(self, raw):\n" + lines)
    document = {"name": "Probe", "version": "1.0.0", "curves": [], "paths": [], **manifest}
    return Bundle.pack(json.dumps(document).encode(), {"app.py": source})


def call(ins: Ins | CommonIns, p1: int = 0, p2: int = 0, *, data: bytes = b"") -> bytes:
    """Return the bytes of a command of the OS."""
    return request(ins, p1, p2, data=data).to_bytes()


def ask(device: VirtualDevice, ins: Ins, p1: int = 0, p2: int = 0, *, data: bytes = b"") -> Pending:
    """Send a command of the OS and do not wait."""
    return device.send(call(ins, p1, p2, data=data))


def status(device: VirtualDevice, ins: Ins | CommonIns, p1: int = 0, p2: int = 0, *, data: bytes = b"") -> int:
    """Return the status word of a command of the OS."""
    return device.exchange(call(ins, p1, p2, data=data)).status


def data(device: VirtualDevice, ins: Ins | CommonIns, p1: int = 0, p2: int = 0, *, data: bytes = b"") -> bytes:
    """Return the data of a command of the OS that must succeed."""
    answer = device.exchange(call(ins, p1, p2, data=data))
    assert answer.ok, f"{ins.name} was answered {answer.status:04X}"
    return answer.data


def open_name(device: VirtualDevice | DeviceClient) -> str:
    """Return what `B0 01` names: the sign of a device that lives."""
    answer = device.exchange(call(CommonIns.APP_AND_VERSION))
    assert answer.ok
    return answer.data[2 : 2 + answer.data[1]].decode()


def owned(flash: Flash) -> set[str]:
    """Return what lies in the flash but for the chip, which on this board has its memory there too."""
    return {name for name in flash.names() if not name.startswith("chip.")}


def in_mode(factory: Callable[..., VirtualDevice], mode: str, **arguments: Any) -> VirtualDevice:
    """Return a device that was brought into `mode`."""
    if mode == "app":
        return factory(open="Cosmos", **arguments)
    if mode == "locked":
        return factory(pin=PIN, **arguments)
    if mode == "new":
        return factory(onboarded=False, **arguments)
    device = factory(onboarded=mode != "new recovery", **arguments)
    if mode == "bootloader":
        device.replug("left")
    elif mode.endswith("recovery"):
        device.replug("right")
    return device
