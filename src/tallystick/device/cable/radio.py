"""The device on the air: BlueZ's adapter, the peripheral that it is by it, and the way of frames between link and device.

What the frames say it does not know. It lives in one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from tallystick.device.cable.bus import Bus
from tallystick.device.cable.gatt import (
    ADVERTISEMENT,
    AGENT,
    AGENT_CAPABILITY,
    CHARACTERISTIC_INTERFACE,
    NOTIFY,
    ROOT,
    Peripheral,
    Refusal,
    Typed,
)
from tallystick.errors import DeviceNotFound, PermissionDenied, RemoteProtocolError, TransportError
from tallystick.wire.radio import Frame, Present, RadioMessage, RadioReader, to_bytes

__all__ = ["PATIENCE_S", "Radio"]

_PROPERTIES = "org.freedesktop.DBus.Properties"
_ADAPTER, _GATT, _ADVERTISING = "org.bluez.Adapter1", "org.bluez.GattManager1", "org.bluez.LEAdvertisingManager1"
_AGENTS, _DEVICE = "org.bluez.AgentManager1", "org.bluez.Device1"
_NOTHING: Typed = ("a{sv}", {})
#: seconds that a device may take to say what it is, and BlueZ to do what it is asked
PATIENCE_S = 60.0
#: bytes that may wait to be read by the device
_HIGH_WATER = 1 << 18
_CHUNK = 1 << 16
_NO_ADAPTER = "plug one in, or switch it on; `bluetoothctl list` shows those that BlueZ knows"


class Radio:
    """The adapter, and the device that is on the air by it.

    `show` is given the passkey of who wants to pair, `fail` why it cannot go on.
    """

    def __init__(self, *, adapter: str, show: Callable[[str], None], fail: Callable[[TransportError], None]) -> None:
        self._wanted = adapter
        self._show = show
        self._fail = fail
        self._bus = Bus(answer=self._answer, hear=self._hear)
        self._adapter = ""
        self._peripheral: Peripheral | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._carrier: asyncio.Task[None] | None = None
        self._is_agent = False

    async def open(self) -> None:
        """Find the adapter and switch it on; raise TransportError with the remedy."""
        await self._bus.open()
        self._adapter = await self._find()
        await self._bus.listen("type='signal',sender='org.bluez',member='PropertiesChanged'")
        await self._bus.listen("type='signal',member='NameOwnerChanged',arg0='org.bluez'")
        try:
            for name in ("Powered", "Pairable"):
                await self._bus.call(
                    self._adapter, _PROPERTIES, "Set", ("s", _ADAPTER), ("s", name), ("v", ("b", True))
                )
        except Refusal as error:
            raise TransportError(
                f"the Bluetooth adapter cannot be switched on: {error.message}", remedy="run `rfkill unblock bluetooth`"
            ) from error

    async def plug(self, address: str) -> dict[str, Any]:
        """Put the device at the socket `address` on the air, if it has Bluetooth now; raise TransportError."""
        await self.unplug()
        try:
            reader, self._writer = await asyncio.open_unix_connection(address)
            present, rest, messages = await asyncio.wait_for(_presence(reader), PATIENCE_S)
        except (OSError, RemoteProtocolError, TimeoutError) as error:
            raise TransportError(f"the device does not answer on its Bluetooth socket: {error}") from error
        if present.service:
            self._peripheral = Peripheral(present, say=self._send, show=self._show)
            await self._register()
        self._carrier = asyncio.create_task(self._carry(reader, rest, messages))
        return {"adapter": self._adapter.rpartition("/")[2], "name": present.name}

    async def unplug(self) -> None:
        """Take the device off the air."""
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            carrier.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await carrier
        await self._leave_air()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()

    async def close(self) -> None:
        """Take the device off the air, and leave the bus."""
        await self.unplug()
        self._bus.close()

    async def _find(self) -> str:
        try:
            (found,) = await self._bus.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        except Refusal as error:
            if error.name == "org.freedesktop.DBus.Error.AccessDenied":
                raise PermissionDenied(
                    "this user may not speak to BlueZ", remedy="add the user to the group bluetooth"
                ) from error
            raise TransportError(
                "BlueZ does not run here",
                remedy="install it and start it: sudo apt install bluez, then sudo systemctl start bluetooth",
            ) from error
        paths = sorted(path for path, interfaces in found.items() if _ADAPTER in interfaces)
        for path in paths:
            if self._wanted not in ("", path.rpartition("/")[2]):
                continue
            if not {_GATT, _ADVERTISING} <= set(found[path]):
                raise TransportError(
                    f"the Bluetooth adapter {path.rpartition('/')[2]} cannot be a LE peripheral", remedy="use another"
                )
            return str(path)
        which = f" called {self._wanted}" if self._wanted else ""
        raise DeviceNotFound(f"there is no Bluetooth adapter{which}", remedy=_NO_ADAPTER)

    async def _register(self) -> None:
        try:
            if not self._is_agent:
                await self._bus.call("/org/bluez", _AGENTS, "RegisterAgent", ("o", AGENT), ("s", AGENT_CAPABILITY))
                await self._bus.call("/org/bluez", _AGENTS, "RequestDefaultAgent", ("o", AGENT))
                self._is_agent = True
            await self._bus.call(self._adapter, _GATT, "RegisterApplication", ("o", ROOT), _NOTHING)
            await self._bus.call(self._adapter, _ADVERTISING, "RegisterAdvertisement", ("o", ADVERTISEMENT), _NOTHING)
        except Refusal as error:
            raise TransportError(
                f"BlueZ does not take the device: {error.message}", remedy="look at `journalctl -u bluetooth`"
            ) from error

    async def _leave_air(self) -> None:
        peripheral, self._peripheral = self._peripheral, None
        if peripheral is None:
            return
        calls = [
            (self._adapter, _ADVERTISING, "UnregisterAdvertisement", ("o", ADVERTISEMENT)),
            (self._adapter, _GATT, "UnregisterApplication", ("o", ROOT)),
        ]
        if peripheral.linked:
            await self._call_quietly(peripheral.linked, _DEVICE, "Disconnect")
        for path, interface, member, value in calls:
            await self._call_quietly(path, interface, member, value)

    async def _call_quietly(self, path: str, interface: str, member: str, *values: Typed) -> None:
        """Call what may be refused because it is so already."""
        with contextlib.suppress(TransportError):
            await self._bus.call(path, interface, member, *values)

    async def _carry(self, reader: asyncio.StreamReader, rest: RadioReader, messages: list[RadioMessage]) -> None:
        """Carry what the device says to the link until it is unplugged."""
        try:
            while True:
                self._notify(messages)
                data = await reader.read(_CHUNK)
                if not data:
                    break
                messages = rest.receive(data)
        except (OSError, RemoteProtocolError):
            pass  # the same as unplugged
        await self._leave_air()

    def _notify(self, messages: list[RadioMessage]) -> None:
        for message in messages:
            if isinstance(message, Frame):
                changed: Typed = ("a{sv}", {"Value": ("ay", message.data)})
                self._bus.signal(
                    NOTIFY, _PROPERTIES, "PropertiesChanged", ("s", CHARACTERISTIC_INTERFACE), changed, ("as", [])
                )

    def _send(self, message: RadioMessage) -> None:
        if self._writer is None:
            return
        if self._writer.transport.get_write_buffer_size() > _HIGH_WATER:
            raise Refusal("org.bluez.Error.InProgress", "the device has not read what was written before")
        self._writer.write(to_bytes(message))

    def _answer(self, path: str, interface: str, member: str, body: list[Any]) -> list[Typed]:
        if self._peripheral is None:
            raise Refusal("org.bluez.Error.NotReady", "no device is on the air")
        return self._peripheral.call(path, interface, member, body)

    def _hear(self, path: str, interface: str, member: str, body: list[Any]) -> None:
        match interface, member, body:
            case "org.freedesktop.DBus.Properties", "PropertiesChanged", ["org.bluez.Device1", {"Connected": False}, _]:
                if self._peripheral is not None:
                    self._peripheral.unlink(path)
            case "org.freedesktop.DBus", "NameOwnerChanged", ["org.bluez", _, ""]:
                self._fail(TransportError("BlueZ has stopped", remedy="start it again, and then the device"))


async def _presence(reader: asyncio.StreamReader) -> tuple[Present, RadioReader, list[RadioMessage]]:
    """Hear what the device is; return it, what reads on, and what came right behind."""
    rest = RadioReader()
    while True:
        data = await reader.read(_CHUNK)
        if not data:
            raise ConnectionResetError("it hung up")
        match rest.receive(data):
            case [Present() as present, *messages]:
                return present, rest, messages
            case [_, *_]:
                raise RemoteProtocolError("it does not say what it is")
