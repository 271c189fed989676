"""The Bluetooth radio on a D-Bus daemon of its own, with a BlueZ that only plays BlueZ, and the device's own endpoint behind it."""

import asyncio
import contextlib
import io
import json
import re
import socket

import pytest
from fake_bluez import FRIEND, STRANGER, FakeBluez, private_bus

from tallystick.device.cable.bluez import BluezCable
from tallystick.device.cable.gatt import NOTIFY
from tallystick.device.cable.line import serve
from tallystick.device.normal.ble import BleEndpoint
from tallystick.device.normal.relay import Relay
from tallystick.errors import DeviceNotFound, TransportError
from tallystick.wire.ble import BleFraming
from tallystick.wire.packet import ResponseReceived
from tallystick.wire.role import Role
from tallystick.wire.world import Apdu, Introduce, Reply

PATIENCE_S = 60.0
NANO_X, NANO_S_PLUS = 0x4011, 0x5011
WRITE, COMMAND = (NOTIFY[:-1] + number for number in "12")
APDU = bytes.fromhex("b001000000")


@pytest.fixture
def bus(tmp_path, monkeypatch):
    """Return the address of a system bus of our own."""
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address


class Air:
    """A device, its radio, and the fake BlueZ; `asked` holds the requests that reached the device."""

    def __init__(self, folder, bluez, *, product_id=NANO_X):
        self.bluez = bluez
        self.asked = []
        self.told = asyncio.Queue()
        self.relay = Relay(self._gate)
        self.relay.send(Introduce(product_id, "tallystick-00ab"))
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.address = str(folder / "radio")
        listener.bind(self.address)
        self.endpoint = BleEndpoint(self.relay, listener)
        self.answer = lambda raw: raw[::-1] + b"\x90\x00"

    def _gate(self, message):
        if isinstance(message, Apdu):
            self.asked.append(message.raw)
            self.relay.send(Reply(message.channel, self.answer(message.raw)))

    async def plug(self):
        """Put the device on the air."""
        loop = asyncio.get_running_loop()
        await self.endpoint.open()
        tell = lambda **message: loop.call_soon_threadsafe(self.told.put_nowait, message)  # noqa: E731
        self.cable = BluezCable(self.address, tell=tell)
        await asyncio.to_thread(self.cable.prepare)
        return await asyncio.to_thread(self.cable.plug)

    async def notified(self):
        """Return the next notification."""
        async with asyncio.timeout(PATIENCE_S):
            path, frame = await self.bluez.notified.get()
        assert path == NOTIFY
        return frame

    async def exchange(self, apdu, *, path=WRITE, mtu=23):
        """Be a host: negotiate, send, and put the answer together."""
        host = BleFraming(Role.HOST)
        assert await self.bluez.write(path, host.negotiate(), mtu=mtu) is None
        host.receive(await self.notified())
        for frame in host.send(apdu):
            assert await self.bluez.write(path, frame, mtu=mtu) is None
        while True:
            for event in host.receive(await self.notified()):
                if isinstance(event, ResponseReceived):
                    return host.frame_bytes, event.response.to_bytes()

    async def close(self):
        """Stop both."""
        await asyncio.to_thread(self.cable.close)
        await self.endpoint.close()


@contextlib.asynccontextmanager
async def on_the_air(folder, bus, **options):
    """Give a device that is on the air."""
    bluez = FakeBluez()
    await bluez.open(bus)
    air = Air(folder, bluez, **options)
    try:
        async with asyncio.timeout(PATIENCE_S):
            air.facts = await air.plug()
            yield air
    finally:
        await air.close()
        bluez.close()


async def test_the_service_is_the_models_and_wants_a_link_that_is_encrypted_and_authenticated(tmp_path, bus):
    """Three characteristics of the model's service; the advertisement says service and name; the adapter is switched on."""
    async with on_the_air(tmp_path, bus) as air:
        found = [one for interfaces in (await air.bluez.objects()).values() for one in interfaces.values()]
        flags = {one["UUID"].value: one["Flags"].value for one in found if "Flags" in one}
        assert {one["UUID"].value for one in found if "Primary" in one} == {"13d63400-2c97-0004-0000-4c6564676572"}
        assert flags == {
            "13d63400-2c97-0004-0001-4c6564676572": ["notify", "encrypt-authenticated-notify"],
            "13d63400-2c97-0004-0002-4c6564676572": ["write", "encrypt-authenticated-write"],
            "13d63400-2c97-0004-0003-4c6564676572": ["write-without-response", "encrypt-authenticated-write"],
        }
        advertisement = ("/org/tallystick/advertisement", "org.bluez.LEAdvertisement1")
        assert await air.bluez.property_of(*advertisement, "LocalName") == "Nano X 00AB"
        assert await air.bluez.property_of(*advertisement, "Type") == "peripheral"
        assert air.facts == {"adapter": "hci0", "name": "Nano X 00AB"}
        properties = [body[1] for _, member, body in air.bluez.calls if member == "Set"]
        assert properties == ["Powered", "Pairable"]


@pytest.mark.parametrize(("mtu", "frame_bytes"), [(23, 20), (64, 61), (156, 153), (517, 153)])
@pytest.mark.parametrize("path", [WRITE, COMMAND], ids=["write", "command"])
async def test_apdus_go_to_and_fro_at_any_mtu(tmp_path, bus, mtu, frame_bytes, path):
    """By either characteristic; a device asks for an ATT MTU of 156, and takes no more than that."""
    async with on_the_air(tmp_path, bus) as air:
        await air.bluez.subscribe(NOTIFY)
        size, answer = await air.exchange(bytes(range(255)), path=path, mtu=mtu)
        assert (size, answer) == (frame_bytes, bytes(range(255))[::-1] + b"\x90\x00")
        assert air.asked == [bytes(range(255))]


async def test_nothing_is_heard_before_somebody_listens(tmp_path, bus):
    """A write before notifications are on has no effect, and is no error."""
    async with on_the_air(tmp_path, bus) as air:
        assert await air.bluez.write(WRITE, b"\x05\0\0\0\x05" + APDU) is None
        await air.bluez.subscribe(NOTIFY)
        assert (await air.exchange(APDU))[1] == APDU[::-1] + b"\x90\x00"
        assert air.asked == [APDU]


async def test_one_at_a_time_is_linked(tmp_path, bus):
    """A second one is refused while the first is there, and served when it has gone; half a request of the first is forgotten."""
    async with on_the_air(tmp_path, bus) as air:
        await air.bluez.subscribe(NOTIFY)
        assert await air.bluez.write(WRITE, b"\x05\0\0\0\x09" + APDU) is None
        assert await air.bluez.write(WRITE, b"\x08\0\0\0\0", device=STRANGER) == "org.bluez.Error.NotPermitted"
        air.bluez.drop(STRANGER)
        air.bluez.drop(FRIEND)
        while await air.bluez.write(WRITE, b"\x08\0\0\0\0", device=STRANGER) is not None:
            pass  # the signal is on its way
        assert await air.notified() == bytes.fromhex("080000140114")
        assert air.asked == []


async def test_a_host_that_does_not_listen_any_more_is_gone(tmp_path, bus):
    """What it asks afterwards has no effect until it listens again."""
    async with on_the_air(tmp_path, bus) as air:
        await air.bluez.subscribe(NOTIFY)
        await air.exchange(APDU, mtu=100)
        await air.bluez.unsubscribe(NOTIFY)
        assert await air.bluez.write(WRITE, b"\x08\0\0\0\0") is None
        await air.bluez.subscribe(NOTIFY)
        assert (await air.exchange(APDU))[0] == 20
        assert air.asked == [APDU, APDU]


@pytest.mark.parametrize(
    ("data", "more", "error"),
    [
        (b"", {}, "org.bluez.Error.InvalidValueLength"),
        (bytes(513), {}, "org.bluez.Error.InvalidValueLength"),
        (b"\x05", {"offset": 1}, "org.bluez.Error.InvalidOffset"),
    ],
)
async def test_writes_that_are_no_frames_are_refused(tmp_path, bus, data, more, error):
    """The link stays as it is."""
    from dbus_fast import Variant

    async with on_the_air(tmp_path, bus) as air:
        await air.bluez.subscribe(NOTIFY)
        more = {name: Variant("q", value) for name, value in more.items()}
        assert await air.bluez.write(WRITE, data, **more) == error
        assert (await air.exchange(APDU))[1] == APDU[::-1] + b"\x90\x00"


async def test_who_pairs_types_the_passkey_that_is_shown_here(tmp_path, bus):
    """Six digits are shown; ways to pair that show none are refused."""
    async with on_the_air(tmp_path, bus) as air:
        (capability,) = [body[1] for _, member, body in air.bluez.calls if member == "RegisterAgent"]
        assert capability == "DisplayOnly"
        assert await air.bluez.ask("DisplayPasskey", "ouq", [FRIEND, 4711, 0]) is None
        assert await air.told.get() == {"pairing": {"code": "004711"}}
        assert await air.bluez.ask("Cancel") is None
        assert await air.told.get() == {"pairing": {"code": ""}}
        assert await air.bluez.ask("RequestAuthorization", "o", [FRIEND]) == "org.bluez.Error.Rejected"
        assert await air.bluez.ask("RequestConfirmation", "ou", [FRIEND, 4711]) == "org.bluez.Error.Rejected"
        assert await air.bluez.ask("DisplayPasskey") == "org.freedesktop.DBus.Error.InvalidArgs"


async def test_a_pulled_plug_takes_the_device_off_the_air_and_it_comes_back(tmp_path, bus):
    """Whoever is linked is disconnected; the next time all is as at first."""
    async with on_the_air(tmp_path, bus) as air:
        await air.bluez.subscribe(NOTIFY)
        await air.exchange(APDU)
        air.relay.unplug()
        await air.bluez.unregistered.wait()
        await air.bluez.disconnected.wait()
        assert (FRIEND, "Disconnect", []) in air.bluez.calls
        air.relay.send(Introduce(NANO_X, "tallystick-00cd"))
        facts = await asyncio.to_thread(air.cable.plug)
        assert facts["name"] == "Nano X 00CD"
        await air.bluez.subscribe(NOTIFY)
        assert (await air.exchange(APDU))[1] == APDU[::-1] + b"\x90\x00"


@pytest.mark.parametrize("product_id", [NANO_S_PLUS, 0x0004], ids=["model without Bluetooth", "bootloader"])
async def test_a_device_without_bluetooth_is_not_on_the_air(tmp_path, bus, product_id):
    """It is plugged in all the same: it may have Bluetooth the next time."""
    async with on_the_air(tmp_path, bus, product_id=product_id) as air:
        assert air.facts["name"] == ""
        assert not air.bluez.registered.is_set()


async def test_bluez_that_stops_is_told(tmp_path, bus):
    """With what to do about it."""
    async with on_the_air(tmp_path, bus) as air:
        air.bluez.close()
        message = await air.told.get()
        assert message["error"]["message"] == "BlueZ has stopped"


def run(bus_address, monkeypatch, *, adapter=""):
    """Run the cable's program to its end; return what it said."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_address)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    out = io.StringIO()
    code = serve(BluezCable("/nowhere", adapter=adapter, tell=lambda **_: None), io.StringIO("plug\n"), out)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_without_a_bus_the_remedy_is_said(tmp_path, monkeypatch):
    """As in a container."""
    code, (message,) = run(f"unix:path={tmp_path}/none", monkeypatch)
    assert code == 1
    assert "no D-Bus system bus" in message["error"]["message"]
    assert "BlueZ" in message["error"]["remedy"]


def test_without_bluez_the_remedy_is_said(bus, monkeypatch):
    """How to install it and start it."""
    code, (message,) = run(bus, monkeypatch)
    assert (code, message["error"]["message"]) == (1, "BlueZ does not run here")
    assert "systemctl start bluetooth" in message["error"]["remedy"]


@pytest.mark.parametrize(
    ("options", "adapter", "error", "words"),
    [
        ({"adapters": ()}, "", DeviceNotFound, "there is no Bluetooth adapter$"),
        ({}, "hci1", DeviceNotFound, "there is no Bluetooth adapter called hci1"),
        ({"interfaces": ()}, "", TransportError, "cannot be a LE peripheral"),
        ({"refuses": "Set"}, "", TransportError, "cannot be switched on"),
    ],
    ids=["none", "another", "too old", "blocked"],
)
async def test_without_an_adapter_that_will_do_the_remedy_is_said(bus, monkeypatch, options, adapter, error, words):
    """Before the device is started."""
    bluez = FakeBluez(**options)
    await bluez.open(bus)
    code, (message,) = await asyncio.to_thread(run, bus, monkeypatch, adapter=adapter)
    assert code == 1
    assert message["error"]["code"] == error.code
    assert re.search(words, message["error"]["message"])
    assert message["error"]["remedy"]
    bluez.close()


@pytest.mark.parametrize("refuses", ["RegisterAgent", "RegisterApplication", "RegisterAdvertisement"])
async def test_bluez_that_does_not_take_the_device_says_why(tmp_path, bus, refuses):
    """Its words are passed on."""
    bluez = FakeBluez(refuses=refuses)
    await bluez.open(bus)
    air = Air(tmp_path, bluez)
    with pytest.raises(TransportError, match="BlueZ does not take the device: it fails"):
        await air.plug()
    await air.close()
    bluez.close()


async def test_a_device_that_hangs_up_at_once_is_an_error(tmp_path, bus):
    """So is one that is not there."""
    bluez = FakeBluez()
    await bluez.open(bus)
    air = Air(tmp_path, bluez)
    await air.plug()
    second = BluezCable(air.address, tell=lambda **_: None)
    await asyncio.to_thread(second.prepare)
    with pytest.raises(TransportError, match="Bluetooth socket"):  # one radio at a time
        await asyncio.to_thread(second.plug)
    await asyncio.to_thread(second.close)
    await air.close()
    bluez.close()
