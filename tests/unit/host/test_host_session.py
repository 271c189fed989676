"""The session: values, errors with a meaning, waiting, cancelling, and a log without secrets."""

import logging
import threading

import pytest
from scripted_device import ScriptedDevice

from tallystick.errors import (
    LocalProtocolError,
    RemoteProtocolError,
    StatusError,
    TransportError,
    TransportTimeout,
    UserRefused,
)
from tallystick.host.commands.cosmos import SignAdd, SignLast
from tallystick.host.commands.dashboard import GetDeviceName, GetVersion, OpenApp, SetDeviceName
from tallystick.host.session import KEEPALIVE_S, Cancelled, Session
from tallystick.host.traffic import TRAFFIC, describe
from tallystick.host.transport.base import Direct, exchange


class Ticking:
    """A clock that moves by a fixed step at each look."""

    def __init__(self, step_s: float) -> None:
        self.now = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        """Move and tell the time."""
        self.now += self.step_s
        return self.now


def answering(raw: str) -> Session:
    """Return a session with a device that gives one answer to everything."""
    return Session(Direct(lambda _apdu: bytes.fromhex(raw)))


def test_command_gives_the_value_of_its_answer():
    """A command sent gives what its answer says."""
    assert Session(ScriptedDevice()).send(GetDeviceName()) == "Tally 1"


ERRORS = [
    # status, command, error, code: wire-protocol B.1, cosmos-app 2
    ("5515", GetDeviceName(), StatusError, "device_locked"),
    ("6982", GetDeviceName(), StatusError, "device_locked"),
    ("6d07", GetDeviceName(), StatusError, "wrong_state"),
    ("6e00", GetDeviceName(), StatusError, "wrong_state"),
    ("5501", OpenApp(name="A"), UserRefused, "refused_by_user"),
    ("6985", OpenApp(name="A"), UserRefused, "refused_by_user"),
    ("5501", GetDeviceName(), UserRefused, "refused_by_user"),
    ("6985", GetDeviceName(), StatusError, "wrong_state"),
    ("6807", OpenApp(name="A"), StatusError, "not_found"),
    ("6700", GetDeviceName(), StatusError, "refused_by_device"),
    ("5720", GetDeviceName(), StatusError, "not_trusted"),
    ("6f00", GetDeviceName(), StatusError, "refused_by_device"),
    ("1234", GetDeviceName(), StatusError, "refused_by_device"),
    ("6986", SignLast(chunk=b"{}"), UserRefused, "refused_by_user"),
    ("6986", SignAdd(chunk=b"{}"), StatusError, "wrong_state"),
    ("6988", SignAdd(chunk=b"{}"), StatusError, "refused_by_device"),
]


@pytest.mark.parametrize(("status", "command", "kind", "code"), ERRORS)
def test_status_word_becomes_an_error_with_meaning_and_remedy(status, command, kind, code):
    """Each status word is one kind of error with a stable word, its number, and something to do about it."""
    with pytest.raises(StatusError) as caught:
        answering(status).send(command)
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.status) == (code, int(status, 16))
    assert status.upper() in error.message
    assert error.remedy


def test_text_before_the_status_word_is_told():
    """What the Cosmos app says before 6984 stands in the message (cosmos-app 2)."""
    raw = b"JSON Missing chain_id".hex() + "6984"
    with pytest.raises(StatusError, match="JSON Missing chain_id") as caught:
        answering(raw).send(SignLast(chunk=b"{}"))
    assert caught.value.data == b"JSON Missing chain_id"


@pytest.mark.parametrize("data", ["1b5b324a", "ff", "c3a9"])
def test_unprintable_bytes_before_the_status_word_are_not_told(data):
    """Bytes that are no plain text do not reach the terminal by way of a message."""
    with pytest.raises(StatusError) as caught:
        answering(data + "6984").send(SignLast(chunk=b"{}"))
    assert caught.value.message == "the app cannot show this transaction (status 6984)"


@pytest.mark.parametrize("raw", ["", "90"])
def test_answer_without_a_status_word_is_refused(raw):
    """An answer shorter than its status word is a protocol error."""
    with pytest.raises(RemoteProtocolError):
        answering(raw).send(GetVersion())


def test_raw_exchange_gives_any_status_word():
    """Raw bytes are answered by raw bytes, refusals included."""
    assert answering("aabb6d00").exchange(b"\xe0\x99\x00\x00\x00").status == 0x6D00


def test_answer_that_does_not_come_ends_in_a_timeout_and_a_closed_transport():
    """After the time limit the way is closed, so that a late answer belongs to nobody."""
    device = ScriptedDevice()
    device.polls = 10**9
    session = Session(device, person_timeout_s=2.0, clock=Ticking(0.5))
    with pytest.raises(TransportTimeout):
        session.send(OpenApp(name="Cosmos"))
    assert device.closed == 1


def test_command_that_needs_no_person_has_a_limit_of_its_own():
    """A device that says nothing where nobody is asked is given up after `timeout_s`."""
    device = ScriptedDevice()
    device.receive = lambda timeout_s: None
    with pytest.raises(TransportTimeout, match="within 1 s"):
        Session(device, timeout_s=1.0, clock=Ticking(0.4)).send(GetVersion())


def test_person_is_waited_for_without_a_limit_unless_one_is_set():
    """Without a limit for people, a gesture may take any time."""
    device = ScriptedDevice()
    device.polls = 10_000
    Session(device, timeout_s=1.0, clock=Ticking(60)).send(OpenApp(name="Cosmos"))
    assert device.app == "Cosmos"


def test_waiting_calls_the_keepalive_hook_with_the_time_waited():
    """The hook is called at each slice of the wait, with rising times, and not once the answer is there."""
    device = ScriptedDevice()
    device.polls = 3
    seen: list[float] = []
    Session(device, on_keepalive=seen.append, clock=Ticking(1.0)).send(OpenApp(name="Cosmos"))
    assert len(seen) == 3
    assert seen == sorted(seen)


def test_waits_are_cut_into_slices_that_end_at_the_limit():
    """No wait is longer than a slice, and the last ends at the limit."""
    device = ScriptedDevice()
    waits: list[float] = []
    device.receive = waits.append
    session = Session(device, timeout_s=2 * KEEPALIVE_S + 0.1, clock=Ticking(KEEPALIVE_S / 2))
    with pytest.raises(TransportTimeout):
        session.send(GetVersion())
    assert max(waits) == KEEPALIVE_S
    assert 0 <= waits[-1] < KEEPALIVE_S


def test_cancel_gives_the_answer_up():
    """A cancelled wait raises, closes the way, and the next command works."""
    device = ScriptedDevice()
    device.polls = 10**9
    cancel = threading.Event()
    session = Session(device, cancel=cancel, on_keepalive=lambda _waited: cancel.set())
    with pytest.raises(Cancelled):
        session.send(SetDeviceName(name="Other"))
    assert device.closed == 1
    cancel.clear()
    assert session.send(GetDeviceName()) == "Other"


def test_session_knows_whether_an_answer_is_owed():
    """Between start and result the device may be showing something; before and after it is not."""
    session = Session(ScriptedDevice())
    assert not session.is_waiting
    pending = session.start(GetDeviceName())
    assert session.is_waiting
    assert pending.poll(1.0)
    assert not session.is_waiting
    assert pending.result() == "Tally 1"


def test_broken_way_leaves_nothing_owed():
    """When the way breaks while sending, nothing is waited for."""
    device = ScriptedDevice()
    device.unplugged_sends = 1
    session = Session(device)
    with pytest.raises(TransportError):
        session.send(GetVersion())
    assert not session.is_waiting
    assert session.send(GetDeviceName()) == "Tally 1"


def test_leaving_the_block_closes_the_transport():
    """A session used as a context closes its transport."""
    device = ScriptedDevice()
    with Session(device) as session:
        assert session.url == "scripted:"
    assert device.closed == 1


def test_traffic_is_logged_at_its_own_level(caplog):
    """At TRAFFIC both directions appear as lines that can be played again; at DEBUG nothing does."""
    with caplog.at_level(logging.DEBUG, logger="tallystick.traffic"):
        Session(ScriptedDevice()).send(GetDeviceName())
    assert caplog.messages == []
    with caplog.at_level(TRAFFIC, logger="tallystick.traffic"):
        Session(ScriptedDevice()).send(GetDeviceName())
    assert caplog.messages == ["=> e0d2000000", "<= 54616c6c7920319000"]


def test_secrets_of_host_onboarding_are_not_logged(caplog):
    """PIN and words of `E0 D0` (wire-protocol C.5) never reach the log."""
    secret = b"\xe0\xd0\x00\x00\x06\x041234\x00"
    with caplog.at_level(TRAFFIC, logger="tallystick.traffic"):
        answering("9000").exchange(secret)
    assert caplog.messages[0] == "=> e0d00000 (6 bytes hidden)"
    assert "31323334" not in caplog.text
    assert describe(b"\xe0\xd0") == "e0d0 (0 bytes hidden)"


def test_direct_transport_keeps_one_answer_at_a_time():
    """A function as a transport obeys the rules of transports: one APDU at a time, close forgets."""
    direct = Direct(lambda apdu: apdu + b"\x90\x00", url="direct:test")
    with pytest.raises(LocalProtocolError):
        direct.receive(0)
    direct.send(b"\x01")
    with pytest.raises(LocalProtocolError):
        direct.send(b"\x02")
    direct.close()
    assert direct.exchange(b"\x03") == b"\x03\x90\x00"
    assert direct.url == "direct:test"


def test_exchange_of_a_silent_transport_times_out():
    """The common exchange gives up after its limit and closes the way."""
    device = ScriptedDevice()
    device.receive = lambda timeout_s: None
    with pytest.raises(TransportTimeout):
        exchange(device, b"\xe0\x01\x00\x00\x00", timeout_s=0.5)
    assert device.closed == 1
