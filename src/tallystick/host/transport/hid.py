"""APDUs over USB HID, through hidapi (wire-protocol A.1, A.3).

hidapi says "open failed" whatever the reason. The reasons are told apart here, because each has its own remedy: no permission
(the udev rule is missing), busy (another program holds the device), or gone.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from tallystick.errors import (
    DeviceBusy,
    DeviceNotFound,
    LocalProtocolError,
    PermissionDenied,
    RemoteProtocolError,
    TransportError,
)
from tallystick.host.transport.base import exchange
from tallystick.wire.hid import PACKET_BYTES, HidFraming, ResponseReceived
from tallystick.wire.role import Role

VENDOR_ID = 0x2C97
USAGE_PAGE = 0xFFA0

#: the longest single read, in seconds, so that an interrupt is noticed
_READ_SLICE_S = 0.25

#: given a hidapi path, tell whether this user may open it; None when that cannot be told
MayOpen = Callable[[bytes], bool | None]


class HidDevice(Protocol):
    """The part of a hidapi device object that is used."""

    def open_path(self, path: bytes) -> None:
        """Open the device at `path`; raise OSError."""

    def write(self, buff: bytes) -> int:
        """Write one report, its number first; return the bytes written, negative on failure."""

    def read(self, max_length: int, timeout_ms: int) -> Sequence[int]:
        """Return one report, or nothing in time; raise OSError."""

    def close(self) -> None:
        """Close the device."""


class HidModule(Protocol):
    """The part of the hidapi module that is used."""

    def enumerate(self, vendor_id: int = 0, product_id: int = 0) -> list[dict[str, Any]]:
        """Return a dictionary for each interface of each device."""

    def device(self) -> HidDevice:
        """Return a device object that is not open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HidInfo:
    """One device as USB describes it; `path` is hidapi's."""

    path: bytes
    product_id: int
    product: str
    serial: str


def hidapi() -> HidModule:
    """Return hidapi: on Linux the variant over hidraw, which needs no access to the raw USB device, where it is there."""
    names = ("hidraw", "hid") if sys.platform == "linux" else ("hid",)
    for name in names:
        try:
            module: Any = import_module(name)
        except ImportError:
            continue
        found: HidModule = module
        return found
    raise TransportError("hidapi is not installed", remedy="run: pip install hidapi")


def candidates(module: HidModule) -> list[HidInfo]:
    """Return the devices of our vendor id, by the interface that carries APDUs: interface 0 or usage page FFA0."""
    found: dict[bytes, HidInfo] = {}
    for entry in module.enumerate(VENDOR_ID, 0):
        if entry.get("interface_number") == 0 or entry.get("usage_page") == USAGE_PAGE:
            path = bytes(entry["path"])
            found[path] = HidInfo(
                path=path,
                product_id=int(entry.get("product_id", 0)),
                product=str(entry.get("product_string") or ""),
                serial=str(entry.get("serial_number") or ""),
            )
    return [found[path] for path in sorted(found)]


def may_open(path: bytes) -> bool | None:
    """Tell whether this user may read and write the device node behind a hidapi path; None when there is no such node."""
    node = device_node(path)
    return os.access(node, os.R_OK | os.W_OK) if node is not None and node.exists() else None


def device_node(path: bytes, *, sysfs: Path = Path("/sys/bus/usb/devices")) -> Path | None:
    """Return the file behind a hidapi path, or None: hidraw paths are files, libusb paths name the USB port (``1-2:1.0``)."""
    text = path.decode("ascii", "replace")
    if text.startswith("/dev/"):
        return Path(text)
    port = re.fullmatch(r"(\d+-[\d.]+):\d+\.\d+", text)
    if port is None:
        return None
    try:
        numbers = [int((sysfs / port[1] / name).read_text("ascii")) for name in ("busnum", "devnum")]
    except (OSError, ValueError):
        return None
    return Path(f"/dev/bus/usb/{numbers[0]:03}/{numbers[1]:03}")


class HidTransport:
    """The device described by `info`, on `channel` (16 bits); `module` is hidapi or a double of it."""

    def __init__(
        self,
        info: HidInfo,
        *,
        module: HidModule,
        channel: int,
        url: str = "hid:",
        may_open: MayOpen = may_open,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._info = info
        self._module = module
        self._channel = channel
        self._url = url
        self._may_open = may_open
        self._clock = clock
        self._device: HidDevice | None = None
        self._framing = HidFraming(Role.HOST, channel=channel)
        self._owed = False

    @property
    def url(self) -> str:
        """``hid:`` and the serial number or path."""
        return self._url

    def send(self, apdu: bytes) -> None:
        """Send one APDU, opening the device first; raise PermissionDenied, DeviceBusy, DeviceNotFound or TransportError."""
        if self._owed:
            raise LocalProtocolError("an answer is still owed: one APDU at a time")
        device = self._open() if self._device is None else self._device
        packets = self._framing.send(apdu)
        self._owed = True
        try:
            is_written = all(device.write(b"\x00" + packet) >= 0 for packet in packets)
        except (OSError, ValueError) as error:
            self.close()
            raise self._lost(error) from error
        if not is_written:
            self.close()
            raise self._lost(OSError("a packet could not be written"))

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the answer, or None after `timeout_s` seconds; raise TransportError when the device is unplugged."""
        if self._device is None or not self._owed:
            raise LocalProtocolError("nothing was sent")
        deadline = self._clock() + timeout_s
        while True:
            left_s = min(max(deadline - self._clock(), 0.0), _READ_SLICE_S)
            try:
                packet = bytes(self._device.read(PACKET_BYTES, max(int(left_s * 1000), 1)))
            except (OSError, ValueError) as error:
                self.close()
                raise self._lost(error) from error
            answer = self._take(packet) if packet else None
            if answer is not None:
                self._owed = False
                return answer
            if self._clock() >= deadline:
                return None

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send an APDU and return its answer; raise TransportTimeout after `timeout_s` seconds."""
        return exchange(self, apdu, timeout_s=timeout_s)

    def close(self) -> None:
        """Close the device. The next request goes by another channel, so that a late answer cannot be mistaken for its own."""
        device, self._device = self._device, None
        if self._owed:
            self._channel = (self._channel + 1) & 0xFFFF
        self._framing = HidFraming(Role.HOST, channel=self._channel)
        self._owed = False
        if device is not None:
            device.close()

    def _take(self, packet: bytes) -> bytes | None:
        try:
            events = self._framing.receive(packet)
        except RemoteProtocolError:
            self.close()
            raise
        return next((event.response.to_bytes() for event in events if isinstance(event, ResponseReceived)), None)

    def _open(self) -> HidDevice:
        device = self._module.device()
        try:
            device.open_path(self._info.path)
        except OSError as error:
            raise self._refusal() from error
        self._device = device
        return device

    def _refusal(self) -> TransportError:
        there = {info.path for info in candidates(self._module)}
        if self._info.path not in there:
            return DeviceNotFound(f"the device at {self._url} is gone", remedy="plug it in and try again")
        if self._may_open(self._info.path) is False:
            return PermissionDenied(
                f"this user may not open the device at {self._url}",
                remedy="run `tally udev install` and do what it prints, then plug the device in again",
            )
        return DeviceBusy(
            f"another program holds the device at {self._url}",
            remedy="close other wallet programs and browser tabs that use it, then try again",
        )

    def _lost(self, error: Exception) -> TransportError:
        return TransportError(
            f"the USB connection to {self._url} broke: {error}", remedy="plug the device in and try again"
        )
