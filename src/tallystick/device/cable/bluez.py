"""The cable without a wire: makes the device a Bluetooth LE peripheral of this machine's adapter, by BlueZ (Linux; extra ``ble``).

Run as ``python -I -m tallystick.device.cable.bluez ADDRESS [ADAPTER]``; it needs no rights of root. It advertises the device,
shows the passkey of who wants to pair, and carries frames between the link and the device. What the frames say it does not know.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

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
from tallystick.device.cable.line import say, serve
from tallystick.errors import DeviceNotFound, PermissionDenied, RemoteProtocolError, TransportError
from tallystick.wire.radio import Frame, Present, RadioMessage, RadioReader, to_bytes

__all__ = ["BluezCable"]

_PROPERTIES = "org.freedesktop.DBus.Properties"
_ADAPTER, _GATT, _ADVERTISING = "org.bluez.Adapter1", "org.bluez.GattManager1", "org.bluez.LEAdvertisingManager1"
_AGENTS, _DEVICE = "org.bluez.AgentManager1", "org.bluez.Device1"
_NOTHING: Typed = ("a{sv}", {})
#: seconds that a device may take to say what it is, and BlueZ to do what it is asked
_PATIENCE_S = 60.0
#: bytes that may wait to be read by the device
_HIGH_WATER = 1 << 18
_CHUNK = 1 << 16
_NO_ADAPTER = "plug one in, or switch it on; `bluetoothctl list` shows those that BlueZ knows"

_T = TypeVar("_T")


class Radio:
    """The adapter, and the device that is on the air by it; lives in one event loop."""

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
            present, rest, messages = await asyncio.wait_for(_presence(reader), _PATIENCE_S)
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
                for message in messages:
                    if isinstance(message, Frame):
                        self._notify(message.data)
                data = await reader.read(_CHUNK)
                if not data:
                    break
                messages = rest.receive(data)
        except (OSError, RemoteProtocolError):
            pass  # the same as unplugged
        await self._leave_air()

    def _notify(self, frame: bytes) -> None:
        values: tuple[Typed, ...] = (
            ("s", CHARACTERISTIC_INTERFACE),
            ("a{sv}", {"Value": ("ay", frame)}),
            ("as", []),
        )
        self._bus.signal(NOTIFY, _PROPERTIES, "PropertiesChanged", *values)

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


class BluezCable:
    """A `line.Cable`: runs a radio in a thread of its own. `tell` is given what is said unasked: the passkey of who wants to pair."""

    def __init__(self, address: str, *, adapter: str = "", tell: Callable[..., None]) -> None:
        self._address = address
        self._tell = tell
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._radio = Radio(
            adapter=adapter,
            show=lambda code: tell(pairing={"code": code}),
            fail=lambda error: tell(error=_words(error)),
        )

    def prepare(self) -> None:
        """Find the adapter; raise TransportError."""
        self._thread.start()
        self._run(self._radio.open())

    def plug(self) -> dict[str, Any]:
        """Put the device on the air; raise TransportError."""
        return self._run(self._radio.plug(self._address))

    def close(self) -> None:
        """Take it off the air, and end the thread."""
        if not self._thread.is_alive():
            return
        with contextlib.suppress(TransportError):
            self._run(self._radio.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_PATIENCE_S)
        except TimeoutError:
            future.cancel()
            raise TransportError(
                "BlueZ does not answer", remedy="start it again: systemctl restart bluetooth"
            ) from None


def _words(error: TransportError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "remedy": error.remedy}


if __name__ == "__main__":
    sys.exit(
        serve(
            BluezCable(sys.argv[1], adapter="".join(sys.argv[2:3]), tell=lambda **message: say(sys.stdout, **message))
        )
    )
