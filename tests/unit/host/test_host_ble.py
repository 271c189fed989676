"""The host's Bluetooth: transport over a link that only plays one, discovery, and the library's errors in our words."""

import asyncio
import contextlib

import pytest

from tallystick.errors import (
    AmbiguousDevice,
    DeviceNotFound,
    LocalProtocolError,
    PermissionDenied,
    RemoteProtocolError,
    TransportError,
    TransportTimeout,
)
from tallystick.host.transport.ble import BleInfo, BleTransport, system_radio
from tallystick.host.transport.discovery import Finder
from tallystick.wire.ble import BleFraming
from tallystick.wire.packet import ApduReceived, ReplyFrames
from tallystick.wire.role import Role

INFO = BleInfo(address="00:00:5E:00:53:01", name="Nano X 00AB", service="0004")
OTHER = BleInfo(address="00:00:5E:00:53:02", name="Stax 00CD", service="6004")
APDU = bytes.fromhex("b001000000")


class Link:
    """A link to a device that answers with what it was asked and 9000."""

    def __init__(self, att_mtu=156):
        self.device = BleFraming(Role.DEVICE)
        self.device.set_att_mtu(att_mtu)
        self.notifications = []
        self.asked = []
        self.is_open = True
        self.is_mute = False
        #: raised by the next write
        self.failure = None

    def write(self, frame):
        """Be the device."""
        if self.failure is not None:
            raise self.failure
        for event in self.device.receive(frame):
            match event:
                case ApduReceived(_, apdu):
                    self.asked.append(apdu)
                    if not self.is_mute:
                        self.notifications += self.device.send(apdu + b"\x90\x00")
                case ReplyFrames(frames):
                    self.notifications += frames

    def read(self, timeout_s):
        """Return what is there."""
        if not self.is_open:
            raise TransportError("the Bluetooth link was lost")
        return self.notifications.pop(0) if self.notifications else None

    def close(self):
        """Note it."""
        self.is_open = False


class Radio:
    """Hears `infos`, and links to `links`, one after the other."""

    def __init__(self, *infos, links=()):
        self.infos = list(infos)
        self.links = list(links)

    def scan(self, timeout_s):
        """Return the devices."""
        return self.infos

    def connect(self, info):
        """Return the next link."""
        return self.links.pop(0)

    def close(self):
        """Nothing is held."""


@pytest.mark.parametrize("att_mtu", [23, 64, 156])
def test_an_exchange_takes_the_frame_size_that_the_device_says(att_mtu):
    """The size is asked for once, at the first request."""
    link = Link(att_mtu)
    transport = BleTransport(INFO, radio=Radio(links=[link]))
    for apdu in (APDU, bytes(range(200))):
        assert transport.exchange(apdu) == apdu + b"\x90\x00"
    assert link.asked == [APDU, bytes(range(200))]
    assert transport.url == "ble:00:00:5E:00:53:01"


def test_an_answer_that_is_given_up_takes_the_link_along():
    """So it cannot be taken for another one's: the next request has a link of its own."""
    first, second = Link(), Link()
    first.is_mute = True
    transport = BleTransport(INFO, radio=Radio(links=[first, second]))
    with pytest.raises(TransportTimeout):
        transport.exchange(APDU, timeout_s=0.01)
    assert not first.is_open
    assert transport.exchange(APDU) == APDU + b"\x90\x00"


def test_what_comes_before_the_frame_size_is_of_another_time():
    """A late answer to somebody else's request is thrown away."""
    link = Link()
    link.notifications = [b"\x05\0\0\0\x02\x90\x00"]
    assert BleTransport(INFO, radio=Radio(links=[link])).exchange(APDU) == APDU + b"\x90\x00"


def test_a_device_that_says_no_frame_size_is_an_error_and_not_waited_for_again():
    """The link is closed."""
    link = Link()
    link.device.link_ready = False
    with pytest.raises(TransportTimeout, match="how large"):
        BleTransport(INFO, radio=Radio(links=[link])).send(APDU)
    assert not link.is_open


@pytest.mark.parametrize(
    ("frames", "error"),
    [([b"\x05\0\1\0"], RemoteProtocolError), ([b"\x06"], RemoteProtocolError)],
    ids=["out of order", "another tag"],
)
def test_a_broken_answer_ends_the_link(frames, error):
    """With the reason."""
    link = Link()
    link.is_mute = True
    transport = BleTransport(INFO, radio=Radio(links=[link]))
    transport.send(APDU)
    link.notifications = list(frames)
    with pytest.raises(error):
        transport.receive(1)
    assert not link.is_open


def test_a_lost_link_is_an_error_and_the_next_request_links_again():
    """While writing as while waiting."""
    first, second, third = Link(), Link(), Link()
    transport = BleTransport(INFO, radio=Radio(links=[first, second, third]))
    transport.exchange(APDU)
    first.failure = TransportError("gone")
    with pytest.raises(TransportError, match="gone"):
        transport.send(APDU)
    second.is_mute = True
    transport.send(APDU)
    second.close()
    with pytest.raises(TransportError, match="lost"):
        transport.receive(1)
    assert transport.exchange(APDU) == APDU + b"\x90\x00"


def test_one_request_at_a_time():
    """A second one, and an answer to none, are our own mistakes."""
    link = Link()
    transport = BleTransport(INFO, radio=Radio(links=[link]))
    with pytest.raises(LocalProtocolError):
        transport.receive(1)
    transport.send(APDU)
    with pytest.raises(LocalProtocolError):
        transport.send(APDU)
    transport.close()
    assert not link.is_open


@pytest.mark.parametrize("wanted", ["00:00:5E:00:53:02", "00:00:5e:00:53:02", "Stax", "Stax 00CD"])
def test_a_device_is_named_by_the_beginning_of_address_or_name(wanted):
    """In capitals or not."""
    assert Finder(load_ble=lambda: Radio(INFO, OTHER)).open(f"ble:{wanted}").url == "ble:00:00:5E:00:53:02"


def test_the_only_one_needs_no_name_and_nothing_is_guessed_among_several():
    """As on USB."""
    assert Finder(load_ble=lambda: Radio(INFO)).open("ble:").url == "ble:00:00:5E:00:53:01"
    with pytest.raises(AmbiguousDevice) as caught:
        Finder(load_ble=lambda: Radio(INFO, OTHER)).open("ble:00")
    assert caught.value.candidates == ["ble:00:00:5E:00:53:01", "ble:00:00:5E:00:53:02"]
    with pytest.raises(DeviceNotFound):
        Finder(load_ble=Radio).open("ble:")
    with pytest.raises(DeviceNotFound, match="ble:Flex"):
        Finder(load_ble=lambda: Radio(INFO)).open("ble:Flex")


def test_nearby_devices_are_listed_with_their_models():
    """By the service that they advertise."""
    found = Finder(load_ble=lambda: Radio(INFO, OTHER)).nearby()
    assert [(one.url, one.kind, one.model, one.product) for one in found] == [
        ("ble:00:00:5E:00:53:01", "ble", "nanox", "Nano X 00AB"),
        ("ble:00:00:5E:00:53:02", "ble", "stax", "Stax 00CD"),
    ]


def test_without_the_extra_the_remedy_is_said(monkeypatch):
    """Which package to install."""
    monkeypatch.setitem(__import__("sys").modules, "tallystick.host.transport.ble_link", None)
    with pytest.raises(TransportError) as caught:
        system_radio()
    assert "tallystick[ble]" in caught.value.remedy


def test_without_bluetooth_the_remedy_is_said(tmp_path, monkeypatch):
    """The library's own error, of a machine without a system bus."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    with pytest.raises(TransportError) as caught:
        Finder().nearby()
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("[org.bluez.Error.NotPermitted] Read not permitted", PermissionDenied),
        ("Insufficient Authentication", PermissionDenied),
        ("Insufficient Encryption", PermissionDenied),
        ("something else", TransportError),
    ],
)
def test_errors_of_the_library_are_told_with_what_to_do(words, error):
    """A device that is not paired says so in several ways."""
    from bleak.exc import BleakError

    from tallystick.host.transport.ble_link import BleakRadio

    async def fail():
        raise BleakError(words)

    with pytest.raises(error) as caught, contextlib.closing(BleakRadio()) as radio:
        radio.run(fail())
    assert type(caught.value) is error
    assert caught.value.remedy


def test_a_wait_that_is_too_long_is_a_timeout():
    """As of any other way to a device."""
    from tallystick.host.transport.ble_link import BleakRadio

    async def wait():
        await asyncio.wait_for(asyncio.Event().wait(), 0.001)

    with pytest.raises(TransportTimeout), contextlib.closing(BleakRadio()) as radio:
        radio.run(wait())
