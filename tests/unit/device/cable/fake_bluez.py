"""A D-Bus daemon of our own, and on it what calls itself BlueZ: it takes registrations, and calls as the real one would."""

import asyncio
import contextlib
import os
import shutil
import subprocess

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

ADAPTER = "/org/bluez/hci0"
#: as BlueZ names who is linked
FRIEND, STRANGER = f"{ADAPTER}/dev_00_00_5E_00_53_01", f"{ADAPTER}/dev_00_00_5E_00_53_02"
_OBJECTS, _PROPERTIES = "org.freedesktop.DBus.ObjectManager", "org.freedesktop.DBus.Properties"
_CHARACTERISTIC = "org.bluez.GattCharacteristic1"
MANAGERS = ("org.bluez.GattManager1", "org.bluez.LEAdvertisingManager1")


@contextlib.contextmanager
def private_bus(folder):
    """Give the address of a D-Bus daemon that nobody else knows of."""
    program = shutil.which("dbus-daemon")
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "there is no dbus-daemon: run scripts/ble_setup"
        )
    words = [program, "--session", "--nofork", "--nopidfile", "--print-address", f"--address=unix:path={folder}/bus"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.kill()


class FakeBluez:
    """The service ``org.bluez`` with the adapters `adapters`, each with these interfaces."""

    def __init__(self, *, adapters=(ADAPTER,), interfaces=MANAGERS, refuses=""):
        self.adapters = adapters
        self.interfaces = interfaces
        #: a method that is answered with an error
        self.refuses = refuses
        self.calls = []
        self.notified = asyncio.Queue()
        self.registered = asyncio.Event()
        self.unregistered = asyncio.Event()
        self.disconnected = asyncio.Event()
        self.application = None
        self.agent = None

    async def open(self, address):
        """Take the name on the bus at `address`."""
        self.bus = await MessageBus(bus_address=address).connect()
        self.bus.add_message_handler(self._handle)
        await self.bus.request_name("org.bluez")
        rule = "type='signal',interface='org.freedesktop.DBus.Properties',path_namespace='/org/tallystick'"
        await self._call(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule]
        )

    def close(self):
        """Leave the bus."""
        self.bus.disconnect()

    def drop(self, device):
        """Say that `device` is not linked any more."""
        changed = {"Connected": Variant("b", False)}
        body = ["org.bluez.Device1", changed, []]
        self.bus.send(Message.new_signal(device, _PROPERTIES, "PropertiesChanged", "sa{sv}as", body))

    async def objects(self):
        """Return what the registered application has."""
        reply = await self._call(*self.application, _OBJECTS, "GetManagedObjects")
        return reply.body[0]

    async def subscribe(self, path):
        """Ask for notifications, as for whoever wrote the descriptor."""
        return await self._call(self.application[0], path, _CHARACTERISTIC, "StartNotify")

    async def unsubscribe(self, path):
        """Ask for no more."""
        return await self._call(self.application[0], path, _CHARACTERISTIC, "StopNotify")

    async def write(self, path, data, *, device=FRIEND, mtu=23, **more):
        """Hand over what `device` wrote; return the name of the error, or None."""
        options = {"device": Variant("o", device), "mtu": Variant("q", mtu), "link": Variant("s", "LE"), **more}
        reply = await self._call(self.application[0], path, _CHARACTERISTIC, "WriteValue", "aya{sv}", [data, options])
        return reply.error_name

    async def ask(self, member, signature="", body=()):
        """Ask the agent; return the name of the error, or None."""
        reply = await self._call(*self.agent, "org.bluez.Agent1", member, signature, list(body))
        return reply.error_name

    async def property_of(self, path, interface, name):
        """Return a property of an object of the application."""
        reply = await self._call(self.application[0], path, _PROPERTIES, "Get", "ss", [interface, name])
        return reply.body[0].value

    async def _call(self, destination, path, interface, member, signature="", body=()):
        message = Message(destination=destination, path=path, interface=interface, member=member)
        message.signature, message.body = signature, list(body)
        return await self.bus.call(message)

    def _handle(self, message):
        if message.message_type is MessageType.SIGNAL:
            if message.member == "PropertiesChanged" and message.path.startswith("/org/tallystick"):
                self.notified.put_nowait((message.path, bytes(message.body[1]["Value"].value)))
            return None
        if message.message_type is not MessageType.METHOD_CALL or message.destination is None:
            return None
        self.calls.append((message.path, message.member, message.body))
        if message.member == self.refuses:
            return Message.new_error(message, "org.bluez.Error.Failed", "it fails")
        match message.member:
            case "GetManagedObjects":
                found = {
                    path: {"org.bluez.Adapter1": {}, **{name: {} for name in self.interfaces}} for path in self.adapters
                }
                return Message.new_method_return(message, "a{oa{sa{sv}}}", [found])
            case "RegisterAgent":
                self.agent = (message.sender, message.body[0])
            case "RegisterApplication":
                self.application = (message.sender, message.body[0])
            case "RegisterAdvertisement":
                self.registered.set()
            case "UnregisterApplication":
                self.unregistered.set()
            case "Disconnect":
                self.disconnected.set()
        return Message.new_method_return(message)
