"""The closed list of calls between the worlds: ten messages, exactly as written down, and no eleventh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.world import (
    MAX_LOG,
    MAX_MESSAGE,
    PROTOCOL_VERSION,
    Apdu,
    Attention,
    DeviceReport,
    Hello,
    HostReport,
    Introduce,
    Link,
    LinkState,
    Log,
    Reply,
    Status,
    Stop,
    Transport,
    from_normal,
    to_bytes,
    to_normal,
)

# written by hand from the module's description (secure-world 4.5)
FROM_NORMAL = [
    (Hello(PROTOCOL_VERSION, Transport.TCP), "01 01 01"),
    (Apdu(258, b"\xb0\x01\x00\x00"), "02 0102 b0010000"),
    (Apdu(0, b""), "02 0000"),
    (Link(7, LinkState.DOWN), "03 0007 02"),
    (Log(20, "up"), "04 14 7570"),
    (Log(0, ""), "04 00"),
    (HostReport(bytes(range(64))), "05" + bytes(range(64)).hex()),
]
TO_NORMAL = [
    (Reply(0xFFFF, b"\x90\x00"), "81 ffff 9000"),
    (Status(Attention.WAITING_FOR_USER), "82 02"),
    (Stop(), "83"),
    (Introduce(0x5011, "tally-1"), "84 5011 74616c6c792d31"),
    (Introduce(1, ""), "84 0001"),
    (DeviceReport(bytes(range(64))), "85" + bytes(range(64)).hex()),
]
channels = st.integers(0, 0xFFFF)
payloads = st.binary(max_size=100)
reports = st.binary(min_size=64, max_size=64)
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=MAX_LOG)
from_normal_messages = (
    st.builds(Hello, st.integers(0, 255), st.sampled_from(Transport))
    | st.builds(Apdu, channels, payloads)
    | st.builds(Link, channels, st.sampled_from(LinkState))
    | st.builds(Log, st.integers(0, 255), printable)
    | st.builds(HostReport, reports)
)
to_normal_messages = (
    st.builds(Reply, channels, payloads)
    | st.builds(Status, st.sampled_from(Attention))
    | st.just(Stop())
    | st.builds(Introduce, channels, st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=32))
    | st.builds(DeviceReport, reports)
)


@pytest.mark.parametrize(
    ("message", "sample", "read"),
    [(*entry, from_normal) for entry in FROM_NORMAL] + [(*entry, to_normal) for entry in TO_NORMAL],
)
def test_samples_both_ways(message, sample, read):
    """A message has one form, the one written down here."""
    raw = bytes.fromhex(sample)
    assert (to_bytes(message), read(raw)) == (raw, message)


@given(from_normal_messages)
def test_round_trip_from_the_normal_world(message):
    """Whatever the Normal World may say arrives, and is nothing the Secure World could have said."""
    raw = to_bytes(message)
    assert from_normal(raw) == message
    with pytest.raises(RemoteProtocolError):
        to_normal(raw)


@given(to_normal_messages)
def test_round_trip_to_the_normal_world(message):
    """Whatever the Secure World may say arrives, and cannot be sent back at it."""
    raw = to_bytes(message)
    assert to_normal(raw) == message
    with pytest.raises(RemoteProtocolError):
        from_normal(raw)


@pytest.mark.parametrize(
    ("sample", "read"),
    [(sample, from_normal) for _, sample in FROM_NORMAL] + [(sample, to_normal) for _, sample in TO_NORMAL],
)
def test_truncation_is_refused_or_shorter(sample, read):
    """A message of fixed size is refused at every other length; one with a payload has at least its header."""
    raw = bytes.fromhex(sample)
    header = {0x02: 3, 0x81: 3, 0x04: 2, 0x84: 3}.get(raw[0])
    for size in range(len(raw)):
        if header is not None and size >= header:
            assert to_bytes(read(raw[:size])) == raw[:size]
        else:
            with pytest.raises(RemoteProtocolError):
                read(raw[:size])
    if header is None:
        with pytest.raises(RemoteProtocolError):
            read(raw + b"\0")


@pytest.mark.parametrize(
    "sample",
    [
        "",
        "00",
        "05",
        "7f",
        "01 01 00",  # no such transport
        "01 01 06",
        "03 0001 00",  # no such state
        "03 0001 04",
        "04 00 0a",  # a line with a line end
        "04 00 1b5b",
        "04 00 7f",
        "04 00 e9",
    ],
)
def test_what_is_no_message_of_the_normal_world_is_refused(sample):
    """The list is closed: nothing resembles a message by accident."""
    with pytest.raises(RemoteProtocolError):
        from_normal(bytes.fromhex(sample))


@pytest.mark.parametrize("sample", ["", "80", "82 04", "82 ff", "84", "ff"])
def test_what_is_no_message_of_the_secure_world_is_refused(sample):
    """The Normal World reads with the same care."""
    with pytest.raises(RemoteProtocolError):
        to_normal(bytes.fromhex(sample))


def test_messages_have_a_largest_size():
    """An APDU, an answer and a line of log fit up to their limits and not one byte more."""
    largest = bytes(MAX_MESSAGE - 3)
    assert from_normal(b"\x02\0\0" + largest) == Apdu(0, largest)
    assert to_normal(b"\x81\0\0" + largest) == Reply(0, largest)
    assert from_normal(b"\x04\0" + b"x" * MAX_LOG) == Log(0, "x" * MAX_LOG)
    for read, raw in (
        (from_normal, b"\x02\0\0" + largest + b"\0"),
        (to_normal, b"\x81\0\0" + largest + b"\0"),
        (from_normal, b"\x04\0" + b"x" * (MAX_LOG + 1)),
    ):
        with pytest.raises(RemoteProtocolError):
            read(raw)


@given(st.text(max_size=400))
def test_any_line_of_log_is_made_to_fit(text):
    """A writer of log lines cannot break the protocol with what it logs: odd characters become question marks."""
    message = from_normal(to_bytes(Log(10, text)))
    assert isinstance(message, Log)
    assert len(message.text) == min(len(text), MAX_LOG)


@given(st.binary(max_size=40))
def test_noise_is_read_back_to_the_same_bytes_or_refused(data):
    """Each message has one encoding."""
    for read in (from_normal, to_normal):
        try:
            message = read(data)
        except RemoteProtocolError:
            continue
        assert to_bytes(message) == data
