"""Bluetooth framing, both roles, with the MTU negotiation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.ble import (
    ATT_MTU,
    BleFraming,
    Role,
    notify_uuid,
    service_uuid,
    write_uuid,
    write_without_response_uuid,
)
from tallystick.wire.packet import (
    ApduReceived,
    Assembly,
    ControlReceived,
    Ignored,
    Reason,
    ReplyFrames,
    ResponseReceived,
)


def negotiated(att_mtu=ATT_MTU):
    """Return a host and a device that agreed on a frame size."""
    host, device = BleFraming(Role.HOST), BleFraming(Role.DEVICE)
    device.set_att_mtu(att_mtu)
    [reply] = device.receive(host.negotiate())
    host.receive(reply.frames[0])
    return host, device


def test_negotiation_as_current_devices_do_it():
    """The device says 153 twice, the host takes byte 5 (wire-protocol A.4)."""
    host, device = BleFraming(Role.HOST), BleFraming(Role.DEVICE)
    device.set_att_mtu(ATT_MTU)
    assert host.negotiate() == bytes.fromhex("0800000000")
    answer = bytes.fromhex("080000990199")
    assert device.receive(bytes.fromhex("0800000000")) == [ReplyFrames((answer,))]
    [event] = host.receive(answer)
    assert isinstance(event, ControlReceived)
    assert host.frame_bytes == device.frame_bytes == 153


@pytest.mark.parametrize(("answer", "size"), [("080000000199", 153), ("080000000114", 20), ("080000000105", 20)])
def test_a_host_reads_byte_five_alone(answer, size):
    """Older answers fill the first size with zeros, and less than 20 is not taken."""
    host = BleFraming(Role.HOST)
    host.negotiate()
    host.receive(bytes.fromhex(answer))
    assert host.frame_bytes == size


def test_a_short_mtu_answer_is_refused():
    """Without byte 5 there is no frame size."""
    host = BleFraming(Role.HOST)
    host.negotiate()
    with pytest.raises(RemoteProtocolError):
        host.receive(bytes.fromhex("0800009901"))


def test_the_older_opening():
    """`00 01` is answered by five zeros, as one client expects to read something."""
    host, device = BleFraming(Role.HOST), BleFraming(Role.DEVICE)
    assert host.hello() == b"\x00\x01"
    assert device.receive(b"\x00\x01") == [ReplyFrames((bytes(5),))]
    assert [type(event) for event in host.receive(bytes(5))] == [ControlReceived]


@given(st.binary(max_size=800), st.integers(23, 258))
def test_round_trip_at_any_mtu(message, att_mtu):
    """Messages survive in both directions, no frame is longer than agreed, and none is padded."""
    host, device = negotiated(att_mtu)
    frames = host.send(message)
    assert max(map(len, frames)) <= att_mtu - 3
    assert [event for frame in frames for event in device.receive(frame)] == [ApduReceived(0, message)]
    response = ResponseApdu(message, 0x6985)
    assert [event for frame in device.send(response) for event in host.receive(frame)] == [ResponseReceived(response)]


def test_the_layout_of_frames():
    """The first frame carries 15 bytes of 20, later ones 17 (MTU-5 and MTU-3)."""
    first, second, third = BleFraming(Role.HOST).send(bytes(range(40)))
    assert first == bytes.fromhex("05 0000 0028") + bytes(range(15))
    assert second == bytes.fromhex("05 0001") + bytes(range(15, 32))
    assert third == bytes.fromhex("05 0002") + bytes(range(32, 40))


@pytest.mark.parametrize("size", range(5))
def test_truncation_of_the_header_is_dropped(size):
    """A frame without a whole header is nothing."""
    assert BleFraming(Role.DEVICE).receive(bytes.fromhex("05 0000 0001")[:size]) == [Ignored(Reason.TOO_SHORT)]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("05 0001 aa", Reason.STRAY),
        ("07", Reason.UNKNOWN_TAG),
        ("05 0000 0105", Reason.LENGTH),
        ("02" * 21, Reason.TOO_LONG),
    ],
)
def test_a_device_drops_silently(frame, reason):
    """Bad frames get no answer."""
    device = BleFraming(Role.DEVICE, max_apdu_bytes=260)
    assert device.receive(bytes.fromhex(frame)) == [Ignored(reason)]


def test_a_device_is_deaf_until_the_link_is_ready():
    """Nothing is read before the link is encrypted, bonded and subscribed."""
    device = BleFraming(Role.DEVICE, link_ready=False)
    frame = bytes.fromhex("05 0000 0002 b001")
    assert device.receive(frame) == [Ignored(Reason.LINK_NOT_READY)]
    device.link_ready = True
    assert device.receive(frame) == [ApduReceived(0, b"\xb0\x01")]


@pytest.mark.parametrize("frame", ["06 0000 0002 9000", "05 0001 9000", "08 0000000199", "05 0000 0001 90"])
def test_a_host_refuses_a_broken_answer(frame):
    """A wrong tag, sequence or status, and an MTU nobody asked for, are the device's mistake."""
    host = BleFraming(Role.HOST)
    with pytest.raises(RemoteProtocolError):
        host.receive(bytes.fromhex(frame))
    assert host.receive(bytes.fromhex("05 0000 0002 9000")) == [ResponseReceived(ResponseApdu(b"", 0x9000))]


def test_a_lost_link_starts_afresh():
    """After a reset the frame size is 20 again and nothing is in the making."""
    host, device = negotiated()
    device.receive(host.send(bytes(300))[0])
    assert device.state is Assembly.ASSEMBLING
    device.reset()
    assert (device.state, device.frame_bytes) == (Assembly.WAITING, 20)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: BleFraming(Role.HOST).set_att_mtu(100),
        lambda: BleFraming(Role.DEVICE).set_att_mtu(22),
        lambda: BleFraming(Role.DEVICE).negotiate(),
    ],
)
def test_misuse_is_a_local_error(misuse):
    """A caller's bug never reaches the wire."""
    with pytest.raises(LocalProtocolError):
        misuse()


def test_uuids():
    """The four UUIDs differ in their fourth group (wire-protocol A.4)."""
    assert service_uuid("0004") == "13d63400-2c97-0004-0000-4c6564676572"
    assert notify_uuid("6004") == "13d63400-2c97-6004-0001-4c6564676572"
    assert write_uuid("3004") == "13d63400-2c97-3004-0002-4c6564676572"
    assert write_without_response_uuid("8004") == "13d63400-2c97-8004-0003-4c6564676572"
