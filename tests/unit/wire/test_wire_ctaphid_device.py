"""The device's end of FIDO over HID: what it answers by itself, what it leaves to others, and one transaction at a time."""

import pytest
from fido2.ctap import CtapError
from fido2.hid import CTAPHID
from fido2.hid import CtapHidDevice as ForeignClient
from fido2.hid.base import CtapHidConnection, HidDescriptor
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.ctaphid import (
    BROADCAST,
    Assembler,
    Capability,
    Command,
    CtapHidError,
    KeepAlive,
    Message,
    reports_of,
)
from tallystick.wire.ctaphid_device import (
    TIMEOUT_S,
    CancelReceived,
    CtapHidDevice,
    CtapHidState,
    RequestReceived,
    SendReport,
)

NONCE = bytes(range(8))
ALL = Capability.WINK | Capability.CBOR


class Client:
    """Clients of one device, by message; `now_s` is the time."""

    def __init__(self, **options):
        self.device = CtapHidDevice(**{"capabilities": ALL, **options})
        self.now_s = 100.0
        #: requests and cancels, for whoever carries them out
        self.left = []

    def send(self, channel, command, data=b"", *, only=None):
        """Send a message, or as many of its reports as `only` says; return what the device answered."""
        return [
            answer
            for report in reports_of(Message(channel, command, data))[:only]
            for answer in self.heard(self.device.receive(report, now_s=self.now_s))
        ]

    def heard(self, events):
        """Return the messages of what the device sends; keep the rest."""
        joined, told = Assembler(), []
        for event in events:
            if isinstance(event, SendReport):
                told.append(joined.receive(event.raw))
            else:
                self.left.append(event)
        return [message for message in told if message is not None]

    def init(self, channel=BROADCAST):
        """Ask for a channel, or have one begin anew; return the channel it says."""
        (answer,) = self.send(channel, Command.INIT, NONCE)
        assert (answer.channel, answer.command, answer.data[:8]) == (channel, Command.INIT, NONCE)
        return int.from_bytes(answer.data[8:12], "big")


def error(channel, code):
    """Return the message that tells an error."""
    return Message(channel, Command.ERROR, bytes((code,)))


def test_init_tells_version_and_capabilities():
    """Nonce, a channel of its own, version 2 of the protocol, the device's version and what it can."""
    client = Client(version=(1, 2, 3))
    (answer,) = client.send(BROADCAST, Command.INIT, NONCE)
    assert answer.data == NONCE + bytes.fromhex("00000001 02 010203 05")
    assert [client.init() for _ in range(3)] == [2, 3, 4]


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(9), bytes(60)])
def test_init_with_another_nonce_is_a_wrong_length(data):
    """A nonce has eight bytes."""
    client = Client()
    assert client.send(BROADCAST, Command.INIT, data, only=1) == [error(BROADCAST, CtapHidError.INVALID_LENGTH)]


@pytest.mark.parametrize("channel", [0, BROADCAST])
def test_channels_that_are_nobodys_are_refused(channel):
    """Channel 0 carries nothing, the broadcast channel INIT alone."""
    client = Client()
    assert client.send(channel, Command.PING, b"x") == [error(channel, CtapHidError.INVALID_CHANNEL)]
    assert client.send(0, Command.INIT, NONCE) == [error(0, CtapHidError.INVALID_CHANNEL)]


@given(st.binary(max_size=1024))
def test_ping_comes_back(data):
    """PING of any length is answered with itself, without asking anyone."""
    client = Client()
    assert client.send(5, Command.PING, data) == [Message(5, Command.PING, data)]
    assert client.left == []


@pytest.mark.parametrize("command", [Command.MSG, Command.CBOR])
def test_request_is_carried_out_and_answered(command):
    """MSG and CBOR go to whoever carries them out; the answer goes to their channel, by their command."""
    client = Client()
    assert client.send(5, command, bytes(100)) == []
    assert client.left == [RequestReceived(Message(5, command, bytes(100)))]
    assert client.device.state is CtapHidState.WORKING
    assert client.heard(client.device.keep_alive(KeepAlive.USER_PRESENCE_NEEDED)) == [
        Message(5, Command.KEEPALIVE, b"\x02")
    ]
    assert client.heard(client.device.answer(bytes(200))) == [Message(5, command, bytes(200))]
    assert client.device.state is CtapHidState.IDLE
    assert client.device.keep_alive(KeepAlive.PROCESSING) == []
    with pytest.raises(LocalProtocolError):
        client.device.answer(b"")


def test_answer_can_be_an_error():
    """Who carries a request out may answer by another command."""
    client = Client()
    client.send(5, Command.CBOR, b"\x04")
    assert client.heard(client.device.answer(b"\x7f", command=Command.ERROR)) == [error(5, CtapHidError.OTHER)]


@pytest.mark.parametrize(
    ("command", "capabilities", "is_known"),
    [
        (Command.WINK, Capability.WINK, True),
        (Command.WINK, Capability.NONE, False),
        (Command.CBOR, Capability.NONE, False),
        (Command.MSG, Capability.NO_MSG, False),
        (Command.LOCK, ALL, False),
        (Command.KEEPALIVE, ALL, False),
        (Command.ERROR, ALL, False),
        (0x21, ALL, False),
    ],
)
def test_what_the_device_cannot_is_no_command(command, capabilities, is_known):
    """WINK, CBOR and MSG depend on what the device says it can; other commands there are not."""
    client = Client(capabilities=capabilities)
    data = b"" if command == Command.WINK else b"x"
    answer = Message(5, command, data) if is_known else error(5, CtapHidError.INVALID_COMMAND)
    assert (client.send(5, command, data), client.left) == ([answer], [])


@pytest.mark.parametrize(("command", "data"), [(Command.MSG, b""), (Command.CBOR, b""), (Command.WINK, b"x")])
def test_request_of_a_wrong_length_is_refused(command, data):
    """A request has something in it, a wink has nothing."""
    assert Client().send(5, command, data) == [error(5, CtapHidError.INVALID_LENGTH)]


def test_request_beyond_the_room_is_refused_at_once():
    """What could not be taken is refused with its first report, and the channel is free again."""
    client = Client(max_bytes=300)
    assert client.send(5, Command.MSG, bytes(301), only=1) == [error(5, CtapHidError.INVALID_LENGTH)]
    assert client.device.state is CtapHidState.IDLE
    assert client.send(5, Command.PING, bytes(300)) == [Message(5, Command.PING, bytes(300))]


@pytest.mark.parametrize("is_working", [False, True])
def test_another_channel_is_told_to_come_later(is_working):
    """While a message comes in or is worked on, others are told that the device is busy, and disturb nothing."""
    client = Client()
    client.send(5, Command.MSG, bytes(60), only=None if is_working else 1)
    assert client.send(6, Command.PING, b"x") == [error(6, CtapHidError.CHANNEL_BUSY)]
    assert client.heard(client.device.receive(bytes.fromhex("00000006 00").ljust(64, b"\0"), now_s=100)) == []
    assert client.init() not in {5, 6}
    if is_working:
        assert client.send(5, Command.PING, b"x") == [error(5, CtapHidError.CHANNEL_BUSY)]
        assert client.heard(client.device.answer(b"done")) == [Message(5, Command.MSG, b"done")]
    else:
        client.heard(client.device.receive(reports_of(Message(5, Command.MSG, bytes(60)))[1], now_s=100))
        assert client.left == [RequestReceived(Message(5, Command.MSG, bytes(60)))]


def test_cancel_is_passed_on():
    """CANCEL has no answer of its own: the request is answered, soon; without a request it is nothing."""
    client = Client()
    assert (client.send(5, Command.CANCEL), client.left) == ([], [])
    client.send(5, Command.CBOR, b"\x01")
    assert client.send(6, Command.CANCEL) == [error(6, CtapHidError.CHANNEL_BUSY)]
    assert client.send(5, Command.CANCEL) == []
    assert client.left[1:] == [CancelReceived()]
    assert client.heard(client.device.answer(b"\x2d")) == [Message(5, Command.CBOR, b"\x2d")]


def test_init_on_its_channel_begins_anew():
    """A message that was coming in is forgotten; a request in hand is cancelled, and its answer is wanted no more."""
    client = Client()
    client.send(5, Command.PING, bytes(400), only=3)
    assert client.init(5) == 5
    assert client.device.state is CtapHidState.IDLE
    client.send(5, Command.CBOR, b"\x01")
    assert client.init(5) == 5
    assert client.left[1:] == [CancelReceived()]
    assert client.init(5) == 5
    assert client.left[2:] == []
    assert client.send(5, Command.PING) == [error(5, CtapHidError.CHANNEL_BUSY)]
    assert client.device.keep_alive(KeepAlive.PROCESSING) == []
    assert client.device.answer(b"\x2d") == []
    assert client.send(5, Command.PING) == [Message(5, Command.PING)]


def test_message_that_stops_half_way_is_given_up():
    """After half a second without a report the client is told, and the device is free; before that it is not."""
    client = Client()
    client.send(5, Command.PING, bytes(400), only=2)
    assert client.device.advance(client.now_s + TIMEOUT_S - 0.01) == []
    assert client.heard(client.device.advance(client.now_s + TIMEOUT_S)) == [error(5, CtapHidError.TIMEOUT)]
    assert client.device.advance(client.now_s + 9) == []
    client.send(5, Command.PING, bytes(400), only=2)
    client.now_s += TIMEOUT_S
    assert client.send(6, Command.PING, b"x") == [error(5, CtapHidError.TIMEOUT), Message(6, Command.PING, b"x")]


def test_wrong_sequence_is_told():
    """A report out of sequence ends the message; the rest of it is nobody's."""
    client = Client()
    reports = reports_of(Message(5, Command.PING, bytes(400)))
    for report in reports[:2]:
        client.device.receive(report, now_s=100)
    assert client.heard(client.device.receive(reports[3], now_s=100)) == [error(5, CtapHidError.INVALID_SEQUENCE)]
    assert client.device.receive(reports[4], now_s=100) == []


@given(st.lists(st.tuples(st.binary(min_size=64, max_size=64), st.booleans()), max_size=40), st.data())
def test_no_report_does_harm(reports, data):
    """Whatever comes, at any time and answered or not, what goes out are whole reports, and one request is in hand at most."""
    device = CtapHidDevice(capabilities=ALL)
    for report, is_answered in reports:
        channel = data.draw(st.sampled_from([report[:4], b"\0\0\0\x05", b"\xff" * 4]))
        was_working = device.state is CtapHidState.WORKING
        events = device.receive(channel + report[4:], now_s=data.draw(st.floats(0, 2)))
        requests = [event for event in events if isinstance(event, RequestReceived)]
        assert len(requests) <= (not was_working)
        assert all(len(event.raw) == 64 for event in events if isinstance(event, SendReport))
        if is_answered and device.state is CtapHidState.WORKING:
            device.answer(b"\x90\x00")


@pytest.mark.parametrize("size", [0, 63, 65])
def test_report_of_another_size_is_refused(size):
    """A report has 64 bytes."""
    with pytest.raises(RemoteProtocolError):
        CtapHidDevice().receive(bytes(size), now_s=0)


class Wire(CtapHidConnection):
    """A connection of the foreign client straight to the device; requests are answered by `carry_out`."""

    def __init__(self, device, carry_out):
        self._device, self._carry_out, self._reports = device, carry_out, []

    def write_packet(self, packet):
        """Take a report, and the answer to what it completes."""
        events = self._device.receive(bytes(packet), now_s=0)
        for event in events:
            if isinstance(event, SendReport):
                self._reports.append(event.raw)
            elif isinstance(event, RequestReceived):
                told = [*self._device.keep_alive(KeepAlive.PROCESSING), *self._carry_out(self._device, event.message)]
                self._reports += [one.raw for one in told]

    def read_packet(self):
        """Give the next report."""
        return self._reports.pop(0)

    def close(self):
        """Nothing is open."""


def test_foreign_client_is_served():
    """The `fido2` library, which knows nothing of this one, asks for a channel, pings, winks, and has requests carried out."""
    device = CtapHidDevice(version=(1, 2, 3), capabilities=ALL)
    wire = Wire(device, lambda device, message: device.answer(message.data[::-1]))
    client = ForeignClient(HidDescriptor("x", 0, 0, 64, 64, "x", "x"), wire)
    assert (client.version, client.device_version, client.capabilities) == (2, (1, 2, 3), ALL)
    client.wink()
    kept_alive = []
    for size in (1, 57, 58, 1000, 7609):
        data = bytes(range(256)) * 30
        assert client.ping(data[:size]) == data[:size]
        answer = client.call(CTAPHID.CBOR, data[:size], on_keepalive=kept_alive.append)
        assert answer == data[:size][::-1]
    assert kept_alive[:1] == [KeepAlive.PROCESSING]
    with pytest.raises(CtapError) as caught:
        client.lock()
    assert caught.value.code == CtapError.ERR.INVALID_COMMAND
