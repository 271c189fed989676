"""The closed list of the chip's bus: nine requests and six replies, exactly as written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.chip import (
    MAX_DATA,
    MAX_DRAW,
    MAX_MESSAGE,
    ChipRole,
    ChipState,
    CounterId,
    Describe,
    Description,
    DestroyKey,
    Done,
    Draw,
    IncrementCounter,
    KeySlot,
    Latch,
    Mac,
    Noise,
    RaiseMinimum,
    ReadCounter,
    ReadMinimum,
    Refusal,
    Refused,
    Tag,
    Value,
    reply_from_bytes,
    reply_to_bytes,
    request_from_bytes,
    request_to_bytes,
)

# written by hand from the table of the module
REQUESTS = [
    (Latch(ChipState.VERIFIED), "01 02"),
    (Describe(), "02"),
    (Mac(KeySlot.SEAL, b"kek"), "03 01 6b656b"),
    (ReadCounter(CounterId.ATTEMPT), "04 01"),
    (IncrementCounter(CounterId.SETTLED), "05 02"),
    (ReadMinimum(ChipRole.SECURE_WORLD), "06 02"),
    (RaiseMinimum(ChipRole.NORMAL_WORLD, 258), "07 03 00000102"),
    (Draw(64), "08 40"),
    (DestroyKey(), "09"),
]
REPLIES = [
    (Done(), "81"),
    (Description(ChipState.OPEN, bytes(16), b"\x01" * 8), "82 01" + "00" * 16 + "01" * 8),
    (Tag(b"\xaa" * 32), "83" + "aa" * 32),
    (Value(0xFFFFFFFF), "84 ffffffff"),
    (Noise(b"\x07"), "85 07"),
    (Refused(Refusal.STATE), "ff 01"),
]
SIDES = [
    *((message, raw, request_to_bytes, request_from_bytes) for message, raw in REQUESTS),
    *((message, raw, reply_to_bytes, reply_from_bytes) for message, raw in REPLIES),
]
#: messages whose last field may have several lengths
OPEN_ENDED = (Mac, Noise)


@pytest.mark.parametrize(("message", "raw", "write", "read"), SIDES)
def test_message_is_these_bytes_both_ways(message, raw, write, read):
    """Each message has the bytes of the table, and they read as that message."""
    assert write(message) == bytes.fromhex(raw)
    assert read(bytes.fromhex(raw)) == message


@pytest.mark.parametrize(("message", "raw", "write", "read"), SIDES)
def test_other_lengths_are_refused(message, raw, write, read):
    """A message cut short, or with bytes after its end, is none."""
    data = bytes.fromhex(raw)
    shortest = {Mac: 3, Noise: 2}.get(type(message), len(data))
    for size in range(shortest):
        with pytest.raises(RemoteProtocolError):
            read(data[:size])
    if not isinstance(message, OPEN_ENDED):
        with pytest.raises(RemoteProtocolError):
            read(data + b"\x00")


@pytest.mark.parametrize("read", [request_from_bytes, reply_from_bytes])
def test_every_other_type_is_refused(read):
    """There is no tenth request and no seventh reply, and one side's messages are not the other's."""
    known = {bytes.fromhex(raw)[0] for _, raw in (REQUESTS if read is request_from_bytes else REPLIES)}
    for first in set(range(256)) - known:
        for size in range(4):
            with pytest.raises(RemoteProtocolError):
                read(bytes((first,)) + bytes(size))


@pytest.mark.parametrize("raw", ["0103", "0300aa", "0302aa", "0400", "0403", "0500", "0600", "0604", "0700000000ff"])
def test_unknown_state_slot_counter_and_role_are_refused(raw):
    """What the lists do not name does not exist."""
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(bytes.fromhex(raw))


def test_lengths_have_their_limits():
    """Keyed hashes are over 1 to 1024 bytes, noise comes in 1 to 64 bytes: no more in either direction."""
    assert len(request_to_bytes(Mac(KeySlot.SEAL, bytes(MAX_DATA)))) == MAX_MESSAGE
    for data in (b"", bytes(MAX_DATA + 1)):
        with pytest.raises(LocalProtocolError):
            request_to_bytes(Mac(KeySlot.SEAL, data))
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(b"\x03\x01" + bytes(MAX_DATA + 1))
    for size in (0, MAX_DRAW + 1):
        with pytest.raises(LocalProtocolError):
            request_to_bytes(Draw(size))
        with pytest.raises(RemoteProtocolError):
            request_from_bytes(bytes((8, size)))
        with pytest.raises(LocalProtocolError):
            reply_to_bytes(Noise(bytes(size)))
    with pytest.raises(RemoteProtocolError):
        reply_from_bytes(b"\x85" + bytes(MAX_DRAW + 1))


@pytest.mark.parametrize(
    "message", [Value(1 << 32), Value(-1), Tag(bytes(31)), Description(ChipState.OPEN, bytes(15), bytes(8))]
)
def test_reply_that_cannot_be_is_our_own_mistake(message):
    """A reply that does not fit its fields is never sent."""
    with pytest.raises(LocalProtocolError):
        reply_to_bytes(message)


@given(st.binary(max_size=80))
def test_noise_is_refused_or_reads_back(data):
    """Any bytes are refused, or are the one encoding of what was read."""
    for read, write in ((request_from_bytes, request_to_bytes), (reply_from_bytes, reply_to_bytes)):
        try:
            message = read(data)
        except RemoteProtocolError:
            continue
        assert write(message) == data


def test_secret_fields_are_not_shown():
    """Data to be hashed, tags and noise do not appear in a message's representation."""
    for message in (Mac(KeySlot.SEAL, b"hunter2"), Tag(b"hunter2!" * 4), Noise(b"hunter2")):
        assert "hunter2" not in repr(message)
