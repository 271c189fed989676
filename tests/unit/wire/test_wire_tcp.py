"""TCP framing, both ends joined back to back and fed in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import MAX_APDU_BYTES, ResponseApdu
from tallystick.wire.tcp import Role, TcpFraming


def test_samples_both_ways():
    """A bare 9000 is 00000000 9000, and lengths leave the status word out (wire-protocol A.5)."""
    device, host = TcpFraming(Role.DEVICE), TcpFraming(Role.HOST)
    request, answer = bytes.fromhex("00000005 b001000000"), bytes.fromhex("00000000 9000")
    assert host.send(bytes.fromhex("b001000000")) == request
    assert device.receive(request) == [bytes.fromhex("b001000000")]
    assert device.send(ResponseApdu(b"", 0x9000)) == answer
    assert device.send(b"\x90\x00") == answer
    assert host.receive(answer) == [ResponseApdu(b"", 0x9000)]


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.integers(1, 30), min_size=1))
def test_any_split_gives_the_same_frames(apdus, sizes):
    """However the stream is cut, the same messages come out, in order, on both sides."""
    host, device = TcpFraming(Role.HOST), TcpFraming(Role.DEVICE)
    responses = [ResponseApdu(apdu, 0x9000) for apdu in apdus]
    for sender, receiver, messages in ((host, device, apdus), (device, host, responses)):
        stream = b"".join(sender.send(message) for message in messages)
        received, turn = [], 0
        while stream:
            size = sizes[turn % len(sizes)]
            received += receiver.receive(stream[:size])
            stream, turn = stream[size:], turn + 1
        assert received == messages
        assert receiver.pending_bytes == 0


@pytest.mark.parametrize("role", Role)
def test_truncation_at_each_length_waits_for_the_rest(role):
    """A partial frame gives nothing and is kept."""
    frame = bytes.fromhex("00000003 aabbcc") + (b"\x90\x00" if role is Role.HOST else b"")
    for size in range(len(frame)):
        framing = TcpFraming(role)
        assert framing.receive(frame[:size]) == []
        assert framing.pending_bytes == size
        assert len(framing.receive(frame[size:])) == 1


def test_a_length_above_the_limit_breaks_the_stream():
    """A stream that cannot be skipped is refused at once and for good, with nothing kept."""
    framing = TcpFraming(Role.DEVICE)
    assert framing.receive((MAX_APDU_BYTES).to_bytes(4, "big")) == []
    framing = TcpFraming(Role.DEVICE)
    for chunk in ((MAX_APDU_BYTES + 1).to_bytes(4, "big"), b"\x00\x00\x00\x00"):
        with pytest.raises(RemoteProtocolError) as caught:
            framing.receive(chunk)
        assert caught.value.status == 0x6700
    assert framing.broken
    assert framing.pending_bytes == 0


def test_frames_in_front_of_a_broken_one_are_delivered():
    """Nothing that was whole is lost."""
    framing = TcpFraming(Role.DEVICE, max_bytes=10)
    assert framing.receive(bytes.fromhex("00000001 aa 0000000b")) == [b"\xaa"]
    assert framing.broken
    with pytest.raises(RemoteProtocolError):
        framing.receive(b"")


def test_one_whole_frame_above_the_limit_is_refused():
    """The short cut for whole frames has the same limit."""
    with pytest.raises(RemoteProtocolError):
        TcpFraming(Role.DEVICE, max_bytes=2).receive(bytes.fromhex("00000003 aabbcc"))


@pytest.mark.parametrize(("role", "raw"), [(Role.DEVICE, b"\x90"), (Role.HOST, bytes(MAX_APDU_BYTES + 1))])
def test_what_cannot_be_framed_is_a_local_error(role, raw):
    """An answer without a status word, or a command longer than any APDU, is the caller's bug."""
    with pytest.raises(LocalProtocolError):
        TcpFraming(role).send(raw)
