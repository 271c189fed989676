"""Transports that fail, record, play again and tell."""

import pytest

from tallystick.errors import LocalProtocolError, RemoteProtocolError, StatusError, TransportError, TransportTimeout
from tallystick.host.commands.dashboard import GetAppAndVersion, GetDeviceName, GetVersion, OpenApp
from tallystick.host.session import Session
from tallystick.host.transport.base import Direct
from tallystick.testing import (
    ApduLog,
    Fault,
    FaultTransport,
    PersonNeeded,
    RecordTransport,
    ReplayTransport,
    TraceTransport,
)

NAME, VERSION = bytes.fromhex("b001000000"), bytes.fromhex("e001000000")


class Counter:
    """A device that answers each request with how many it has seen."""

    def __init__(self):
        self.seen = []

    def __call__(self, apdu):
        """Answer one request."""
        self.seen.append(apdu)
        return bytes([len(self.seen) % 256]) + b"\x90\x00"


def faulty(**arguments):
    """Give a counting device and a faulty way to it."""
    counter = Counter()
    return counter, FaultTransport(Direct(counter), **arguments)


def test_without_faults_everything_passes(device):
    """A fault transport with no fault is not noticed."""
    session = Session(FaultTransport(device.transport()))
    assert session.send(GetAppAndVersion()).name == "BOLOS"
    assert session.url == "embedded:"


def test_a_lost_request_never_arrives():
    """A dropped request is not seen by the device; waiting for its answer times out at once, asking whether it is there does not."""
    counter, transport = faulty(plan={0: Fault.DROP_REQUEST})
    transport.send(NAME)
    assert transport.receive(0) is None
    with pytest.raises(TransportTimeout):
        transport.receive(30)
    transport.close()
    assert transport.exchange(NAME) == b"\x01\x90\x00"
    assert counter.seen == [NAME]
    assert transport.faults == [(0, Fault.DROP_REQUEST)]


def test_a_lost_answer_was_given():
    """A dropped answer times out although the device has done what was asked."""
    counter, transport = faulty(plan={0: Fault.DROP_ANSWER})
    with pytest.raises(TransportTimeout):
        transport.exchange(NAME, timeout_s=1)
    assert counter.seen == [NAME]
    transport.close()
    assert transport.exchange(NAME) == b"\x02\x90\x00"


def test_a_doubled_request_is_carried_out_twice():
    """A duplicated request arrives twice; the client gets one answer, and the next request its own."""
    counter, transport = faulty(plan={0: Fault.DUPLICATE})
    assert transport.exchange(NAME) == b"\x02\x90\x00"
    assert transport.exchange(VERSION) == b"\x03\x90\x00"
    assert counter.seen == [NAME, NAME, VERSION]


def test_a_cut_answer_is_shorter():
    """A truncated answer loses bytes of its end; what is cut below a status word is a protocol error to the session."""
    _, transport = faulty(plan=dict.fromkeys(range(50), Fault.TRUNCATE), seed=3)
    lengths = {len(transport.exchange(NAME)) for _ in range(50)}
    assert lengths == {0, 1, 2}
    session = Session(FaultTransport(Direct(lambda _apdu: b"\x90\x00"), plan={0: Fault.TRUNCATE}))
    with pytest.raises(RemoteProtocolError):
        session.exchange(NAME)


def test_a_late_answer_comes_in_place_of_the_next():
    """After a delayed answer each request gets the one before, until the way is closed."""
    _, transport = faulty(plan={1: Fault.DELAY})
    assert transport.exchange(NAME) == b"\x01\x90\x00"
    with pytest.raises(TransportTimeout):
        transport.exchange(NAME, timeout_s=1)
    transport.send(NAME)
    assert transport.receive(1) == b"\x02\x90\x00"
    assert transport.exchange(NAME) == b"\x03\x90\x00"
    transport.close()
    assert transport.exchange(NAME) == b"\x05\x90\x00"


def test_chance_is_repeated_by_its_seed():
    """Equal seeds give equal faults, other seeds others, and all kinds happen."""

    def run(seed):
        _, transport = faulty(seed=seed, drop=0.2, duplicate=0.1, truncate=0.1, delay=0.1)
        for _ in range(300):
            try:
                transport.exchange(NAME, timeout_s=1)
            except TransportTimeout:
                transport.close()
        return transport.faults

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert {fault for _, fault in run(1)} == set(Fault)


@pytest.mark.parametrize("odds", [{"drop": 1.5}, {"drop": -0.1}, {"drop": 0.6, "delay": 0.6}])
def test_impossible_chances_are_refused(odds):
    """Probabilities outside 0 to 1, or that sum to more than 1, are an error of the caller."""
    with pytest.raises(LocalProtocolError):
        faulty(**odds)


def test_a_device_survives_a_faulty_cable(device):
    """Whatever a cable loses, doubles, cuts or delays, a client that starts afresh finds a working device."""
    transport = FaultTransport(device.transport(), seed=7, drop=0.2, duplicate=0.2, truncate=0.2, delay=0.2)
    session = Session(transport)
    for _ in range(200):
        try:
            session.send(GetDeviceName())
        except (TransportTimeout, RemoteProtocolError, StatusError):  # a cut answer may end in what looks like a status
            session.close()
    assert len(transport.faults) > 100
    assert device.session.send(GetAppAndVersion()).name == "BOLOS"


def test_a_question_to_the_person_is_no_fault(device):
    """While the person has not answered, a faulty transport has no answer either; then its fault happens."""
    transport = FaultTransport(device.transport(), plan={0: Fault.DROP_ANSWER})
    session = Session(transport)
    pending = session.start(OpenApp(name="Cosmos"))
    assert not pending.poll(0.25)
    device.user.approve()
    with pytest.raises(TransportTimeout):
        pending.result()
    assert device.status["app"] == "Cosmos"


def test_a_record_plays_again(device):
    """What was recorded over a device, as text and back, answers the same client without one."""
    record = RecordTransport(device.transport())
    with Session(record) as session:
        first = (session.send(GetAppAndVersion()), session.send(GetVersion()))
    replay = ReplayTransport(ApduLog.from_text(record.log.to_text()))
    with Session(replay) as session:
        assert not replay.is_finished
        assert (session.send(GetAppAndVersion()), session.send(GetVersion())) == first
    assert replay.is_finished


def test_another_request_than_the_recorded_one_is_told():
    """A client that asks something else, or more, is told what the record has; an answer never recorded times out."""
    log = ApduLog.from_text("=> b001000000\n<= 9000\n=> e001000000\n")
    replay = ReplayTransport(log)
    with pytest.raises(TransportError, match="request 0 is e001000000, the record has b001000000"):
        replay.send(VERSION)
    assert replay.exchange(NAME) == b"\x90\x00"
    replay.send(VERSION)
    assert replay.receive(0) is None
    with pytest.raises(TransportTimeout):
        replay.receive(1)
    with pytest.raises(LocalProtocolError):
        replay.send(VERSION)
    replay.close()
    with pytest.raises(TransportError, match="ends after 2 requests"):
        replay.send(NAME)
    with pytest.raises(LocalProtocolError):
        replay.receive(0)


def test_a_trace_tells_both_directions(device):
    """Each request and answer is one line, with the meaning of a refusal; secrets are hidden; closing is told."""
    lines = []
    transport = TraceTransport(device.transport(), write=lines.append)
    transport.exchange(NAME)
    transport.exchange(b"\xe0\xd0\x00\x00\x05\x041234")
    transport.close()
    assert lines[0] == "=> b001000000"
    assert lines[1].startswith("<= 0105424f4c4f53")
    assert lines[1].endswith("9000")
    assert lines[2] == "=> e0d00000 (5 bytes hidden)"
    assert lines[3].startswith("<= 6982 (")
    assert lines[4] == "-- closed"
    TraceTransport(Direct(lambda _apdu: b"\x90"), write=lines.append).exchange(NAME)
    assert lines[-1] == "<= 90 (no status word)"


def test_wrappers_stack(device):
    """A trace of a record of a faulty cable is one transport like any other; the record has what really came back."""
    lines = []
    record = RecordTransport(FaultTransport(device.transport(), plan={0: Fault.DROP_ANSWER}))
    transport = TraceTransport(record, write=lines.append)
    with pytest.raises(TransportTimeout):
        transport.exchange(NAME, timeout_s=1)
    transport.close()
    answer = transport.exchange(VERSION)
    assert [(entry.apdu, entry.answer) for entry in record.log] == [(NAME, None), (VERSION, answer)]
    assert len(lines) == 4


def test_waiting_through_wrappers_ends(device):
    """A session over wrapped transports that nobody answers is told so at once, whatever limit it has, and works on."""
    session = Session(TraceTransport(RecordTransport(FaultTransport(device.transport())), write=len))
    with pytest.raises(PersonNeeded, match="Open app"):
        session.send(OpenApp(name="Cosmos"))
    assert session.send(GetAppAndVersion()).name == "BOLOS"
    with pytest.raises(PersonNeeded, match="Open app"):
        device.transport().exchange(b"\xe0\xd8\x00\x00\x06Cosmos")


def test_one_request_at_a_time(device):
    """The transport of a device refuses a second request before the first answer, and an answer to nothing."""
    transport = device.transport()
    with pytest.raises(LocalProtocolError):
        transport.receive(0)
    transport.send(NAME)
    with pytest.raises(LocalProtocolError):
        transport.send(NAME)
    assert transport.receive(0) == device.exchange(NAME).to_bytes()
