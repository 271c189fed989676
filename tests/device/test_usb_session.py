"""The USB device against a host made by hand: what it answers, what waits, and what a hostile or vanished host leaves behind."""

import pytest
from normal_stage import NAME, OPEN_APP
from usb_stage import FakeHost, UsbStage

from tallystick.device.normal.usb_pipe import HIGH_WATER
from tallystick.device.normal.usbip_session import MAX_WAITING
from tallystick.wire.events import Button
from tallystick.wire.hid import HidFraming
from tallystick.wire.model import MODELS
from tallystick.wire.role import Role
from tallystick.wire.urb import Direction
from tallystick.wire.usb import BOS, CONFIGURATION, HID, MS_OS_20, REPORT
from tallystick.wire.usbip import DeviceListRequest, ImportStatus

GET, SET = 0x80, 0x00
STALL, OVERFLOW, UNLINKED = -32, -75, -104
#: is answered with its own bytes
ECHO = bytes.fromhex("e0000000043a3b3c3d")
#: is answered after a review
REVIEW = bytes.fromhex("e001000000")
#: is answered with 60,000 bytes and more
LARGE = bytes.fromhex("e002000000")


@pytest.fixture
def stage():
    """Return a device with the app Echo open."""
    return UsbStage()


def packet(apdu, channel=0x0101):
    """Return the only packet of a short APDU."""
    (one,) = HidFraming(Role.HOST, channel=channel).send(apdu)
    return one


def screen(stage):
    """Return the text that the person sees."""
    return stage.board.frame.to_json()


def test_a_list_tells_of_one_device_and_hangs_up(stage):
    """Whoever asks what is there is told, interfaces included, and is done."""
    host = FakeHost(stage.port)
    host.say(DeviceListRequest().to_bytes())
    assert len(host.heard) == 12 + 312 + 2 * 4
    assert host.has_ended


def test_an_unknown_device_is_not_lent(stage):
    """There is one device, and it has one name."""
    host = FakeHost(stage.port)
    assert host.borrow("1-2") == ImportStatus.NO_DEVICE
    assert host.has_ended


def test_a_device_without_power_is_not_lent(stage):
    """Between unplugging and the new start there is nothing to plug in."""
    stage.board.relay.unplug()
    assert FakeHost(stage.port).borrow() == ImportStatus.NO_DEVICE
    host = FakeHost(stage.port)
    host.say(DeviceListRequest().to_bytes())
    assert host.heard[8:] == bytes(4)


def test_a_device_is_lent_once_until_it_is_given_back(stage):
    """It has one plug: a second host is told that it is taken, and gets it when the first lets go."""
    first = stage.attach()
    assert FakeHost(stage.port).borrow() == ImportStatus.BUSY
    first.detach()
    assert stage.attach().exchange(ECHO) == ECHO + b"\x90\x00"


def test_descriptors_are_given_up_to_the_length_that_was_asked_for(stage):
    """A host asks for the beginning first, and for the whole when it knows the length."""
    host = stage.attach()
    for request_type, value, expected in (
        (0x80, 0x0200, CONFIGURATION),
        (0x80, 0x0F00, BOS),
        (0x81, 0x2200, REPORT),
        (0x81, 0x2100, HID),
    ):
        assert host.control(request_type, 6, value, 0, 0xFFFF) == expected
        assert host.control(request_type, 6, value, 0, 9) == expected[:9]
    assert host.control(0xC0, 0x77, 0, 7, 0xFFFF) == MS_OS_20
    assert host.control(GET, 6, 0x0301, 0x0409, 255)[2:].decode("utf-16-le") == "Ledger"


def test_what_the_device_does_not_have_is_a_stall(stage):
    """Other descriptors, requests, interfaces and configurations are refused, and the device goes on."""
    host = stage.attach()
    for words in (
        (GET, 6, 0x0304, 0, 64),
        (GET, 6, 0x0600, 0, 10),
        (GET, 6, 0x0201, 0, 64),
        (0x81, 6, 0x2200, 1, 64),
        (GET, 7, 0, 0, 8),
        (SET, 9, 2),
        (0x01, 11, 1, 0),
        (0x01, 11, 0, 2),
        (0x21, 0x0B, 0, 0),
        (0x21, 0x0A, 0, 1),
        (0xC0, 0x77, 0, 8, 64),
        (0xC0, 0x1E, 0, 2, 64),
        (0xE0, 6, 0x0100, 0, 18),
    ):
        assert host.control(*words) is None, words
    assert host.exchange(ECHO) == ECHO + b"\x90\x00"


def test_states_are_told_as_they_are(stage):
    """Self powered, configured, no alternate setting, never idle; features are taken and change nothing."""
    host = FakeHost(stage.port)
    host.borrow()
    assert host.control(GET, 8, 0, 0, 1) == b"\x00"
    host.configure()
    assert host.control(GET, 8, 0, 0, 1) == b"\x01"
    assert host.control(GET, 0, 0, 0, 2) == b"\x01\x00"
    assert host.control(0x81, 10, 0, 1, 1) == b"\x00"
    assert host.control(0x82, 0, 0, 0x82, 2) == b"\x00\x00"
    assert host.control(0x21, 0x0A, 0, 0) == b""
    assert host.control(0xA1, 0x02, 0, 0, 1) == b"\x00"
    assert host.control(0x02, 1, 0, 0x82) == b""


@pytest.mark.parametrize("endpoint", [2, 3])
def test_both_interfaces_carry_apdus(stage, endpoint):
    """HID and WebUSB speak the same packets, each to its own client."""
    assert stage.attach().exchange(ECHO, endpoint=endpoint) == ECHO + b"\x90\x00"


def test_two_interfaces_never_get_each_others_answers(stage):
    """Two programs that ask at once are two clients."""
    host = stage.attach()
    for endpoint in (2, 3):
        host.submit(Direction.OUT, endpoint, data=packet(ECHO + bytes((endpoint,)), channel=endpoint))
    for endpoint in (3, 2):
        answer = host.answers[host.fetch(endpoint)]
        assert answer.data[:2] == bytes((0, endpoint))
        assert answer.data[7 : 7 + len(ECHO) + 1] == ECHO + bytes((endpoint,))


def test_a_report_may_come_by_the_control_pipe(stage):
    """SET_REPORT of 64 bytes is a packet like any other; of another size or kind it is a stall."""
    host = stage.attach()
    assert host.control(0x21, 9, 0x0200, 0, 64, data=packet(ECHO)) == b""
    assert host.answers[host.fetch()].data[7 : 7 + len(ECHO)] == ECHO
    assert host.control(0x21, 9, 0x0200, 0, 63, data=packet(ECHO)[:63]) is None
    assert host.control(0x21, 9, 0x0300, 0, 64, data=packet(ECHO)) is None


def test_a_transfer_that_fetches_waits_for_the_answer(stage):
    """It is not answered before there is something, and then at once."""
    host = stage.attach()
    waiting = host.fetch()
    assert waiting not in host.answers
    host.submit(Direction.OUT, 2, data=packet(ECHO))
    assert host.answers[waiting].actual == 64
    assert host.session.waiting == 0


def test_a_host_waits_while_the_person_is_asked_and_every_other_transfer_is_answered(stage):
    """The bus is never blocked: control transfers are answered while a transfer waits for the person."""
    host = stage.attach()
    host.submit(Direction.OUT, 2, data=packet(REVIEW))
    waiting = host.fetch()
    assert waiting not in host.answers
    assert host.control(GET, 0, 0, 0, 2) == b"\x01\x00"
    assert host.session.waiting == 1


def test_a_transfer_is_taken_back_once(stage):
    """One that waits ends as unlinked and is never answered; one that was answered, or never was, is not there any more."""
    host = stage.attach()
    waiting = host.fetch()
    assert host.unlink(waiting) == UNLINKED
    assert host.unlink(waiting) == 0
    assert host.unlink(4711) == 0
    host.submit(Direction.OUT, 2, data=packet(ECHO))
    assert waiting not in host.answers
    assert host.answers[host.fetch()].data[7 : 7 + len(ECHO)] == ECHO


def test_a_storm_of_unlinks_changes_nothing(stage):
    """Ten thousand transfers submitted and taken back leave nothing behind, and an answer lost to none of them."""
    host = stage.attach()
    for _ in range(10_000):
        assert host.unlink(host.fetch()) == UNLINKED
    assert host.session.waiting == 0
    assert host.exchange(ECHO) == ECHO + b"\x90\x00"


def test_more_waiting_transfers_than_any_host_has_end_the_session(stage):
    """What is kept for a host has a bound."""
    host = stage.attach()
    for _ in range(MAX_WAITING):
        host.fetch()
    assert not host.has_ended
    host.fetch()
    assert host.has_ended
    assert stage.attach().exchange(ECHO) == ECHO + b"\x90\x00"


def test_packets_are_cut_as_the_bus_would_cut_them(stage):
    """A transfer of several packets is several packets; a short or an empty one is ignored as a device ignores it."""
    host = stage.attach()
    body = bytes.fromhex("e0000000ff") + bytes(range(255))
    packets = HidFraming(Role.HOST).send(body)
    host.submit(Direction.OUT, 2, data=b"".join(packets))
    for data in (b"", b"\x01", b"\x01\x01\x05", bytes(64), b"\xff" * 64):
        answer = host.answers[host.submit(Direction.OUT, 2, data=data)]
        assert (answer.status, answer.actual) == (0, len(data))
    received = HidFraming(Role.HOST)
    events = [event for _ in range(5) for event in received.receive(host.answers[host.fetch()].data)]
    assert events[-1].response.to_bytes() == body + b"\x90\x00"


def test_a_buffer_too_small_for_a_packet_is_an_overflow(stage):
    """The packet is lost, as on a bus; a buffer that is larger gets one packet."""
    host = stage.attach()
    host.submit(Direction.OUT, 2, data=packet(ECHO))
    assert host.answers[host.fetch(length=63)].status == OVERFLOW
    host.submit(Direction.OUT, 2, data=packet(ECHO))
    assert host.answers[host.fetch(length=4096)].actual == 64


@pytest.mark.parametrize(
    ("direction", "endpoint"), [(Direction.IN, 1), (Direction.OUT, 1), (Direction.IN, 4), (Direction.OUT, 15)]
)
def test_an_endpoint_that_is_not_there_is_a_stall(stage, direction, endpoint):
    """Nothing waits at an endpoint that the device does not have."""
    host = stage.attach()
    assert host.answers[host.submit(direction, endpoint, length=0)].status == STALL


def test_a_host_that_does_not_fetch_has_to_wait_itself(stage):
    """What is kept for it has a bound: its own packets stay unanswered until it has fetched."""
    host = stage.attach()
    ping = bytes.fromhex("010102") + bytes(61)
    sent = [host.submit(Direction.OUT, 2, data=ping) for _ in range(HIGH_WATER + 3)]
    assert [one in host.answers for one in sent] == [True] * HIGH_WATER + [False] * 3
    assert host.control(GET, 0, 0, 0, 2) == b"\x01\x00"
    for one in sent[HIGH_WATER:]:
        assert host.answers[host.fetch()].data == ping
        assert one in host.answers


def test_what_is_left_of_an_answer_is_not_given_to_the_next_program(stage):
    """A program that asks anew gets its own answer, though one before it died with most of its answer unread."""
    host = stage.attach()
    host.submit(Direction.OUT, 2, data=packet(LARGE))
    host.fetch()
    assert host.exchange(ECHO, channel=0x7A7A) == ECHO + b"\x90\x00"


def test_a_host_reset_in_the_middle_of_an_apdu_starts_afresh(stage):
    """Half a request is forgotten when the device is configured anew, or the interface is set."""
    host = stage.attach()
    first = HidFraming(Role.HOST).send(bytes.fromhex("e0000000ff") + bytes(255))[0]
    host.submit(Direction.OUT, 2, data=first)
    host.configure()
    assert host.exchange(ECHO) == ECHO + b"\x90\x00"
    host.submit(Direction.OUT, 2, data=first)
    assert host.control(0x01, 11, 0, 0) == b""
    assert host.exchange(ECHO) == ECHO + b"\x90\x00"


@pytest.mark.parametrize("leave", [FakeHost.detach, FakeHost.configure], ids=["detached", "reset"])
def test_a_host_that_goes_while_the_person_is_asked_leaves_no_question(leave):
    """The question goes from the screen, and the next session works."""
    stage = UsbStage(open_app="")
    before = screen(stage)
    host = stage.attach()
    host.submit(Direction.OUT, 2, data=packet(OPEN_APP))
    asked = screen(stage)
    assert {**asked, "sequence": 0} != {**before, "sequence": 0}
    leave(host)
    assert {**screen(stage), "sequence": 0} == {**before, "sequence": 0}
    host.detach()
    assert stage.attach().exchange(NAME)[:2] == b"\x01\x05"


@pytest.mark.parametrize(
    "broken",
    [
        bytes(48),
        b"\xff" * 48,
        bytes.fromhex("00000001 00000001 00000000 00000000 00000002 00000000 7fffffff") + bytes(20),
    ],
    ids=["zeros", "ones", "too long"],
)
def test_bytes_that_mean_nothing_end_the_session_and_the_next_attach_works(stage, broken):
    """There is no way to find the next transfer after them."""
    host = stage.attach()
    host.submit(Direction.OUT, 2, data=packet(REVIEW))
    host.say(broken)
    assert host.has_ended
    assert stage.attach().exchange(ECHO[:4] + b"\0") == ECHO[:4] + b"\0\x90\x00"


@pytest.mark.parametrize("model", MODELS)
def test_a_device_is_its_bootloader_when_the_left_button_is_held(model):
    """Pulled and put in again, the session ends; it comes back under the bootloader's product id, and again as itself."""
    stage = UsbStage(model=model, open_app="")
    for hold, expected in (
        (Button.NONE, MODELS[model].product_id),
        (Button.LEFT, MODELS[model].bootloader_product_id),
        (Button.RIGHT, MODELS[model].product_id),
    ):
        host = stage.attach()
        stage.board.replug(hold)
        assert host.has_ended
        host = stage.attach()
        assert int.from_bytes(host.control(GET, 6, 0x0100, 0, 18)[10:12], "little") == expected
        host.detach()
