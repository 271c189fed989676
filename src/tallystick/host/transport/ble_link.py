"""Bluetooth LE for hosts: find devices, and links to them. This module alone knows the library that does it (extra ``ble``).

The library is asynchronous, its users here are not: its event loop runs while somebody waits for something, and only then.
What comes meanwhile is kept by the system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakBluetoothNotAvailableError, BleakDeviceNotFoundError, BleakError

from tallystick.errors import DeviceNotFound, PermissionDenied, TransportError, TransportTimeout
from tallystick.host.transport.ble import BleInfo, BleLink
from tallystick.wire.ble import notify_uuid, service_uuid, write_uuid
from tallystick.wire.model import MODELS

__all__ = ["BleakRadio"]

_CONNECT_TIMEOUT_S = 30.0
#: seconds a write may take: as long as a person may take to pair
_WRITE_TIMEOUT_S = 60.0
#: services of every model, by their UUIDs
_SERVICES = {service_uuid(one.ble_service): one.ble_service for one in MODELS.values() if one.ble_service is not None}
#: how the systems say that the link is not encrypted, or not by keys that were compared
_UNPAIRED = (
    "authentication",
    "encryption",
    "not paired",
    "notpermitted",
    "not permitted",
    "notauthorized",
    "access denied",
)

_T = TypeVar("_T")


class BleakRadio:
    """The machine's own Bluetooth."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._found: dict[str, BLEDevice] = {}

    def scan(self, timeout_s: float) -> list[BleInfo]:
        """Listen for `timeout_s` seconds and return the devices that were heard; raise TransportError without an adapter."""
        found = self.run(BleakScanner.discover(timeout_s, return_adv=True, service_uuids=list(_SERVICES)))
        infos = []
        for device, advertisement in found.values():
            service = next((_SERVICES[one] for one in advertisement.service_uuids if one in _SERVICES), None)
            if service is not None:
                self._found[device.address] = device
                name = advertisement.local_name or device.name or ""
                infos.append(BleInfo(address=device.address, name=name, service=service))
        return sorted(infos, key=lambda one: one.address)

    def connect(self, info: BleInfo) -> BleLink:
        """Connect to a device that was heard, and subscribe to its answers; raise DeviceNotFound or PermissionDenied."""
        return self.run(self._connect(info))

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run the library until `work` is done; raise TransportError for its errors."""
        self._runner = self._runner or asyncio.Runner()
        try:
            return self._runner.run(work)
        except (BleakError, OSError, EOFError) as error:
            raise _told(error) from error

    def close(self) -> None:
        """End the event loop; the next call begins another one."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    async def _connect(self, info: BleInfo) -> BleLink:
        notifications: asyncio.Queue[bytes | None] = asyncio.Queue()
        client = BleakClient(
            self._found.get(info.address, info.address),
            disconnected_callback=lambda _client: notifications.put_nowait(None),
            timeout=_CONNECT_TIMEOUT_S,
        )
        await client.connect()
        try:
            await asyncio.wait_for(
                client.start_notify(
                    notify_uuid(info.service), lambda _one, value: notifications.put_nowait(bytes(value))
                ),
                _WRITE_TIMEOUT_S,
            )
        except BaseException:
            await client.disconnect()
            raise
        return _Link(self, client, notifications, target=write_uuid(info.service))


class _Link:
    """A link to a device that is subscribed to."""

    def __init__(
        self, radio: BleakRadio, client: BleakClient, notifications: asyncio.Queue[bytes | None], *, target: str
    ) -> None:
        self._radio = radio
        self._client = client
        self._notifications = notifications
        self._target = target

    def write(self, frame: bytes) -> None:
        """Write one frame, and wait until the device has it."""
        self._radio.run(
            asyncio.wait_for(self._client.write_gatt_char(self._target, frame, response=True), _WRITE_TIMEOUT_S)
        )

    def read(self, timeout_s: float) -> bytes | None:
        """Return the next notification, or None when none came in time; raise TransportError when the link is lost."""
        frame = self._radio.run(self._read(timeout_s))
        if frame == b"":
            raise TransportError("the Bluetooth link was lost")
        return frame

    def close(self) -> None:
        """Disconnect."""
        self._radio.run(self._client.disconnect())

    async def _read(self, timeout_s: float) -> bytes | None:
        """Return a notification, None when there is none in time, nothing when there will be none."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._notifications.get() or b""
        except TimeoutError:
            return None


def _told(error: Exception) -> TransportError:
    """Return our error for one of the library."""
    text = str(error) or type(error).__name__
    if isinstance(error, BleakBluetoothNotAvailableError):
        return TransportError(
            f"there is no Bluetooth here: {text}", remedy="switch it on; on Linux BlueZ must run and have an adapter"
        )
    if isinstance(error, TimeoutError):
        return TransportTimeout("the device does not answer over Bluetooth", remedy="bring it nearer, or wake it up")
    if isinstance(error, BleakDeviceNotFoundError):
        return DeviceNotFound(f"the device is out of reach: {text}", remedy="bring it nearer, or wake it up")
    if any(word in text.lower() for word in _UNPAIRED):
        return PermissionDenied(
            f"the device wants to be paired first: {text}",
            remedy="pair it in the system's Bluetooth settings; on Linux also by `bluetoothctl pair ADDRESS`",
        )
    return TransportError(f"Bluetooth: {text}", remedy="see whether the device is on and near, then try again")
