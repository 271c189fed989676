"""The cable out of a board: the board's own USB port, as a device, by FunctionFS (Linux with a device controller; needs root).

Run as ``python -I -m tallystick.device.cable.gadget ADDRESS``. It asks the device for its descriptors over USB/IP, makes a gadget of them
in configfs, and carries packets between the gadget's endpoints and the device. FunctionFS and not the kernel's own HID
function: that one ends each report with an empty packet, which clients over libusb take for a report.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from tallystick.device.cable.client import borrow
from tallystick.device.cable.functionfs import Pump
from tallystick.device.cable.host import UsbHost
from tallystick.device.cable.line import serve
from tallystick.errors import PermissionDenied, RemoteProtocolError, TransportError
from tallystick.wire.functionfs import STRINGS, descriptors
from tallystick.wire.usb import Descriptor

_MODULES = ("libcomposite", "usb_f_fs", "dwc2")
CONFIGFS = Path("/sys/kernel/config")
CONTROLLERS = Path("/sys/class/udc")
MOUNT = Path("/run/tallystick-usb")
_NAME = "tallystick"
_ENGLISH = "strings/0x409"


class GadgetCable:
    """Makes the device at the socket `address` a gadget on the first device controller there is."""

    def __init__(
        self, address: str, *, configfs: Path = CONFIGFS, controllers: Path = CONTROLLERS, mount: Path = MOUNT
    ) -> None:
        self._address = address
        self._configfs = configfs
        self._controllers = controllers
        self._mount = mount
        self._gadget = configfs / "usb_gadget" / _NAME
        self._host: UsbHost | None = None
        self._pump: Pump | None = None

    def prepare(self) -> None:
        """See that this board can be a USB device; raise TransportError or PermissionDenied with the remedy."""
        for module in _MODULES:
            _run("modprobe", "-q", module)
        if not (self._configfs / "usb_gadget").exists():
            _run("mount", "-t", "configfs", "none", str(self._configfs))
        if not (self._configfs / "usb_gadget").exists():
            raise TransportError(
                "this kernel makes no USB gadgets (configfs with libcomposite)",
                remedy="run it as root, on a kernel that has CONFIG_USB_CONFIGFS_F_FS",
            )
        self._controller()
        self._remove()  # what a cable that was killed left
        try:
            self._gadget.mkdir()
        except PermissionError as error:
            raise PermissionDenied("only root may make a USB gadget", remedy="run it as root") from error

    def plug(self) -> dict[str, Any]:
        """Make the gadget of the device as it is now, and bind it; raise TransportError when that fails."""
        self._unplug()
        link, entry = borrow(self._address)
        host = UsbHost(link, entry.device_id, on_end=self._unbind)
        self._host = host
        configuration = host.descriptor(Descriptor.CONFIGURATION)
        try:
            self._describe(host, vendor_id=entry.vendor_id, product_id=entry.product_id, version=entry.version)
            self._mount.mkdir(exist_ok=True)
            _run("mount", "-t", "functionfs", _NAME, str(self._mount))
            self._pump = Pump(host, self._mount, configuration)
            self._pump.open(descriptors(configuration), STRINGS)
            controller = self._controller()
            (self._gadget / "UDC").write_text(controller, "ascii")
        except (OSError, RemoteProtocolError) as error:
            raise TransportError(f"the USB gadget cannot be made: {error}", remedy="look at `dmesg`") from error
        self._pump.start()
        return {"controller": controller, "product_id": entry.product_id}

    def close(self) -> None:
        """Unplug, and remove the gadget."""
        self._unplug()
        self._remove()

    def _controller(self) -> str:
        found = sorted(one.name for one in self._controllers.glob("*"))
        if not found:
            raise TransportError(
                "this board has no USB port that can be a device",
                remedy="on a Raspberry Pi put dtoverlay=dwc2 into config.txt and reboot; for a try anywhere: "
                "modprobe dummy_hcd",
            )
        return found[0]

    def _describe(self, host: UsbHost, *, vendor_id: int, product_id: int, version: int) -> None:
        names = {"manufacturer": 1, "product": 2, "serialnumber": 3}
        texts = {name: _text(host.descriptor(Descriptor.STRING, index)) for name, index in names.items()}
        for folder in (_ENGLISH, "configs/c.1", f"functions/ffs.{_NAME}"):
            (self._gadget / folder).mkdir(parents=True, exist_ok=True)
        numbers = {"idVendor": vendor_id, "idProduct": product_id, "bcdDevice": version, "bcdUSB": 0x0200}
        for name, number in numbers.items():
            (self._gadget / name).write_text(f"0x{number:04x}", "ascii")
        for name, text in texts.items():
            (self._gadget / _ENGLISH / name).write_text(text, "utf-8")
        function = self._gadget / "configs/c.1" / f"ffs.{_NAME}"
        if not function.is_symlink():
            function.symlink_to(self._gadget / f"functions/ffs.{_NAME}")

    def _unbind(self) -> None:
        """Take the gadget off the bus: the device has gone."""
        with contextlib.suppress(OSError):  # it is not bound
            (self._gadget / "UDC").write_text("\n", "ascii")

    def _unplug(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            host.close()
        self._unbind()
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.close()
        if self._mount.is_mount():
            _run("umount", "-l", str(self._mount))

    def _remove(self) -> None:
        """Remove the gadget, from the leaves on: configfs has no other way."""
        self._unbind()
        if self._mount.is_mount():
            _run("umount", "-l", str(self._mount))
        function = self._gadget / "configs/c.1" / f"ffs.{_NAME}"
        if function.is_symlink():
            function.unlink()
        for folder in ("configs/c.1", f"functions/ffs.{_NAME}", _ENGLISH, "."):
            with contextlib.suppress(OSError):  # it was never made
                (self._gadget / folder).rmdir()


def _text(descriptor: bytes) -> str:
    return descriptor[2:].decode("utf-16-le", "replace")


def _run(*words: str) -> None:
    """Run a program of the system; what matters is looked at afterwards."""
    for folder in ("/sbin", "/usr/sbin", "/bin", "/usr/bin"):
        if (Path(folder) / words[0]).exists():
            command = [f"{folder}/{words[0]}", *words[1:]]
            subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 -- fixed
            return


if __name__ == "__main__":
    sys.exit(serve(GadgetCable(sys.argv[1])))
