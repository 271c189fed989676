"""Bluetooth without a radio: a controller for the kernel, linked to one on which a stack that we did not write is a host or a device.

Run by guest_ble.py in the foreign Python environment. Says JSON, a line each; reads commands, a line each.
"""

import asyncio
import json
import sys

from bumble.controller import Controller
from bumble.core import AdvertisingData
from bumble.device import Device, Peer
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.link import LocalLink
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport

PATIENCE_S = 120.0
IDENTITY = "C4:F2:17:1A:1D:BB"
_UUIDS = (
    AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)


def say(**message):
    """Write a line."""
    print(json.dumps(message), flush=True)


class Air(LocalLink):
    """A link that knows by which of its addresses a controller is connected: BlueZ uses the public one, the library assumes the other."""

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        """Carry data to the controller at the other end of a connection."""
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is not None and receiver is not None:
            loop = asyncio.get_running_loop()
            loop.call_soon(receiver.on_link_acl_data, connection.self_address, transport, data)


class Hand(PairingDelegate):
    """The person at the host: types the passkey that somebody reads to them; without one, has no keys to type it with."""

    def __init__(self, lines, *, has_keys=True):
        capability = PairingDelegate.KEYBOARD_INPUT_ONLY if has_keys else PairingDelegate.NO_OUTPUT_NO_INPUT
        super().__init__(io_capability=capability)
        self.lines = lines

    async def get_number(self):
        """Type what the next line says."""
        say(wants="passkey")
        return int(await self.lines.get())


class Link:
    """A connection of the foreign host to the device."""

    def __init__(self, connection, service):
        self.connection = connection
        self.peer = Peer(connection)
        self.service = service
        self.heard = asyncio.Queue()

    async def discover(self, mtu):
        """Agree on the MTU, and find the characteristics."""
        found = await self.peer.request_mtu(mtu)
        services = await self.peer.discover_service(self.service)
        characteristics = await services[0].discover_characteristics()
        self.notify, self.write, self.command = sorted(characteristics, key=lambda one: str(one.uuid))
        return {"mtu": found, "characteristics": sorted(str(one.uuid) for one in characteristics)}

    async def subscribe(self):
        """Ask for notifications."""
        await self.peer.subscribe(self.notify, lambda value: self.heard.put_nowait(bytes(value)))

    async def send(self, frame, *, has_response=True):
        """Write a frame."""
        target = self.write if has_response else self.command
        await self.peer.write_value(target, frame, with_response=has_response)

    async def exchange(self, apdu, *, frame_bytes, has_response):
        """Send an APDU in frames, by hand, and return what comes back."""
        raw = len(apdu).to_bytes(2, "big") + apdu
        size = frame_bytes - 3
        for number, at in enumerate(range(0, len(raw), size)):
            await self.send(b"\x05" + number.to_bytes(2, "big") + raw[at : at + size], has_response=has_response)
        answer, length = b"", 2
        while len(answer) < length:
            frame = await self.heard.get()
            answer += frame[3:]
            length = 2 + int.from_bytes(answer[:2], "big")
        return answer[2:].hex()

    async def talk(self):
        """Negotiate, and exchange APDUs long and short, by either characteristic."""
        await self.subscribe()
        await self.send(bytes.fromhex("0800000000"))
        negotiated = await self.heard.get()
        ask = bytes.fromhex("b001000000")
        long = bytes.fromhex("b0010000ff") + bytes(255)
        return {
            "negotiated": negotiated.hex(),
            "answers": [
                await self.exchange(apdu, frame_bytes=negotiated[5], has_response=has_response)
                for apdu in (ask, long)
                for has_response in (True, False)
            ],
        }


async def find(device, service):
    """Return the address of the first that advertises this service."""
    found = asyncio.get_running_loop().create_future()

    def hear(advertisement):
        # no name: this stack's virtual controllers do not carry the scan response, where BlueZ puts it
        uuids = {str(one).lower() for kind in _UUIDS for one in advertisement.data.get(kind) or []}
        if service in uuids and not found.done():
            found.set_result(advertisement.address)

    device.on("advertisement", hear)
    await device.start_scanning(active=True, filter_duplicates=False)
    address = await found
    await device.stop_scanning()
    return address


async def refused(work):
    """Return what refuses `work`, or None."""
    try:
        await work
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


async def be_host(link, lines, service):
    """Be a host: find the device, connect, pair and talk; then once more, with what was remembered."""
    device = Device(name="foreign host", address=Address(IDENTITY), host=Host())
    device.host.controller = Controller("C2", link=link)
    device.pairing_config_factory = lambda _connection: PairingConfig(mitm=True, delegate=Hand(lines))
    device.keystore = MemoryKeyStore()
    await device.power_on()
    results = {}
    one = Link(await device.connect(await find(device, service)), service)
    results["discovered"] = await one.discover(247)
    results["unpaired"] = await refused(one.send(bytes.fromhex("0800000000")))
    await one.connection.pair()
    results["paired"] = {
        "encrypted": bool(one.connection.encryption),
        "authenticated": bool(one.connection.authenticated),
    }
    results["talk"] = await one.talk()
    await one.connection.disconnect()
    device.gatt_server.max_mtu = 64  # which is what BlueZ asks for, beside what we ask
    two = Link(await device.connect(await find(device, service)), service)
    await two.connection.encrypt()
    await two.discover(64)
    results["again"] = await two.talk()
    say(results=results)
    # until the device's plug is pulled
    gone = asyncio.get_running_loop().create_future()
    two.connection.on("disconnection", lambda reason: gone.done() or gone.set_result(int(reason)))
    say(disconnected=await gone)


class Served:
    """A device made by hand of the foreign stack: frames of 40 bytes, and an answer that is the request backwards with 9000."""

    FRAME_BYTES = 40

    def __init__(self, link, name, service):
        self.device = Device(name=name, address=Address("C4:F2:17:1A:1D:CC"), host=Host())
        self.device.host.controller = Controller("C3", link=link)
        self.raw = b""
        self.service = service
        properties = Characteristic.Properties
        write = CharacteristicValue(write=self.take)
        at = [service.replace("-0000-", f"-000{number}-") for number in range(4)]
        self.notify = Characteristic(at[1], properties.NOTIFY, Characteristic.READABLE)
        self.device.add_service(
            Service(
                service,
                [
                    self.notify,
                    Characteristic(at[2], properties.WRITE, Characteristic.WRITEABLE, write),
                    Characteristic(at[3], properties.WRITE_WITHOUT_RESPONSE, Characteristic.WRITEABLE, write),
                ],
            )
        )

    async def open(self):
        """Advertise."""
        await self.device.power_on()
        kinds = AdvertisingData.Type
        name = (kinds.COMPLETE_LOCAL_NAME, self.device.name.encode()[:8])
        uuids = (
            kinds.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
            bytes.fromhex(self.service.replace("-", ""))[::-1],
        )
        data = bytes(AdvertisingData([(kinds.FLAGS, b"\x06"), uuids, name]))
        await self.device.start_advertising(advertising_data=data)

    async def take(self, _connection, frame):
        """Put a request together, and answer it."""
        if frame[0] == 8:
            await self.device.notify_subscribers(self.notify, bytes((8, 0, 0, self.FRAME_BYTES, 1, self.FRAME_BYTES)))
            return
        self.raw = frame[3:] if frame[1:3] == b"\0\0" else self.raw + frame[3:]
        if len(self.raw) - 2 < int.from_bytes(self.raw[:2], "big"):
            return
        answer = self.raw[2:][::-1] + b"\x90\x00"
        raw, size = len(answer).to_bytes(2, "big") + answer, self.FRAME_BYTES - 3
        for number, at in enumerate(range(0, len(raw), size)):
            await self.device.notify_subscribers(self.notify, b"\x05" + number.to_bytes(2, "big") + raw[at : at + size])


async def be_device(link, service):
    """Be a device, for as long as there is somebody to find it."""
    await Served(link, "Nano X 00FF", service).open()
    say(serving=True)
    await asyncio.Event().wait()


async def main():
    """Be the kernel's controller and, on the other side of its link, what the commands say."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    lines = asyncio.Queue()
    transport = await open_transport("vhci")
    link = Air()
    Controller(
        "C1", host_source=transport.source, host_sink=transport.sink, link=link, public_address="F0:F1:F2:F3:F4:F5"
    )
    say(ready=True)
    tasks = set()
    while line := (await reader.readline()).decode().strip():
        word, _, rest = line.partition(" ")
        if word == "host":
            tasks.add(asyncio.create_task(watched(be_host(link, lines, rest))))
        elif word == "device":
            tasks.add(asyncio.create_task(be_device(link, rest)))
        else:
            lines.put_nowait(word)


async def watched(work):
    """Carry out `work`, and say what went wrong with it."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await work
    except Exception as error:
        import traceback

        traceback.print_exc()
        say(results={"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    asyncio.run(main())
