"""APDUs: the cases of ISO 7816 strictly for tools, leniently for devices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import MAX_APDU_BYTES, CommandApdu, ResponseApdu

# (bytes, value, extended form) - the first three are wire-protocol C, the others the cases of ISO 7816-4 section 5.1
SAMPLES = [
    ("b001000000", CommandApdu(0xB0, 1, 0, 0), False),
    ("e0d8000007426974636f696e", CommandApdu(0xE0, 0xD8, 0, 0, b"Bitcoin"), False),
    ("e004000004 33000004", CommandApdu(0xE0, 4, 0, 0, bytes.fromhex("33000004")), False),
    ("00c000000c", CommandApdu(0, 0xC0, 0, 0, b"", 12), False),
    ("00a4040002aabb0c", CommandApdu(0, 0xA4, 4, 0, b"\xaa\xbb", 12), False),
    ("00a4040002aabb00", CommandApdu(0, 0xA4, 4, 0, b"\xaa\xbb", 256), False),
    ("00c00000000100", CommandApdu(0, 0xC0, 0, 0, b"", 256), True),
    ("00a40400000002aabb", CommandApdu(0, 0xA4, 4, 0, b"\xaa\xbb"), True),
    ("00a40400000002aabb0000", CommandApdu(0, 0xA4, 4, 0, b"\xaa\xbb", 65536), True),
    ("00a40400000000", CommandApdu(0, 0xA4, 4, 0), True),
]


@pytest.mark.parametrize(("raw", "apdu", "extended"), SAMPLES)
def test_samples_both_ways(raw, apdu, extended):
    """Each case of the standard reads to its value and is written back to the same bytes."""
    assert CommandApdu.from_bytes(bytes.fromhex(raw)) == apdu
    assert apdu.to_bytes(extended=extended) == bytes.fromhex(raw)


BYTE = st.integers(0, 255)


@given(BYTE, BYTE, BYTE, BYTE, st.binary(max_size=300), st.none() | st.integers(1, 300))
def test_round_trip(cla, ins, p1, p2, data, le):
    """Every command survives both forms; without data, Le 256 and no Le are the same byte and read as no Le."""
    apdu = CommandApdu(cla, ins, p1, p2, data, le)
    assert CommandApdu.from_bytes(apdu.to_bytes(extended=True)) == apdu
    if len(data) < 256 and (le or 0) <= 256:
        short = CommandApdu.from_bytes(apdu.to_bytes())
        assert short == (CommandApdu(cla, ins, p1, p2) if not data and le == 256 else apdu)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 6, 7, 8, 9])
def test_truncation_is_refused(size):
    """A command cut short of its Lc is not taken for another case."""
    with pytest.raises(RemoteProtocolError) as caught:
        CommandApdu.from_bytes(bytes.fromhex("e0d8000005aabbccddee")[:size])
    assert caught.value.status == 0x6700


@pytest.mark.parametrize("raw", ["e0d8000001aabbcc", "e0d80000000001aabbccdd", "e0d800000001", "e0d80000000000aa"])
def test_trailing_bytes_are_refused(raw):
    """Bytes that belong to no field are an error in the strict form."""
    with pytest.raises(RemoteProtocolError):
        CommandApdu.from_bytes(bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        ("b0010000", b""),
        ("b001000000", b""),
        ("e0d8000003aabb", b"\xaa\xbb"),
        ("e0d8000001aabb", b"\xaa\xbb"),
        ("e0d8000000aabb", b"\xaa\xbb"),
        ("e0d80000000002aabb", b"\xaa\xbb"),
        ("e0d8000000000000", b"\x00\x00\x00"),
    ],
)
def test_a_device_takes_what_arrived(raw, data):
    """Lc may be missing or wrong: the real bytes win (wire-protocol B; a current client leaves Lc out)."""
    assert CommandApdu.lenient(bytes.fromhex(raw)).data == data


@pytest.mark.parametrize("raw", [b"", b"\xe0", b"\xe0\x01\x00", bytes(MAX_APDU_BYTES + 1), bytes(5 + 65_536)])
def test_a_device_refuses_what_is_no_command(raw):
    """Under four bytes, or more than an APDU can hold, is 6700."""
    with pytest.raises(RemoteProtocolError) as caught:
        CommandApdu.lenient(raw)
    assert caught.value.status == 0x6700


def test_the_longest_command_fits_the_limit():
    """65,535 bytes of data with both lengths pass strictly and leniently."""
    apdu = CommandApdu(0xE0, 0, 0, 0, bytes(65_535))
    assert len(apdu.to_bytes(extended=True)) <= MAX_APDU_BYTES
    assert CommandApdu.lenient(apdu.to_bytes(extended=True)) == apdu


@pytest.mark.parametrize(
    "make",
    [
        lambda: CommandApdu(256, 0, 0, 0),
        lambda: CommandApdu(0, -1, 0, 0),
        lambda: CommandApdu(0, 0, 0, 0, bytes(65_536)),
        lambda: CommandApdu(0, 0, 0, 0, b"", 0),
        lambda: CommandApdu(0, 0, 0, 0, bytes(256)).to_bytes(),
        lambda: CommandApdu(0, 0, 0, 0, b"", 257).to_bytes(),
        lambda: ResponseApdu(b"", 0x10000),
    ],
)
def test_misuse_is_a_local_error(make):
    """A value that cannot be an APDU is the caller's bug."""
    with pytest.raises(LocalProtocolError):
        make()


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_response_round_trip(data, status):
    """An answer keeps its data and status word; 9000 alone is ok."""
    response = ResponseApdu(data, status)
    assert ResponseApdu.from_bytes(response.to_bytes()) == response
    assert response.ok is (status == 0x9000)


@pytest.mark.parametrize("raw", [b"", b"\x90"])
def test_an_answer_without_a_status_word_is_refused(raw):
    """Two bytes are the least an answer has."""
    with pytest.raises(RemoteProtocolError):
        ResponseApdu.from_bytes(raw)
