"""USB/IP: samples written by hand from the protocol's description, both ways, cut anywhere, and refused when they cannot be."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.urb import (
    MAX_TRANSFER,
    Direction,
    ReturnReader,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
    UrbReader,
)
from tallystick.wire.usbip import (
    BUS_ID,
    DeviceEntry,
    DeviceListRequest,
    ImportRequest,
    ImportStatus,
    RequestReader,
    device_list_reply,
    import_reply,
    import_status,
)

ENTRY = DeviceEntry(product_id=0x5011, vendor_id=0x2C97, version=0x0201, interfaces=((3, 0, 0), (255, 255, 255)))
SETUP = bytes.fromhex("8006000100004000")
# laid out by hand from Linux, Documentation/usb/usbip_protocol
SUBMIT_IN = "00000001 00000007 00010002 00000001 00000002 00000000 00000040 00000000 00000000 00000000 0000000000000000"
SUBMIT_OUT = (
    "00000001 00000008 00010002 00000000 00000002 00000000 00000003 00000000 00000000 00000000 0000000000000000 aabbcc"
)
SUBMIT_CONTROL = (
    "00000001 00000009 00010002 00000001 00000000 00000000 00000040 00000000 00000000 00000000 8006000100004000"
)
UNLINK = "00000002 0000000a 00010002 00000000 00000000 00000007" + "00" * 24
RET_SUBMIT = (
    "00000003 00000007 00000000 00000000 00000000 00000000 00000002 00000000 00000000 00000000 0000000000000000 9000"
)
RET_STALL = "00000003 00000009 00000000 00000000 00000000 ffffffe0 00000000 00000000 00000000 00000000 0000000000000000"
RET_UNLINK = "00000004 0000000a 00000000 00000000 00000000 ffffff98" + "00" * 24
MESSAGES = [
    (Submit(7, Direction.IN, 2, 64, device_id=0x10002), SUBMIT_IN),
    (Submit(8, Direction.OUT, 2, 3, b"\xaa\xbb\xcc", device_id=0x10002), SUBMIT_OUT),
    (Submit(9, Direction.IN, 0, 64, setup=SETUP, device_id=0x10002), SUBMIT_CONTROL),
    (Unlink(10, 7, 0x10002), UNLINK),
]
ANSWERS = [
    (Submitted(7, 0, 2, b"\x90\x00"), RET_SUBMIT),
    (Submitted(9, -32), RET_STALL),
    (Unlinked(10, -104), RET_UNLINK),
]
sequences = st.integers(0, 0xFFFFFFFF)
submits = st.builds(
    lambda sequence, endpoint, data, setup: Submit(sequence, Direction.OUT, endpoint, len(data), data, setup),
    sequences,
    st.integers(0, 15),
    st.binary(max_size=200),
    st.binary(min_size=8, max_size=8),
) | st.builds(
    lambda sequence, endpoint, length: Submit(sequence, Direction.IN, endpoint, length),
    sequences,
    st.integers(0, 15),
    st.integers(0, 1 << 20),
)
messages = st.lists(submits | st.builds(Unlink, sequences, sequences), max_size=8)


def pieces(data, cuts):
    """Return `data` cut at these places."""
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


@pytest.mark.parametrize(("message", "sample"), MESSAGES)
def test_messages_of_the_host_both_ways(message, sample):
    """A message has one form, the one written down here."""
    raw = bytes.fromhex(sample)
    assert message.to_bytes() == raw
    assert UrbReader().receive(raw) == [message]


@pytest.mark.parametrize(("answer", "sample"), ANSWERS)
def test_answers_of_the_device_both_ways(answer, sample):
    """An answer has one form, and brings data only to a transfer that fetches."""
    raw = bytes.fromhex(sample)
    assert answer.to_bytes() == raw
    reader = ReturnReader()
    reader.expect(7)
    assert reader.receive(raw) == [answer]


@pytest.mark.parametrize("sample", [sample for _, sample in MESSAGES])
def test_a_message_cut_short_waits(sample):
    """Whatever is missing may still come: nothing is told before."""
    raw = bytes.fromhex(sample)
    for size in range(len(raw)):
        reader = UrbReader()
        assert reader.receive(raw[:size]) == []
        assert len(reader.receive(raw[size:])) == 1


@given(messages, st.lists(st.integers(0, 2000), max_size=12))
def test_a_stream_is_read_however_it_is_cut(sent, cuts):
    """Any messages in any pieces are read as they were written."""
    reader = UrbReader()
    stream = b"".join(message.to_bytes() for message in sent)
    assert [message for piece in pieces(stream, cuts) for message in reader.receive(piece)] == sent


@pytest.mark.parametrize(
    ("offset", "field"),
    [
        (0, "00000003"),
        (0, "00000000"),
        (12, "00000002"),
        (16, "00000010"),
        (24, "ffffffff"),
        (24, "00010001"),
        (32, "00000001"),
    ],
    ids=["an answer", "no command", "direction", "endpoint", "negative", "too long", "isochronous"],
)
def test_a_transfer_that_cannot_be_is_refused(offset, field):
    """There is no way to find the next message after it."""
    raw = bytearray.fromhex(SUBMIT_OUT)
    raw[offset : offset + 4] = bytes.fromhex(field)
    with pytest.raises(RemoteProtocolError):
        UrbReader().receive(bytes(raw))


def test_the_longest_transfer_is_taken_and_one_more_byte_is_not():
    """64 KiB is the limit of what is kept for a host."""
    largest = Submit(1, Direction.OUT, 2, MAX_TRANSFER, bytes(MAX_TRANSFER))
    assert UrbReader().receive(largest.to_bytes()) == [largest]
    with pytest.raises(RemoteProtocolError):
        UrbReader().receive(Submit(1, Direction.OUT, 2, MAX_TRANSFER + 1).to_bytes())


def test_a_device_is_described_by_312_bytes():
    """The numbers stand where the description of the protocol has them, and are read back."""
    raw = ENTRY.to_bytes()
    assert len(raw) == 312
    assert raw[256:288] == b"1-1".ljust(32, b"\0")
    assert raw[288:] == bytes.fromhex("00000001 00000002 00000002 2c97 5011 0201 000000 01 01 02".replace(" ", ""))
    back = DeviceEntry.from_bytes(raw)
    assert (back.product_id, back.bus_id, back.device_id, len(back.interfaces)) == (0x5011, "1-1", 0x10002, 2)


@pytest.mark.parametrize(
    "broken", [b"", bytes(311), bytes(313), ENTRY.to_bytes()[:296] + bytes(4) + ENTRY.to_bytes()[300:]]
)
def test_what_describes_no_device_is_refused(broken):
    """A description of another size, or of a speed that is none, is the peer's mistake."""
    with pytest.raises(RemoteProtocolError):
        DeviceEntry.from_bytes(broken)


def test_requests_both_ways_byte_by_byte():
    """Both requests are read however slowly they come, and what follows them stays."""
    for request, sample in (
        (DeviceListRequest(), "0111800500000000"),
        (ImportRequest(BUS_ID), "0111800300000000" + b"1-1".ljust(32, b"\0").hex()),
    ):
        raw = bytes.fromhex(sample)
        assert request.to_bytes() == raw
        reader = RequestReader()
        assert [reader.receive(raw[at : at + 1]) for at in range(len(raw))] == [None] * (len(raw) - 1) + [request]
        reader = RequestReader()
        assert reader.receive(raw + b"more") == request
        assert reader.rest == b"more"


def test_another_request_is_refused():
    """Nothing else begins a connection."""
    with pytest.raises(RemoteProtocolError):
        RequestReader().receive(bytes.fromhex("0111800400000000"))


def test_replies_to_requests():
    """A list tells the classes of interfaces, an import the device or why there is none."""
    listed = device_list_reply((ENTRY,))
    assert listed == bytes.fromhex("011100050000000000000001") + ENTRY.to_bytes() + bytes.fromhex("03000000ffffff00")
    assert device_list_reply(()) == bytes.fromhex("011100050000000000000000")
    granted = import_reply(ENTRY)
    assert granted == bytes.fromhex("0111000300000000") + ENTRY.to_bytes()
    assert import_status(granted[:8]) == 0
    assert import_status(import_reply(None, ImportStatus.BUSY)) == ImportStatus.BUSY
    with pytest.raises(RemoteProtocolError):
        import_status(listed[:8])


@pytest.mark.parametrize("sample", ["00000001" + "00" * 44, "00000003" + "00" * 20 + "7fffffff" + "00" * 20])
def test_a_host_refuses_what_is_no_answer(sample):
    """A host's reader has its limits too."""
    with pytest.raises(RemoteProtocolError):
        ReturnReader().receive(bytes.fromhex(sample))
