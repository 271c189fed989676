"""FIDO's HID interface of apps that leave their IO to the OS: asked for by `os_io_init`, whole requests in, reports out."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.device.native.native_program import RAM, call
from tests.unit.device.native.test_native_draw_call import Drawn

from tallystick.device.native.fido_port import FidoPacket, fido_port_of
from tallystick.wire.call_canvas import Wait
from tallystick.wire.ctaphid import BROADCAST, Assembler, Command, CtapHidError, Message, reports_of
from tallystick.wire.syscall import ApduEvent, Log, Outcome, ReportEvent, Response, SendReports

INIT, SEND, RECEIVE = 0x01000084, 0x04000088, 0x03000089
#: what an app of FIDO 2 asks for: HID, U2F; protocol 2, version 0.1.0, CBOR
SETTINGS = bytes(24) + bytes.fromhex("0500 02 000100 04") + bytes(2)
APDU = bytes.fromhex("b001000000")


def settings(*, mask=0x0004, capabilities=0x04):
    """Return what `os_io_init` is given."""
    return bytes(24) + mask.to_bytes(2, "little") + bytes((2, 0, 1, 0, capabilities, 0))


class Port:
    """An interface, and what it sends, by message."""

    def __init__(self, **options):
        self.sent = deque()
        self.port = fido_port_of(settings(**options), self.sent)

    def heard(self, message, *, room=273, only=None):
        """Have a client send a message; return the packets for the app that are none of empty."""
        packets = [self.port.heard(report, room=room) for report in reports_of(message)[:only]]
        return [packet for packet in packets if packet]

    def told(self):
        """Return the messages that were sent since."""
        joined = Assembler()
        messages = [joined.receive(self.sent.popleft()) for _ in range(len(self.sent))]
        return [message for message in messages if message is not None]


def events(*messages):
    """Return the reports of messages, as they come to an app."""
    return [Outcome(value=ReportEvent(report)) for message in messages for report in reports_of(message)]


@pytest.mark.parametrize("mask", [0, 0x0001, 0x0002, 0xFFFB])
def test_app_that_does_not_ask_has_no_interface(mask):
    """The mask of classes says which interfaces there are."""
    assert fido_port_of(settings(mask=mask), deque()) is None


@pytest.mark.parametrize(
    ("command", "kind"), [(Command.MSG, FidoPacket.APDU), (Command.CBOR, FidoPacket.CBOR)], ids=["apdu", "cbor"]
)
def test_request_comes_by_its_kind_and_is_answered_by_it(command, kind):
    """The app hears the kind and the request; its answer by the same kind goes to the client."""
    port = Port()
    assert port.heard(Message(7, command, bytes(200))) == [bytes((kind,)) + bytes(200)]
    assert port.port.is_busy
    port.port.sent(FidoPacket.RAW, b"\x3b\x02")
    port.port.sent(kind, b"answer")
    assert port.told() == [Message(7, Command.KEEPALIVE, b"\x02"), Message(7, command, b"answer")]
    assert not port.port.is_busy


def test_app_may_answer_by_a_message_of_its_own():
    """A raw packet is a command and its data."""
    port = Port()
    port.heard(Message(7, Command.CBOR, b"\x04"))
    port.port.sent(FidoPacket.RAW, b"\x3f\x7f")
    assert port.told() == [Message(7, Command.ERROR, b"\x7f")]


@pytest.mark.parametrize("kind", [one.value for one in FidoPacket])
def test_answer_to_nothing_is_forgotten(kind):
    """What no client waits for goes nowhere."""
    port = Port()
    for data in (b"", b"\x3b", b"\x3b\x02", b"\x3f\x01", b"\x90\x00"):
        port.port.sent(kind, data)
    assert port.told() == []


def test_cancel_comes_as_a_packet():
    """A request in hand that nobody wants any more: one byte, the kind."""
    port = Port()
    port.heard(Message(7, Command.CBOR, b"\x01"))
    assert port.heard(Message(7, Command.CANCEL)) == [bytes((FidoPacket.CANCEL,))]


def test_request_has_to_fit_the_apps_buffer():
    """What the app has no room for is refused for it; one byte less arrives, with its kind before it."""
    port = Port()
    assert port.heard(Message(7, Command.MSG, bytes(273)), only=1) == []
    assert port.told() == [Message(7, Command.ERROR, bytes((CtapHidError.INVALID_LENGTH,)))]
    assert port.heard(Message(7, Command.MSG, bytes(272))) == [b"\x23" + bytes(272)]


def test_message_that_stops_half_way_is_given_up_after_five_ticks():
    """Ticks are the clock: half a second after the last report the client is told."""
    port = Port()
    port.heard(Message(7, Command.PING, bytes(100)), only=1)
    for _ in range(4):
        port.port.ticked()
    assert (port.told(), port.port.is_busy) == ([], True)
    port.port.ticked()
    assert (port.told(), port.port.is_busy) == ([Message(7, Command.ERROR, bytes((CtapHidError.TIMEOUT,)))], False)


@given(st.lists(st.binary(min_size=64, max_size=64), max_size=20), st.integers(0, 400))
def test_no_report_does_harm(reports, room):
    """Whatever comes, a packet fits the app's buffer, and what goes out are whole reports."""
    port = Port()
    for report in reports:
        assert len(port.port.heard(report, room=room)) <= max(room, 1)
    assert all(len(one) == 64 for one in port.sent)


def test_app_hears_of_requests_and_answers_them():
    """INIT and PING are answered without the app; it hears an APDU of the other kind, and its answer goes out as reports."""
    init, ping, request = (
        Message(BROADCAST, Command.INIT, bytes(8)),
        Message(7, Command.PING, bytes(100)),
        Message(7, Command.MSG, APDU),
    )
    run = Drawn(
        [(INIT, (0,)), call(RECEIVE, RAM, 273, 0), (SEND, 0x23, (1,), 2, 0), call(RECEIVE, RAM + 64, 273, 0)],
        SETTINGS,
        b"\x90\x00",
        answers=[
            *events(init)[:1],
            Outcome(),
            *events(ping),
            Outcome(),
            *events(request),
            Outcome(),
            Outcome(value=ApduEvent(b"ok")),
        ],
    )
    assert run.ram(0, 6) == b"\x23" + APDU
    assert run.ram(64, 3) == b"\x20ok"
    sent = [request.reports for request in run.requests if isinstance(request, SendReports)]
    assert [len(reports) for reports in sent] == [1, 2, 1]
    assert sent[0][0][:7] == bytes.fromhex("ffffffff 86 0011")
    assert sent[2] == tuple(reports_of(Message(7, Command.MSG, b"\x90\x00")))


@pytest.mark.parametrize("steps", [[], [(INIT, (0,))], [(INIT, 0)]], ids=["no init", "not asked for", "no settings"])
def test_app_without_interface_is_told_of_once(steps):
    """A report for an app that did not ask goes nowhere; the developer hears of it, once, and its APDUs go on."""
    run = Drawn(
        [
            *steps,
            call(RECEIVE, RAM, 273, 0),
            (SEND, 0x23, (0,), 2, 0),
            (SEND, 0x20, (1,), 2, 0),
            call(RECEIVE, RAM, 273, 0),
        ],
        bytes(33),
        b"\x90\x00",
        answers=[
            *events(Message(7, Command.PING, bytes(100))),
            Outcome(value=ApduEvent(APDU)),
            Outcome(value=ApduEvent(b"ok")),
        ],
    )
    told = [request for request in run.requests if not isinstance(request, Wait)]
    assert told == [Log("U2F: the app has no interface for it")]
    assert run.requests[-1] == Wait(Response(b"", 0x9000))


def test_settings_that_are_not_the_apps_are_refused():
    """A pointer to nowhere is an error to the app."""
    assert Drawn([call(INIT, 0x1000)]).result == (0, 2)
