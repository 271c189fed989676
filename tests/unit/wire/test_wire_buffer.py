"""Fields are read exactly, and written as they are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer

ALL_FIELDS = bytes.fromhex("01 0203 04050607 0908 0d0c0b0a 02aabb 03e282ac ff")


def read_all(data):
    """Read every kind of field once."""
    reader = Reader(data)
    fields = (reader.u8(), reader.u16(), reader.u32(), reader.u16_le(), reader.u32_le(), reader.lv(), reader.text_lv())
    fields += (reader.take(1),)
    reader.finish()
    return fields


def test_every_field_kind_reads_and_writes_the_same_bytes():
    """Each method of the reader has a counterpart in the writer that gives the bytes back."""
    fields = read_all(ALL_FIELDS)
    assert fields == (1, 0x0203, 0x04050607, 0x0809, 0x0A0B0C0D, b"\xaa\xbb", "€", b"\xff")
    writer = Writer().u8(fields[0]).u16(fields[1]).u32(fields[2]).u16_le(fields[3]).u32_le(fields[4])
    assert writer.lv(fields[5]).text_lv(fields[6]).rest(fields[7]).to_bytes() == ALL_FIELDS


@pytest.mark.parametrize("size", range(len(ALL_FIELDS)))
def test_truncation_at_each_length_is_refused(size):
    """Whatever is cut off, the reader says so with 6700."""
    with pytest.raises(RemoteProtocolError) as caught:
        read_all(ALL_FIELDS[:size])
    assert caught.value.status == 0x6700


def test_trailing_bytes_are_refused_with_the_status_of_the_reader():
    """A reader may be told which status word its errors carry."""
    reader = Reader(b"\x01\x02", status=0x6B00)
    assert (reader.u8(), reader.remaining) == (1, 1)
    with pytest.raises(RemoteProtocolError) as caught:
        reader.finish()
    assert caught.value.status == 0x6B00
    assert reader.rest() == b"\x02"
    reader.finish()


def test_text_that_is_not_utf8_is_refused():
    """Half a letter is not text."""
    with pytest.raises(RemoteProtocolError):
        Reader(b"\x01\xe2").text_lv()


@given(st.binary(max_size=255), st.integers(0, 0xFFFFFFFF))
def test_round_trip(value, number):
    """Any value that fits comes back."""
    reader = Reader(Writer().lv(value).u32(number).u32_le(number).to_bytes())
    assert (reader.lv(), reader.u32(), reader.u32_le()) == (value, number, number)
    reader.finish()


@pytest.mark.parametrize(
    "write",
    [
        lambda: Writer().u8(256),
        lambda: Writer().u16(-1),
        lambda: Writer().u32_le(1 << 32),
        lambda: Writer().lv(bytes(256)),
        lambda: Reader(b"").take(-1),
    ],
)
def test_a_value_that_does_not_fit_is_the_callers_bug(write):
    """Misuse is a LocalProtocolError, never a broken message."""
    with pytest.raises(LocalProtocolError):
        write()
