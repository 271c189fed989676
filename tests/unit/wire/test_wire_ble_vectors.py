"""Bluetooth framing is what ledgerjs makes of an APDU, and understands, byte for byte."""

import json
from pathlib import Path

import pytest

from tallystick.wire.ble import BleFraming
from tallystick.wire.packet import ApduReceived
from tallystick.wire.role import Role

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/ble_ledgerjs.json").read_text())["frames"]


@pytest.fixture(params=VECTORS, ids=lambda one: f"{len(one['apdu']) // 2} in {one['frame_bytes']}")
def vector(request):
    """Return a frame size, an APDU, and the frames that ledgerjs made of it."""
    return (request.param["frame_bytes"], *(request.param[name] for name in ("apdu", "frames")))


def test_a_host_of_ours_makes_the_same_frames(vector):
    """At the size that the device said."""
    size, apdu, frames = vector
    host = BleFraming(Role.HOST)
    host.negotiate()
    host.receive(bytes((8, 0, 0, size, 1, size)))
    assert [one.hex() for one in host.send(bytes.fromhex(apdu))] == frames


def test_a_device_of_ours_puts_them_together_and_makes_such_frames_itself(vector):
    """Requests and answers are cut alike."""
    size, apdu, frames = vector
    device = BleFraming(Role.DEVICE)
    device.set_att_mtu(size + 3)
    events = [event for frame in frames for event in device.receive(bytes.fromhex(frame))]
    assert events == [ApduReceived(0, bytes.fromhex(apdu))]
    assert [one.hex() for one in device.send(bytes.fromhex(apdu))] == frames
