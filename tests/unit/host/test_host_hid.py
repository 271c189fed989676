"""APDUs over HID against a double of hidapi (wire-protocol A.1, A.3)."""

import pytest
from fake_hid import FakeHid, entry

from tallystick.errors import (
    DeviceBusy,
    DeviceNotFound,
    LocalProtocolError,
    PermissionDenied,
    RemoteProtocolError,
    TransportError,
    TransportTimeout,
)
from tallystick.host.transport.hid import HidInfo, HidTransport, candidates, device_node, may_open

PATH = b"/dev/hidraw3"
APDU = bytes.fromhex("e001000000")


class Ticking:
    """A clock that moves a second at each look."""

    now = 0.0

    def __call__(self) -> float:
        """Move and tell the time."""
        self.now += 1
        return self.now


def transport_to(module: FakeHid, *, access: bool | None = True) -> HidTransport:
    """Return a transport to the first entry."""
    (info, *_) = candidates(module) or [HidInfo(path=PATH, product_id=0x5011, product="", serial="")]
    return HidTransport(
        info, module=module, channel=0x1234, url="hid:0001", may_open=lambda _path: access, clock=Ticking()
    )


def test_apdu_becomes_reports_and_the_answer_comes_back():
    """A report is written with its number 0 in front, on our channel, padded to 64 bytes."""
    module = FakeHid(entry(PATH))
    transport = transport_to(module)
    assert transport.exchange(APDU, timeout_s=5) == b"\xe0\x01\x90\x00"
    (report,) = module.opened[0].written
    assert report == (b"\x00\x12\x34\x05\x00\x00\x00\x05" + APDU).ljust(65, b"\x00")


def test_long_apdu_and_long_answer_take_several_reports():
    """255 bytes of data go out in five reports, and 300 bytes come back whole."""
    module = FakeHid(entry(PATH), answer=lambda apdu: apdu[5:] + b"x" * 45 + b"\x90\x00")
    answer = transport_to(module).exchange(b"\xe0\x00\x00\x00\xff" + bytes(range(255)), timeout_s=100)
    assert answer == bytes(range(255)) + b"x" * 45 + b"\x90\x00"
    assert len(module.opened[0].written) == 5


def test_packets_of_other_channels_are_not_ours():
    """Another program's answer on the same device is passed over."""
    module = FakeHid(entry(PATH))
    transport = transport_to(module)
    transport.send(APDU)
    module.opened[0].packets.insert(0, b"\x43\x21\x05\x00\x00\x00\x02\x6f\x00".ljust(64, b"\x00"))
    assert transport.receive(100) == b"\xe0\x01\x90\x00"


def test_waiting_ends_at_its_limit():
    """With no packet there is no answer yet, and a limit makes it a timeout."""
    module = FakeHid(entry(PATH))
    transport = transport_to(module)
    transport.send(APDU)
    packets, module.opened[0].packets = module.opened[0].packets, []
    assert transport.receive(3) is None
    module.opened[0].packets = packets
    assert transport.receive(3) == b"\xe0\x01\x90\x00"


def test_late_answer_of_a_request_that_was_given_up_is_never_taken_for_another():
    """After a timeout the next request uses another channel, so that the late answer is passed over."""
    module = FakeHid(entry(PATH), answer=lambda apdu: bytes(apdu[2:3]) + b"\x90\x00")
    transport = transport_to(module)
    transport.send(b"\xe0\x01\x01\x00\x00")
    late = list(module.opened[0].packets)
    module.opened[0].packets.clear()
    with pytest.raises(LocalProtocolError):
        transport.send(APDU)
    assert transport.receive(1) is None
    transport.close()
    assert module.opened[0].is_closed
    transport.send(b"\xe0\x01\x02\x00\x00")
    module.opened[1].packets[:0] = late
    assert transport.receive(100) == b"\x02\x90\x00"


def test_silent_device_times_out():
    """A device that never answers is given up."""
    module = FakeHid(entry(PATH), answer=lambda apdu: b"")
    with pytest.raises(TransportTimeout):
        transport_to(module).exchange(APDU, timeout_s=2)
    assert module.opened[0].is_closed


@pytest.mark.parametrize(
    "packet",
    [
        b"\x12\x34\x06\x00\x00\x00\x02\x90\x00",
        b"\x12\x34\x05\x00\x01\x00\x02\x90\x00",
        b"\x12\x34\x05\x00\x00\x00\x01\x90",
    ],
)
def test_wrong_packet_on_our_channel_is_a_protocol_error(packet):
    """A wrong tag, a wrong sequence and an answer without status word end the exchange."""
    module = FakeHid(entry(PATH))
    transport = transport_to(module)
    transport.send(APDU)
    module.opened[0].packets[:] = [packet.ljust(64, b"\x00")]
    with pytest.raises(RemoteProtocolError):
        transport.receive(100)
    assert module.opened[0].is_closed


@pytest.mark.parametrize(
    ("access", "kind", "word"),
    [
        (False, PermissionDenied, "tally udev install"),
        (True, DeviceBusy, "close other"),
        (None, DeviceBusy, "close other"),
    ],
)
def test_open_failed_is_told_apart(access, kind, word):
    """One and the same error of hidapi becomes "no permission" or "busy", each with its own remedy."""
    module = FakeHid(entry(PATH))
    module.refused.add(PATH)
    with pytest.raises(kind) as caught:
        transport_to(module, access=access).send(APDU)
    assert word in caught.value.remedy


def test_device_that_was_pulled_out_before_opening_is_not_there():
    """A device that is no longer listed is gone, neither busy nor forbidden."""
    with pytest.raises(DeviceNotFound):
        transport_to(FakeHid()).send(APDU)


def test_device_that_is_pulled_out_is_an_error_while_writing_and_while_reading():
    """A lost cable is a transport error, and the device is closed."""
    module = FakeHid(entry(PATH))
    transport = transport_to(module)
    transport.send(APDU)
    module.opened[0].is_broken = True
    with pytest.raises(TransportError, match="broke"):
        transport.receive(5)
    assert transport.exchange(APDU, timeout_s=5) == b"\xe0\x01\x90\x00"
    module.opened[1].is_broken = True
    with pytest.raises(TransportError, match="broke"):
        transport.send(APDU)
    assert module.opened[1].is_closed


def test_receive_without_a_request_is_misuse():
    """Waiting for nothing is a bug of the caller."""
    with pytest.raises(LocalProtocolError):
        transport_to(FakeHid(entry(PATH))).receive(0)


def test_candidates_are_interface_0_or_the_usage_page():
    """Only the APDU interface counts; U2F, WebUSB and other vendors do not (wire-protocol A.1)."""
    module = FakeHid(
        entry(b"/dev/hidraw2", interface_number=-1),
        entry(b"/dev/hidraw1", usage_page=0),
        entry(b"/dev/hidraw4", interface_number=1, usage_page=0xF1D0),
        entry(b"/dev/hidraw5", vendor_id=0x1050),
        entry(b"/dev/hidraw2", interface_number=-1),
    )
    assert [info.path for info in candidates(module)] == [b"/dev/hidraw1", b"/dev/hidraw2"]


def test_device_node_is_found_for_both_kinds_of_paths(tmp_path):
    """A hidraw path is its node; a libusb path names a port whose bus and device numbers name the node."""
    port = tmp_path / "1-2.3"
    port.mkdir()
    (port / "busnum").write_text("1\n")
    (port / "devnum").write_text("7\n")
    assert str(device_node(b"/dev/hidraw3", sysfs=tmp_path)) == "/dev/hidraw3"
    assert str(device_node(b"1-2.3:1.0", sysfs=tmp_path)) == "/dev/bus/usb/001/007"
    assert device_node(b"9-9:1.0", sysfs=tmp_path) is None
    assert device_node(b"IOService:/AppleACPI", sysfs=tmp_path) is None


def test_access_is_that_of_the_node(tmp_path):
    """Access is read off the node; without a node nothing is claimed."""
    assert may_open(b"/dev/null") is True
    assert may_open(b"/dev/there-is-no-such-node") is None
    assert may_open(b"DevSrvsID:1") is None
