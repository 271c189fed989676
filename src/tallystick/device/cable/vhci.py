"""The cable into this machine: the kernel's virtual USB controller `vhci_hcd` takes the socket over (Linux; needs root).

Run as ``python -I -m tallystick.device.cable.vhci ADDRESS``. All it does as root is to load the modules, if they are not there,
and to write one line into one file of sysfs for each time the device is plugged in. The kernel keeps the socket; the device
is unplugged when the other end closes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.device.cable.client import borrow
from tallystick.device.cable.line import serve
from tallystick.errors import PermissionDenied, TransportError

CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
#: the drivers that make a HID device of it may be part of the kernel; without them libusb still works
_MODULES = ("vhci_hcd", "usbhid", "hid_generic")
#: how `status` calls a port that nothing is plugged into
_FREE = "004"
_HIGH_SPEED_HUB = "hs"


class VhciCable:
    """Plugs the device at the socket `address` into a free port of `controller`."""

    def __init__(self, address: str, *, controller: Path = CONTROLLER) -> None:
        self._address = address
        self._controller = controller

    def prepare(self) -> None:
        """Load what is needed; raise PermissionDenied for anybody but root, TransportError without the module."""
        if not self._controller.exists():
            for module in _MODULES:
                _load(module)
        attach = self._controller / "attach"
        if not attach.exists():
            raise TransportError(
                "this kernel has no virtual USB controller (module vhci_hcd)",
                remedy="install your distribution's full kernel modules and run `sudo modprobe vhci_hcd`; cloud kernels "
                "and containers have none: serve USB/IP with --usb tcp to a machine that has",
            )
        try:
            attach.open("w").close()
        except PermissionError as error:
            raise PermissionDenied(
                "only root may plug a virtual USB device in",
                remedy="run it as root or let it use sudo; or serve USB/IP with --usb tcp and attach it with `usbip attach`",
            ) from error

    def plug(self) -> dict[str, Any]:
        """Plug in and return the port; raise TransportError when every port is taken."""
        link, entry = borrow(self._address)
        with link:
            for port in self._free_ports():
                order = f"{port} {link.fileno()} {entry.device_id} {entry.speed.value}"
                try:
                    (self._controller / "attach").write_text(order, "ascii")
                except OSError:  # somebody took it meanwhile
                    continue
                return {"port": port, "product_id": entry.product_id}
        raise TransportError("every port of the virtual USB controller is taken", remedy="detach another device")

    def close(self) -> None:
        """Nothing is held: the device's own end unplugs it."""

    def _free_ports(self) -> Iterator[int]:
        for status in sorted(self._controller.glob("status*")):
            for line in status.read_text("ascii", "replace").splitlines():
                words = line.split()
                if len(words) > 2 and words[0] == _HIGH_SPEED_HUB and words[2] == _FREE:
                    yield int(words[1])


def _load(module: str) -> None:
    """Load a kernel module, if there is one."""
    for program in ("/sbin/modprobe", "/usr/sbin/modprobe"):
        if Path(program).exists():
            subprocess.run([program, "-q", module], check=False, stdin=subprocess.DEVNULL)  # noqa: S603 -- a fixed command
            return


if __name__ == "__main__":
    sys.exit(serve(VhciCable(sys.argv[1])))
