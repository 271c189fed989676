"""The closed list of the chip's bus: thirteen requests and seven replies, exactly as written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire import chip
from tallystick.wire.chip_codec import reply_from_bytes, reply_to_bytes, request_from_bytes, request_to_bytes
from tallystick.wire.chip_key import MAX_HANDLE, Derive, Discard, Enroll, Failures, Handle

# written by hand from the table of the module
REQUESTS = [
    (chip.Latch(chip.ChipState.VERIFIED), "01 02"),
    (chip.Describe(), "02"),
    (chip.Mac(chip.KeySlot.SEAL, b"kek"), "03 01 6b656b"),
    (chip.ReadCounter(chip.CounterId.ATTEMPT), "04 01"),
    (chip.IncrementCounter(chip.CounterId.SETTLED), "05 02"),
    (chip.ReadMinimum(chip.ChipRole.SECURE_WORLD), "06 02"),
    (chip.RaiseMinimum(chip.ChipRole.NORMAL_WORLD, 258), "07 03 00000102"),
    (chip.Draw(64), "08 40"),
    (chip.DestroyKey(), "09"),
    (Enroll(3, b"\x11" * 32), "0a 03" + "11" * 32),
    (Enroll(16, b"\x11" * 32, b"old"), "0a 10" + "11" * 32 + "6f6c64"),
    (Derive(b"handle", b"\x22" * 32), "0b" + "22" * 32 + "68616e646c65"),
    (Failures(b"h"), "0c 68"),
    (Discard(b"h"), "0d 68"),
]
REPLIES = [
    (chip.Done(), "81"),
    (chip.Description(chip.ChipState.OPEN, bytes(16), b"\x01" * 8), "82 01" + "00" * 16 + "01" * 8 + "01"),
    (
        chip.Description(chip.ChipState.VERIFIED, bytes(16), b"\x01" * 8, chip.ProviderKind.TPM2),
        "82 02" + "00" * 16 + "01" * 8 + "02",
    ),
    (chip.Tag(b"\xaa" * 32), "83" + "aa" * 32),
    (chip.Value(0xFFFFFFFF), "84 ffffffff"),
    (chip.Noise(b"\x07"), "85 07"),
    (Handle(b"h"), "86 68"),
    (chip.Refused(chip.Refusal.STATE), "ff 01"),
    (chip.Refused(chip.Refusal.REGISTERS), "ff 08"),
]
SIDES = [
    *((message, raw, request_to_bytes, request_from_bytes) for message, raw in REQUESTS),
    *((message, raw, reply_to_bytes, reply_from_bytes) for message, raw in REPLIES),
]
#: messages whose last field may have several lengths
OPEN_ENDED = (chip.Mac, chip.Noise, Enroll, Derive, Failures, Discard, Handle)
#: the least bytes of each
SHORTEST = {chip.Mac: 3, chip.Noise: 2, Enroll: 34, Derive: 34, Failures: 2, Discard: 2, Handle: 2}


@pytest.mark.parametrize(("message", "raw", "write", "read"), SIDES)
def test_message_is_these_bytes_both_ways(message, raw, write, read):
    """Each message has the bytes of the table, and they read as that message."""
    assert write(message) == bytes.fromhex(raw)
    assert read(bytes.fromhex(raw)) == message


@pytest.mark.parametrize(("message", "raw", "write", "read"), SIDES)
def test_other_lengths_are_refused(message, raw, write, read):
    """A message cut short, or with bytes after its end, is none."""
    data = bytes.fromhex(raw)
    shortest = SHORTEST.get(type(message), len(data))
    for size in range(shortest):
        with pytest.raises(RemoteProtocolError):
            read(data[:size])
    if not isinstance(message, OPEN_ENDED):
        with pytest.raises(RemoteProtocolError):
            read(data + b"\x00")


@pytest.mark.parametrize("read", [request_from_bytes, reply_from_bytes])
def test_every_other_type_is_refused(read):
    """There is no fourteenth request and no eighth reply, and one side's messages are not the other's."""
    known = {bytes.fromhex(raw)[0] for _, raw in (REQUESTS if read is request_from_bytes else REPLIES)}
    for first in set(range(256)) - known:
        for size in range(4):
            with pytest.raises(RemoteProtocolError):
                read(bytes((first,)) + bytes(size))


@pytest.mark.parametrize(
    "raw", ["0103", "0300aa", "0302aa", "0400", "0403", "0500", "0600", "0604", "0700000000ff", "0a00" + "11" * 32]
)
def test_unknown_state_slot_counter_and_role_are_refused(raw):
    """What the lists do not name does not exist."""
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(bytes.fromhex(raw))


def test_lengths_have_their_limits():
    """Keyed hashes are over 1 to 1024 bytes, noise comes in 1 to 64 bytes: no more in either direction."""
    assert len(request_to_bytes(chip.Mac(chip.KeySlot.SEAL, bytes(chip.MAX_DATA)))) <= chip.MAX_MESSAGE
    for data in (b"", bytes(chip.MAX_DATA + 1)):
        with pytest.raises(LocalProtocolError):
            request_to_bytes(chip.Mac(chip.KeySlot.SEAL, data))
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(b"\x03\x01" + bytes(chip.MAX_DATA + 1))
    for size in (0, chip.MAX_DRAW + 1):
        with pytest.raises(LocalProtocolError):
            request_to_bytes(chip.Draw(size))
        with pytest.raises(RemoteProtocolError):
            request_from_bytes(bytes((8, size)))
        with pytest.raises(LocalProtocolError):
            reply_to_bytes(chip.Noise(bytes(size)))
    with pytest.raises(RemoteProtocolError):
        reply_from_bytes(b"\x85" + bytes(chip.MAX_DRAW + 1))


def test_handles_have_their_limits():
    """A handle has 1 to 1024 bytes in either direction, the longest request is the longest message, and a proof has 32 bytes."""
    proof, longest = bytes(32), bytes(MAX_HANDLE)
    assert len(request_to_bytes(Enroll(1, proof, longest))) == chip.MAX_MESSAGE
    cannot = [Enroll(1, proof, longest + b"!"), Enroll(0, proof), Enroll(256, proof), Enroll(1, proof[1:])]
    cannot += [Derive(longest + b"!", proof), Derive(b"", proof), Derive(b"h", proof[1:]), Failures(b""), Discard(b"")]
    for message in cannot:
        with pytest.raises(LocalProtocolError):
            request_to_bytes(message)
    for raw in (
        b"\x0a\x01" + proof + longest + b"!",
        b"\x0b" + proof + longest + b"!",
        b"\x0c!" + longest,
        b"\x0d!" + longest,
    ):
        with pytest.raises(RemoteProtocolError):
            request_from_bytes(raw)
    for handle in (b"", longest + b"!"):
        with pytest.raises(LocalProtocolError):
            reply_to_bytes(Handle(handle))
    with pytest.raises(RemoteProtocolError):
        reply_from_bytes(b"\x86!" + longest)


@pytest.mark.parametrize(
    "message",
    [
        chip.Value(1 << 32),
        chip.Value(-1),
        chip.Tag(bytes(31)),
        chip.Description(chip.ChipState.OPEN, bytes(15), bytes(8)),
    ],
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
