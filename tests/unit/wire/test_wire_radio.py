"""The messages between a device and its Bluetooth radio."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.radio import Disconnected, Frame, Linked, Mtu, Present, RadioReader, to_bytes

SAMPLES = [
    (Present("0004", "Nano X 00AB"), "0010 01 30303034 4e616e6f20582030304142"),
    (Present("", ""), "0001 01"),
    (Linked(23), "0003 02 0017"),
    (Mtu(517), "0003 03 0205"),
    (Frame(b"\x08\0\0\0\0"), "0006 04 0800000000"),
    (Frame(b""), "0001 04"),
    (Disconnected(), "0001 05"),
]


@pytest.mark.parametrize(("message", "raw"), SAMPLES)
def test_samples_both_ways(message, raw):
    """The layout is the one of the module's first lines."""
    assert to_bytes(message) == bytes.fromhex(raw)
    assert RadioReader().receive(bytes.fromhex(raw)) == [message]


@given(
    st.lists(
        st.one_of(
            st.builds(Linked, st.integers(23, 517)),
            st.builds(Mtu, st.integers(23, 517)),
            st.builds(Frame, st.binary(max_size=512)),
            st.just(Disconnected()),
        )
    ),
    st.integers(1, 20),
)
def test_a_stream_in_pieces_of_any_size_gives_the_same_messages(messages, size):
    """Nothing comes of the part of a message, and nothing is lost between two."""
    raw = b"".join(map(to_bytes, messages))
    reader = RadioReader()
    found = [one for at in range(0, len(raw), size) for one in reader.receive(raw[at : at + size])]
    assert found == messages


@pytest.mark.parametrize(
    "raw",
    [
        "0000",
        "0202 04",
        "ffff",
        "0001 00",
        "0001 06",
        "0001 02",
        "0002 0217",
        "0004 02 001700",
        "0003 02 0016",
        "0003 02 0206",
        "0003 03 ffff",
        "0002 05 00",
        "0005 01 30303034",
        "0006 01 4141414141",
        "0006 01 30303034ff",
        "0006 01 303030340a",
        "0006 01 ff30303441",
        "0023 01 30303034" + "41" * 30,
    ],
)
def test_what_is_no_message_is_refused(raw):
    """Lengths, kinds, MTUs, services and names that are none."""
    with pytest.raises(RemoteProtocolError):
        RadioReader().receive(bytes.fromhex(raw))


@pytest.mark.parametrize("message", [Frame(bytes(513)), Present("0004", "x" * 30)])
def test_too_long_a_message_is_a_local_error(message):
    """A frame has 512 bytes at most, a name 29."""
    with pytest.raises(LocalProtocolError):
        to_bytes(message)


@given(st.binary(max_size=64))
def test_any_bytes_give_messages_or_a_clear_error(data):
    """And what is kept has a bound."""
    reader = RadioReader()
    try:
        for message in reader.receive(data):
            assert RadioReader().receive(to_bytes(message)) == [message]
    except RemoteProtocolError:
        return
    assert len(reader._buffer) < 515
