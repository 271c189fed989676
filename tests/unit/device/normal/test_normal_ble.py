"""The Bluetooth endpoint: a radio on one side of a socket, a relay on the other; and both roles of the framing, back to back."""

import asyncio
import random
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.device.normal.ble import BleEndpoint, BleLink, presence
from tallystick.device.normal.relay import Relay
from tallystick.errors import RemoteProtocolError
from tallystick.wire.ble import BleFraming
from tallystick.wire.model import MODELS
from tallystick.wire.packet import ResponseReceived
from tallystick.wire.radio import Disconnected, Frame, Linked, Mtu, Present, RadioReader, to_bytes
from tallystick.wire.role import Role
from tallystick.wire.world import Apdu, Introduce, Link, LinkState, Reply

PATIENCE_S = 60.0
NANO_X = Introduce(0x4011, "tallystick-00ab")


class Device:
    """A relay whose Secure World answers with what it was asked and 9000; `link` is the radio's end."""

    def __init__(self, *, is_mute=False):
        self.asked, self.links, self.sent, self.waits = [], [], [], []
        self.is_mute = is_mute
        self.ended = False
        self.relay = Relay(self._gate)
        self.relay.send(NANO_X)
        self.reader = RadioReader()
        self.link = BleLink(
            self.relay,
            send=lambda data: self.sent.extend(self.reader.receive(data)),
            on_end=self._end,
            on_wait=self.waits.append,
        )

    def _gate(self, message):
        match message:
            case Apdu(channel, raw):
                self.asked.append((channel, raw))
                if not self.is_mute:
                    self.relay.send(Reply(channel, raw + b"\x90\x00"))
            case Link(channel, state):
                self.links.append((channel, state))

    def _end(self):
        self.ended = True

    def take(self, *messages):
        """Have the radio say this; return the frames that it hears."""
        self.sent.clear()
        self.link.receive(b"".join(map(to_bytes, messages)))
        return [one.data for one in self.sent]


def answer(host, frames):
    """Return the answer that these frames are for `host`, or None."""
    events = [event for frame in frames for event in host.receive(frame)]
    return next((one.response.to_bytes() for one in events if isinstance(one, ResponseReceived)), None)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_a_device_is_on_the_air_as_its_model(model):
    """By its service, with a name that ends as its serial number does; its bootloader has no Bluetooth."""
    told = presence(Introduce(model.product_id, "tallystick-00ab"))
    expected = Present(model.ble_service, f"{model.product} 00AB") if model.ble_service else Present("", "")
    assert told == expected
    assert len(to_bytes(told)) <= 36
    assert presence(Introduce(model.bootloader_product_id, "tallystick-00ab")) == Present("", "")
    assert presence(None) == presence(Introduce(0xFF11, "x")) == Present("", "")


@settings(max_examples=60)
@given(st.binary(min_size=5, max_size=600), st.integers(23, 517))
def test_both_roles_back_to_back_at_every_mtu(apdu, att_mtu):
    """Whatever the link agrees on, an APDU comes whole and its answer goes whole."""
    device, host = Device(), BleFraming(Role.HOST)
    device.take(Linked(att_mtu))
    for frame in device.take(Frame(host.negotiate())):
        host.receive(frame)
    assert host.frame_bytes == min(att_mtu, 156) - 3
    assert answer(host, device.take(*map(Frame, host.send(apdu)))) == apdu + b"\x90\x00"
    assert [raw for _, raw in device.asked] == [apdu]


@pytest.mark.parametrize("seed", range(40))
def test_frames_that_are_lost_doubled_or_swapped_end_one_request_and_no_other(seed):
    """The device is silent or hears the whole request; the next one is answered as if nothing had been."""
    rng = random.Random(seed)
    device, host = Device(), BleFraming(Role.HOST)
    device.take(Linked(23))
    apdu = rng.randbytes(200)
    frames = host.send(apdu)
    at = rng.randrange(len(frames) - 1)
    broken = [
        frames[:at] + frames[at + 1 :],
        frames[: at + 1] + frames[at:],
        [*frames[:at], frames[at + 1], frames[at], *frames[at + 2 :]],
    ][seed % 3]
    device.take(*map(Frame, broken))
    assert device.asked == []
    device.take(Frame(b"\x05\0\0\0\x01"))  # whatever is in the making still is thrown away by this
    device.take(Frame(b"\x05\xff\xff"))
    assert answer(host, device.take(*map(Frame, host.send(apdu)))) == apdu + b"\x90\x00"


def test_a_frame_beyond_what_was_agreed_is_dropped():
    """As a real device does; one of the agreed size is taken."""
    device = Device()
    device.take(Linked(30))
    assert device.take(Frame(b"\x05\0\0\0\x17" + bytes(23))) == []
    device.take(Frame(b"\x05\0\0\0\x16" + bytes(22)))
    device.take(Mtu(31), Frame(b"\x05\0\0\0\x17" + bytes(23)))
    assert [len(raw) for _, raw in device.asked] == [22, 23]


def test_a_lost_link_takes_its_requests_along():
    """The answer to what was asked before is nobody's; who is linked next has a channel of his own."""
    device = Device(is_mute=True)
    device.take(Linked(23), Frame(b"\x05\0\0\0\x05" + bytes(5)))
    device.take(Disconnected(), Frame(b"\x05\0\0\0\x05" + bytes(5)), Mtu(50))
    ((first, _),) = device.asked
    assert device.links == [(first, LinkState.DOWN)]
    device.relay.send(Reply(first, b"\x90\x00"))
    assert device.take(Linked(23)) == []
    device.is_mute = False
    assert len(device.take(Frame(b"\x05\0\0\0\x05" + bytes(5)))) == 1
    assert [raw for _, raw in device.asked] == [bytes(5)] * 2
    assert device.asked[1][0] != first


def test_too_many_requests_pause_the_radio_and_a_pulled_plug_ends_it():
    """It is told to wait before what waits grows without bound."""
    device = Device(is_mute=True)
    device.take(Linked(23), *[Frame(b"\x05\0\0\0\x05" + bytes(5))] * 40)
    assert device.waits[:1] == [True]
    device.relay.unplug()
    assert device.ended


def test_a_radio_that_says_who_it_is_is_none():
    """That is the device's to say."""
    with pytest.raises(RemoteProtocolError):
        Device().take(Present("0004", "x"))


@pytest.fixture
async def served(tmp_path):
    """Give a device that listens for its radio, and where."""
    device = Device()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "radio"))
    endpoint = BleEndpoint(device.relay, listener)
    await endpoint.open()
    async with asyncio.timeout(PATIENCE_S):
        yield device, str(tmp_path / "radio")
    await endpoint.close()


async def test_one_radio_at_a_time_over_a_socket(served):
    """A second one is hung up on; when the first has gone, the next is served."""
    device, path = served
    present = to_bytes(presence(NANO_X))
    first = await asyncio.open_unix_connection(path)
    assert await first[0].readexactly(len(present)) == present
    second = await asyncio.open_unix_connection(path)
    assert await second[0].read() == b""
    second[1].close()
    first[1].write(to_bytes(Linked(23)) + to_bytes(Frame(b"\x05\0\0\0\x05" + bytes(5))))
    assert await first[0].readexactly(15) == to_bytes(Frame(b"\x05\0\0\0\x07" + bytes(5) + b"\x90\x00"))
    device.relay.unplug()
    assert await first[0].read() == b""
    first[1].close()
    third = await asyncio.open_unix_connection(path)
    assert await third[0].readexactly(3) == to_bytes(Present("", ""))  # it has no power
    third[1].write(b"\xff\xff")
    assert await third[0].read() == b""
    third[1].close()
