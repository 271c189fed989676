"""Messages of FIDO over HID: cut into reports and put together, as the specification has it and as hostile clients do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.ctaphid import (
    BROADCAST,
    MAX_CTAPHID,
    REPORT_BYTES,
    Assembler,
    BadReport,
    Command,
    CtapHidError,
    Message,
    reports_of,
)

# written by hand from FIDO CTAP 2.1, 11.2.4
SAMPLES = [
    (Message(BROADCAST, Command.INIT, bytes(range(8))), ["ffffffff 86 0008 0001020304050607"]),
    (Message(1, Command.CANCEL), ["00000001 91 0000"]),
    (Message(0x01020304, Command.MSG, b"\xaa" * 58), ["01020304 83 003a" + "aa" * 57, "01020304 00 aa"]),
    (Message(9, 0x7F, b"\xbb" * 117), ["00000009 ff 0075" + "bb" * 57, "00000009 00" + "bb" * 59, "00000009 01 bb"]),
]
messages = st.builds(Message, st.integers(0, BROADCAST), st.integers(0, 0x7F), st.binary(max_size=700))


def padded(text, fill=b"\0"):
    """Return a report, filled up."""
    return bytes.fromhex(text).ljust(REPORT_BYTES, fill)


def join(reports, assembler=None):
    """Return what reports make: messages and Nones."""
    assembler = assembler or Assembler()
    return [assembler.receive(report) for report in reports]


@pytest.mark.parametrize(("message", "reports"), SAMPLES)
@pytest.mark.parametrize("fill", [b"\0", b"\xee"])
def test_samples_both_ways(message, reports, fill):
    """A message has one form, the one written down here; what fills its last report up is nobody's business."""
    assert reports_of(message) == [padded(report) for report in reports]
    assert join(padded(report, fill) for report in reports) == [None] * (len(reports) - 1) + [message]


@given(messages)
def test_round_trip(message):
    """Whatever is sent arrives with its last report and not before."""
    reports = reports_of(message)
    assert {len(report) for report in reports} == {REPORT_BYTES}
    assert join(reports) == [None] * (len(reports) - 1) + [message]


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 116, 117, MAX_CTAPHID - 1, MAX_CTAPHID])
def test_every_length_has_its_reports(size):
    """57 bytes fit the first report, 59 each of the 128 behind it."""
    message = Message(7, Command.PING, bytes(size))
    reports = reports_of(message)
    assert len(reports) == 1 + max(0, -(-(size - 57) // 59))
    assert join(reports)[-1] == message


def test_longer_ones_are_neither_sent_nor_taken():
    """One byte beyond the longest message is our own mistake on the way out, and a wrong length on the way in."""
    with pytest.raises(LocalProtocolError):
        reports_of(Message(7, Command.PING, bytes(MAX_CTAPHID + 1)))
    with pytest.raises(BadReport) as caught:
        Assembler().receive(padded(f"00000007 81 {MAX_CTAPHID + 1:04x}"))
    assert caught.value.error is CtapHidError.INVALID_LENGTH


@pytest.mark.parametrize("size", [*range(REPORT_BYTES), REPORT_BYTES + 1])
def test_report_of_another_size_is_refused(size):
    """A report has 64 bytes."""
    with pytest.raises(RemoteProtocolError):
        Assembler().receive(bytes(size))


@given(st.integers(0, 2), st.integers(1, 0x7F))
def test_wrong_sequence_ends_the_message(there, step):
    """A report left out, sent twice or out of order is an error, and nothing of the message is kept."""
    reports = reports_of(Message(7, Command.PING, bytes(400)))
    assembler = Assembler()
    join(reports[: there + 1], assembler)
    with pytest.raises(BadReport) as caught:
        assembler.receive(padded(f"00000007 {(there + step) & 0x7F:02x}"))
    assert (caught.value.error, assembler.channel) == (CtapHidError.INVALID_SEQUENCE, None)


@pytest.mark.parametrize("is_begun", [False, True])
def test_report_behind_none_is_refused(is_begun):
    """Without a beginning on its channel a later report is none's; what another channel has begun goes on."""
    reports = reports_of(Message(7, Command.PING, bytes(60)))
    assembler = Assembler()
    join(reports[: int(is_begun)], assembler)
    with pytest.raises(BadReport) as caught:
        assembler.receive(padded("00000008 00"))
    assert caught.value.error is CtapHidError.OTHER
    assert join(reports[int(is_begun) :], assembler)[-1] is not None


def test_first_report_begins_anew():
    """What was there of another message is forgotten."""
    assembler = Assembler()
    long, short = Message(7, Command.PING, bytes(400)), Message(8, Command.MSG, b"\x01")
    assert join([*reports_of(long)[:3], *reports_of(short)], assembler)[-1] == short
    assert assembler.channel is None


@given(st.lists(st.binary(min_size=REPORT_BYTES, max_size=REPORT_BYTES), max_size=30))
def test_no_report_does_harm(reports):
    """Any reports make messages or are refused, and never more is kept than one message can have."""
    assembler = Assembler()
    for report in reports:
        try:
            message = assembler.receive(report)
        except BadReport:
            continue
        assert message is None or len(message.data) <= MAX_CTAPHID
