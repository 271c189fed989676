"""The cable for kernels without a virtual USB controller: a HID device without USB, by ``/dev/uhid`` (Linux; needs root).

Run as ``python -I -m tallystick.device.cable.uhid ADDRESS``. Only programs that open a hidraw file by its path see the device: it has no USB
device behind it, so libusb finds none, and hidraw lists it with interface -1, which wallets' filters leave out. The first
interface alone is carried.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from typing import Any

from tallystick.device.cable.client import borrow
from tallystick.device.cable.host import UsbHost
from tallystick.device.cable.line import serve
from tallystick.errors import PermissionDenied, TransportError
from tallystick.wire.usb import INTERFACES, PACKET_BYTES, Descriptor

_PATH = "/dev/uhid"
_DESTROY, _OUTPUT, _GET_REPORT, _GET_REPORT_REPLY, _CREATE2, _INPUT2, _SET_REPORT, _SET_REPORT_REPLY = (
    *(1, 6, 9, 10, 11, 12, 13, 14),
)
_BUS_USB = 3
_EVENT_BYTES = 4380
_MAX_DATA = 4096
_EIO = 5


def create(*, name: str, serial: str, vendor_id: int, product_id: int, version: int, report: bytes) -> bytes:
    """Return the event that makes the HID device."""
    texts = (name.encode(), b"tallystick/input0", serial.encode())
    numbers = (len(report), _BUS_USB, vendor_id, product_id, version, 0)
    return struct.pack("<I128s64s64sHHIIII", _CREATE2, *texts, *numbers) + report


def output(event: bytes) -> bytes | None:
    """Return the packet of an event if it brings one: with or without a report number in front."""
    if len(event) < 4 + _MAX_DATA + 2 or struct.unpack_from("<I", event)[0] != _OUTPUT:
        return None
    size = struct.unpack_from("<H", event, 4 + _MAX_DATA)[0]
    data = event[4 : 4 + min(size, _MAX_DATA)]
    return data[1:] if len(data) == PACKET_BYTES + 1 else data


def refusal(event: bytes) -> bytes | None:
    """Return the answer to a request for a report by the control pipe, which is none; None if the event is no such request."""
    kind = {_GET_REPORT: _GET_REPORT_REPLY, _SET_REPORT: _SET_REPORT_REPLY}.get(struct.unpack_from("<I", event)[0])
    return None if kind is None else struct.pack("<I", kind) + event[4:8] + struct.pack("<HH", _EIO, 0)


class UhidCable:
    """Makes the device at the socket `address` a HID device."""

    def __init__(self, address: str, *, path: str = _PATH) -> None:
        self._address = address
        self._path = path
        self._host: UsbHost | None = None

    def prepare(self) -> None:
        """See that there is uhid; raise TransportError or PermissionDenied."""
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CLOEXEC))
        except PermissionError as error:
            raise PermissionDenied("only root may make HID devices", remedy="run it as root") from error
        except OSError as error:
            raise TransportError("this kernel has no uhid", remedy="run `sudo modprobe uhid`") from error

    def plug(self) -> dict[str, Any]:
        """Make the HID device; raise TransportError when that fails."""
        self.close()
        link, entry = borrow(self._address)
        file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        host = UsbHost(link, entry.device_id, on_end=lambda: os.close(file))  # which removes the HID device too
        self._host = host
        host.configure()
        texts = [host.descriptor(Descriptor.STRING, index)[2:].decode("utf-16-le") for index in (1, 2, 3)]
        os.write(
            file,
            create(
                name=" ".join(texts[:2]),
                serial=texts[2],
                vendor_id=entry.vendor_id,
                product_id=entry.product_id,
                version=entry.version,
                report=host.descriptor(Descriptor.REPORT, of=0),
            ),
        )
        for work in (self._carry_in, self._carry_out):
            threading.Thread(target=work, args=(file, host), daemon=True).start()
        return {"product_id": entry.product_id}

    def close(self) -> None:
        """Unplug."""
        host, self._host = self._host, None
        if host is not None:
            host.close()

    @staticmethod
    def _carry_in(file: int, host: UsbHost) -> None:
        try:
            while packet := host.fetch(INTERFACES[0].endpoint_in & 0xF):
                os.write(file, struct.pack("<IH", _INPUT2, len(packet)) + packet)
        except (OSError, TransportError):
            return

    @staticmethod
    def _carry_out(file: int, host: UsbHost) -> None:
        try:
            while event := os.read(file, _EVENT_BYTES):
                packet, answer = output(event), refusal(event)
                if packet:
                    host.send(INTERFACES[0].endpoint_out, packet)
                if answer is not None:
                    os.write(file, answer)
        except (OSError, TransportError):
            return


if __name__ == "__main__":
    sys.exit(serve(UhidCable(sys.argv[1])))
