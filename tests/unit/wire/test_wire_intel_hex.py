"""Intel HEX files: known files, round trips, and everything a file can get wrong."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.intel_hex import MAX_FILE_BYTES, Area, IntelHex

END = b":00000001FF\r\n"
#: the example of the format's own specification (Intel, revision A): data at 0000, then the end
SPECIFICATION = b":0300300002337A1E\n" + END


@st.composite
def files(draw):
    """Return a file with areas that do not touch."""
    areas, address = [], draw(st.integers(0, 1 << 20))
    for data in draw(st.lists(st.binary(min_size=1, max_size=100), max_size=5)):
        areas.append(Area(address=address, data=data))
        address += len(data) + draw(st.integers(1, 1 << 17))
    return IntelHex(areas=tuple(areas), start=draw(st.none() | st.integers(0, 0xFFFFFFFF)))


def record(kind, data=b"", address=0):
    """Return a line with a right checksum."""
    raw = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return b":" + (raw + bytes([-sum(raw) & 0xFF])).hex().encode() + b"\n"


def refusal_of(raw):
    """Return the words with which a file is refused."""
    with pytest.raises(RemoteProtocolError) as refusal:
        IntelHex.from_bytes(raw)
    return str(refusal.value)


def test_a_known_file():
    """The three bytes of a much-quoted example."""
    assert IntelHex.from_bytes(SPECIFICATION) == IntelHex(areas=(Area(address=0x30, data=b"\x02\x33\x7a"),))


def test_upper_addresses_and_start():
    """Record 04 gives the upper half of the addresses behind it, 05 the start; blank lines and either case are fine."""
    raw = (
        record(4, b"\xc0\xde") + record(0, b"\xaa\xbb", 0xFFF0) + b"\r\n" + record(5, b"\xc0\xde\x00\x01").upper() + END
    )
    assert IntelHex.from_bytes(raw) == IntelHex(areas=(Area(address=0xC0DEFFF0, data=b"\xaa\xbb"),), start=0xC0DE0001)


@given(file=files())
def test_files_both_ways(file):
    """What is written is read back the same."""
    assert IntelHex.from_bytes(file.to_bytes()) == file


@given(file=files(), seed=st.integers())
def test_the_order_of_lines_says_nothing(file, seed):
    """Data lines may stand in any order, each with its upper address."""
    lines = []
    for area in file.areas:
        for at in range(0, len(area.data), 7):
            address = area.address + at
            data = area.data[at : at + 7]
            room = 0x10000 - address % 0x10000
            for begin, piece in ((address, data[:room]), (address + room, data[room:])):
                if piece:
                    lines.append(record(4, (begin >> 16).to_bytes(2, "big")) + record(0, piece, begin & 0xFFFF))
    random.Random(seed).shuffle(lines)
    assert IntelHex.from_bytes(b"".join(lines) + END).areas == file.areas


def test_areas_across_64_kib_are_joined():
    """A run of bytes over a new upper address is one area."""
    file = IntelHex(areas=(Area(address=0xFFF0, data=bytes(range(48))),))
    assert file.to_bytes().count(b":02000004") == 1
    assert IntelHex.from_bytes(file.to_bytes()) == file


@pytest.mark.parametrize("size", range(len(SPECIFICATION) - 2))
def test_a_file_cut_anywhere_is_refused(size):
    """Without its whole end record no file is taken."""
    refusal_of(SPECIFICATION[:size])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"hello\n", "line 1 is not a record"),
        (b":00\n", "line 1 is not a record"),
        (b":0300300002337A1\n", "line 1 is not a record"),
        (b":0300300002337Azz\n", "line 1 is not a record"),
        (b" :0300300002337A1E\n", "line 1 is not a record"),
        (b":0300300002337A1F\n", "line 1 has a wrong checksum"),
        (b":0400300002337A1E\n", "line 1 announces 4 bytes and has 3"),
        (record(2, b"\x12\x34"), "line 1 is a record of the unsupported kind 02"),
        (record(3, bytes(4)), "line 1 is a record of the unsupported kind 03"),
        (record(9), "line 1 is a record of the unsupported kind 09"),
        (record(4, b"\x01"), "line 1 has a wrong number of bytes"),
        (record(5, bytes(3)), "line 1 has a wrong number of bytes"),
        (record(1, b"\x00"), "line 1 has a wrong number of bytes"),
        (record(0, b"\x01\x02", 0xFFFF), "line 1 has a wrong number of bytes"),
        (record(0, b"\x01\x02") + record(0, b"\x03", 1), "address 00000001 is given twice"),
        (END, "line 2 stands behind the end"),
    ],
)
def test_what_a_file_can_get_wrong(line, words):
    """Each mistake is told with its line."""
    assert words in refusal_of(line + END)


def test_a_file_without_end_or_too_long_is_refused():
    """The end record is needed, and a file has at most 32 MiB."""
    assert "no end" in refusal_of(b"")
    assert "at most" in refusal_of(bytes(MAX_FILE_BYTES + 1))


@given(raw=st.binary(max_size=200) | st.text(":0123456789ABCDEF\n", max_size=300).map(str.encode))
def test_noise_is_refused_or_makes_sense(raw):
    """Noise is a declared error or a file."""
    try:
        file = IntelHex.from_bytes(raw)
    except RemoteProtocolError:
        return
    assert IntelHex.from_bytes(file.to_bytes()) == file


def test_areas_that_are_none_are_mistakes_of_the_caller():
    """Areas beyond 32 bits, empty, touching or out of order, and start addresses of more than 32 bits are refused."""
    for address, data in ((-1, b"x"), (0xFFFFFFFF, b"xy")):
        with pytest.raises(LocalProtocolError):
            Area(address=address, data=data)
    one, two = Area(address=0, data=b"x"), Area(address=1, data=b"y")
    for areas in ((one, two), (Area(address=9, data=b"z"), one), (Area(address=0, data=b""),)):
        with pytest.raises(LocalProtocolError):
            IntelHex(areas=areas)
    with pytest.raises(LocalProtocolError):
        IntelHex(areas=(one,), start=1 << 32)
