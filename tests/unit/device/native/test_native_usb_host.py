"""The USB host that native apps of early levels hear, against a small USB device written here from the same description."""

import struct
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.device.native.native_program import RAM, call
from tests.unit.device.native.test_native_draw_call import Drawn

from tallystick.device.native.usb_host import UsbHost
from tallystick.wire.hid import ApduReceived, HidFraming, Role
from tallystick.wire.syscall import ApduEvent, Outcome, ReportEvent, Response, Wait

IN, OUT, STALL = 0x20, 0x30, 0x40
SEPH_SEND, SEPH_RECEIVE = 0x02000083, 0x03000085
#: an interface that is none of HID, then one that is, with its class descriptor and endpoints 82 and 02
DESCRIPTOR = bytes.fromhex("09025200020100c032") + bytes.fromhex(
    "0904000002ff00000007058103400000070501034000000904010002030000020921110100012222000705820340000107050203400001"
)
LONG = bytes.fromhex("e0420000ff") + bytes(range(255))


class Device:
    """An app's end of the cable: a control endpoint, and one that answers an APDU with what `reply` gives."""

    def __init__(self, reply, *, descriptor=DESCRIPTOR):
        self.events = deque()
        self.host = UsbHost(self.events)
        self.framing = HidFraming(Role.DEVICE)
        self.reply, self.descriptor = reply, descriptor
        self.reports, self.control, self.answers, self.heard = deque(), deque(), [], []
        self.resets = 0

    def run(self):
        """Work on events until there are none."""
        while self.events:
            tag, size = self.events[0][0], int.from_bytes(self.events[0][1:3], "big")
            body = self.events.popleft()[3:]
            assert len(body) == size
            if tag == 0x0F:
                assert body == b"\x01"
                self.resets += 1
            else:
                assert tag == 0x10
                assert body[2] == len(body) - 3
                self._endpoint(body[0], body[1], body[3:])

    def prepare(self, endpoint, wanted, data=b"", size=None):
        """Send a packet 50."""
        whole = self.host.prepared(bytes((endpoint, wanted, len(data) if size is None else size)) + data)
        if whole is not None:
            self.answers.append(whole)

    def _endpoint(self, number, what, data):
        if what == 1:
            self._setup(*struct.unpack("<BBHHH", data))
        elif number == 0x80 and self.control:
            self.prepare(0x80, IN, self.control.popleft())
        elif number == 0x80 and self.is_reading:
            self.is_reading = False
            self.prepare(0, OUT)
        elif (number, what) == (0x02, 4):
            self.prepare(0x02, OUT, size=64)
            for event in self.framing.receive(data):
                if isinstance(event, ApduReceived):
                    self.heard.append(event.apdu)
                    self.reports.extend(self.framing.send(self.reply(event.apdu)))
            self._next()
        elif (number, what) == (0x82, 2):
            self._next()

    def _next(self):
        if self.reports:
            self.prepare(0x82, IN, self.reports.popleft())

    def _setup(self, _kind, request, _value, _index, length):
        self.is_reading = request == 6
        if request == 6:
            raw = self.descriptor[:length]
            self.control.extend(raw[at : at + 64] for at in range(0, len(raw), 64))
            self.prepare(0x80, IN, self.control.popleft())
        else:
            self.prepare(0x80, IN)
            if request == 9:
                self.prepare(0x02, OUT, size=64)


@given(st.binary(min_size=4, max_size=260), st.binary(max_size=256))
def test_apdus_and_answers_of_any_length_go_through(apdu, data):
    """The device hears the APDU that was sent, once, and its answer comes back whole."""
    device = Device(lambda _apdu: data + b"\x90\x00")
    for _ in range(2):
        device.host.send(apdu)
        device.run()
    assert device.heard == [apdu] * 2
    assert device.answers == [data + b"\x90\x00"] * 2
    assert device.resets == 1


def test_device_that_does_not_answer_the_cable_is_given_up():
    """Where no request is answered the APDU is given up at once, and the next one begins anew."""
    events = deque()
    host = UsbHost(events)
    assert not host.gives_up()
    for _ in range(2):
        host.send(LONG)
        assert [event[0] for event in events] == [0x0F, 0x10]
        events.clear()
        assert host.gives_up()
        assert not host.gives_up()
        assert not events


def test_device_that_stopped_listening_is_tried_with_a_new_cable_once():
    """A device that was configured and takes no report any more is reset; the APDU then arrives once."""
    device = Device(lambda apdu: apdu[:2] + b"\x90\x00")
    device.host.send(LONG)
    device.run()
    device.host._ready.clear()
    device.host.send(LONG)
    assert not device.events
    assert not device.host.gives_up()
    device.run()
    assert (device.resets, device.heard, len(device.answers)) == (2, [LONG, LONG], 2)


def test_app_that_pulls_the_cable_is_configured_anew():
    """After a packet 4F that disconnects, the next APDU begins with a reset."""
    device = Device(lambda _apdu: b"\x90\x00")
    for _ in range(2):
        device.host.send(LONG)
        device.run()
        device.host.configured(b"\x02")
    device.host.configured(b"")
    device.host.configured(b"\x03\x01")
    assert (device.resets, device.heard) == (2, [LONG, LONG])


@pytest.mark.parametrize(
    "descriptor",
    [
        DESCRIPTOR[:9],
        DESCRIPTOR[:32],
        DESCRIPTOR[:-7],
        b"\x00" * 64,
        b"\xff" * 200,
        b"\x09\x04\x00\x00\x02\x03\x00\x00\x00",
    ],
    ids=["no interface", "another class", "one endpoint", "zeros", "too long", "no endpoint"],
)
def test_configuration_without_endpoints_for_hid_is_given_up(descriptor):
    """A device whose descriptor tells of no HID interface with two endpoints gets no report."""
    device = Device(lambda _apdu: b"\x90\x00", descriptor=descriptor)
    device.host.send(LONG)
    device.run()
    assert device.host.gives_up()
    assert device.heard == []


def test_request_that_is_refused_is_given_up():
    """A stall on the control endpoint ends the attempt."""
    events = deque()
    host = UsbHost(events)
    host.send(LONG)
    assert host.prepared(bytes((0x80, STALL, 0))) is None
    assert host.gives_up()


@pytest.mark.parametrize(
    "report",
    [b"\x01\x01\x07" + bytes(61), b"\x01\x01\x05\x00\x01" + bytes(59), b"\x01\x01\x05\x00\x00\x00\x01\x90" + bytes(56)],
    ids=["tag", "sequence", "one byte"],
)
def test_answer_that_is_none_is_a_technical_problem(report):
    """Reports that cannot be put together end the APDU with 6F00."""
    device = Device(lambda _apdu: b"\x90\x00")
    device.host.send(LONG)
    device.run()
    device.prepare(0x82, IN, report)
    assert device.answers[-1] == b"\x6f\x00"


@given(
    st.lists(
        st.one_of(st.binary(max_size=80), st.binary(max_size=70).map(lambda data: b"\x80\x20\x40" + data)), max_size=40
    ),
    st.booleans(),
)
def test_no_packet_of_an_app_does_harm(packets, is_fido):
    """Whatever an app sends, each packet brings it two at most, and nothing is kept without bound."""
    events = deque()
    host = UsbHost(events)
    if is_fido:
        host.configured(b"\x01")
        host.report(bytes(64))
    host.send(LONG)
    for body in packets:
        before = len(events)
        host.prepared(body)
        assert len(events) <= before + 2
    host.gives_up()
    assert len(host._descriptor) <= 255


def test_apdu_is_answered_with_6700_for_an_app_without_usb():
    """An app that takes no notice of the cable hears of it, waits again, and its APDU is answered for it."""
    receive, status = call(SEPH_RECEIVE, RAM, 128, 0), (SEPH_SEND, (0,), 5)
    run = Drawn(
        [receive, status, receive, status, receive],
        b"\x60\x00\x02\x00\x00",
        answers=[Outcome(value=ApduEvent(LONG)), Outcome(value=ApduEvent(b"ok"))],
        level=22,
    )
    assert run.requests == [Wait(), Wait(Response(b"", 0x6700))]
    assert run.ram(0, 5) == b"\x16\x00\x02ok"


def test_apdu_longer_than_any_app_takes_is_answered_with_6700():
    """An APDU of 261 bytes goes to no app of these levels, however large its buffer for packets is."""
    run = Drawn(
        [call(SEPH_RECEIVE, RAM, 400, 0)],
        answers=[Outcome(value=ApduEvent(bytes(261))), Outcome(value=ApduEvent(b"ok"))],
        level=22,
    )
    assert run.requests == [Wait(), Wait(Response(b"", 0x6700))]


@pytest.mark.parametrize(("size", "tag"), [(257, 0x16), (258, 0x0F)])
def test_apdu_that_an_app_would_cut_comes_by_the_cable(size, tag):
    """However large the buffer for packets is, apps keep 257 bytes of an APDU that comes as a packet: a longer one does not."""
    run = Drawn([call(SEPH_RECEIVE, RAM, 400, 0)], answers=[Outcome(value=ApduEvent(bytes(size)))], level=22)
    assert run.ram(0, 1) == bytes((tag,))


FIDO_PAGE, OTHER_PAGE = bytes.fromhex("06d0f10901a101"), bytes.fromhex("06a0ff0901a101")
#: an interface of HID with endpoints 82 and 02, then another with 81 and 01
BOTH = bytes.fromhex("09025200020100c032") + bytes.fromhex(
    "0904000002030000020921110100012222000705820340000107050203400001"
    "0904010002030101020921110121012222000705810340000107050103400001"
)


class Key(Device):
    """An app with FIDO's interface: each of its reports comes back with its bytes turned over, in two reports."""

    def __init__(self, *, pages=(OTHER_PAGE, FIDO_PAGE)):
        super().__init__(lambda apdu: apdu[:2] + b"\x90\x00", descriptor=BOTH)
        self.pages, self.fido, self.sent = pages, deque(), deque()
        self.host = UsbHost(self.events, self.sent)

    def plug(self):
        """Plug the cable in, or anew."""
        self.host.configured(b"\x01")
        self.run()

    def _endpoint(self, number, what, data):
        if (number, what) == (0x01, 4):
            self.fido.extend((data[::-1], data))
            self.prepare(0x01, OUT, size=64)
            self._next_fido()
        elif (number, what) == (0x81, 2):
            self._next_fido()
        else:
            super()._endpoint(number, what, data)

    def _next_fido(self):
        if self.fido:
            self.prepare(0x81, IN, self.fido.popleft())

    def _setup(self, kind, request, value, index, length):
        if value >> 8 == 0x22:
            self.is_reading = True
            if not self.pages[index]:
                self.prepare(0x80, STALL)
            else:
                self.prepare(0x80, IN, self.pages[index])
            return
        super()._setup(kind, request, value, index, length)
        if request == 9:
            self.prepare(0x01, OUT, size=64)


def report(number):
    """Return a report that differs from others."""
    return bytes((number,)) + bytes(range(63))


@pytest.mark.parametrize("pages", [(OTHER_PAGE, FIDO_PAGE), (b"", FIDO_PAGE)], ids=["told", "first one stalls"])
@pytest.mark.parametrize("apdu_first", [False, True])
def test_reports_for_fido_go_to_the_interface_that_says_so(pages, apdu_first):
    """They reach the app one by one and in order, its own come back as they are, and long APDUs go beside them."""
    key = Key(pages=pages)
    key.plug()
    if apdu_first:
        key.host.send(LONG)
        key.run()
    for number in range(3):
        key.host.report(report(number))
    key.run()
    assert list(key.sent) == [one for number in range(3) for one in (report(number)[::-1], report(number))]
    if not apdu_first:
        key.host.send(LONG)
        key.run()
    assert (key.heard, key.answers, key.resets) == ([LONG], [LONG[:2] + b"\x90\x00"], 1)
    assert not key.host.loses()


def test_reports_for_fido_wait_until_the_app_has_plugged_in():
    """What comes while an app starts is not lost, nor when it pulls its cable and plugs it in again."""
    key = Key()
    assert not key.host.is_held_up
    key.host.report(report(1))
    assert (key.host.is_held_up, key.host.loses(), list(key.events)) == (True, False, [])
    key.plug()
    assert key.sent.pop() == report(1)
    key.host.configured(b"\x02")
    key.host.report(report(2))
    key.plug()
    assert (key.sent.pop(), key.resets) == (report(2), 2)


@pytest.mark.parametrize("pages", [(OTHER_PAGE, OTHER_PAGE), (b"", b"")], ids=["others", "stalls"])
def test_reports_for_fido_are_lost_on_an_app_without(pages):
    """An app with no such interface gets none; that is told once for all that waited, and APDUs go on."""
    key = Key(pages=pages)
    key.plug()
    for number in range(2):
        key.host.report(report(number))
    key.run()
    assert (key.host.loses(), key.host.loses(), list(key.sent)) == (True, False, [])
    key.host.send(LONG)
    key.run()
    assert key.heard == [LONG]


def test_reports_for_fido_that_nobody_takes_are_bounded():
    """An app that never plugs in keeps 256 of them waiting; the rest is lost."""
    key = Key()
    for number in range(300):
        key.host.report(number.to_bytes(2, "big") + bytes(62))
    key.plug()
    assert len(key.sent) == 512
    assert key.sent[-1][:2] == b"\x00\xff"


@pytest.mark.parametrize("size", [0, 63, 65, 200])
def test_report_of_an_app_has_64_bytes(size):
    """What is shorter is filled up, what is longer is cut."""
    key = Key()
    key.plug()
    key.host.report(report(0))
    key.run()
    key.prepare(0x81, IN, b"\xaa" * size)
    assert key.sent[-1] == (b"\xaa" * size).ljust(64, b"\0")[:64]


def test_app_without_usb_is_told_the_time_and_then_loses_reports_for_fido():
    """A report for an app that never plugs in: time passes for it sixteen times, then it waits as before."""
    receive, status = call(SEPH_RECEIVE, RAM, 128, 0), (SEPH_SEND, (0,), 5)
    run = Drawn(
        [*[receive, status] * 16, receive],
        b"\x60\x00\x02\x00\x00",
        answers=[Outcome(value=ReportEvent(report(0))), Outcome(value=ApduEvent(b"ok"))],
        level=22,
    )
    assert run.requests == [Wait(), Wait()]
    assert run.ram(0, 5) == b"\x16\x00\x02ok"
