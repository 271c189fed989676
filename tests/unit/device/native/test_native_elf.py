"""ELF files: what is read of a good one, and that no bad one is."""

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_program import FLASH, RAM, elf

from tallystick.device.native.elf import MAX_ELF, Elf
from tallystick.errors import RemoteProtocolError


def test_parts_sections_and_symbols_are_read():
    """A good file gives its parts with their sizes, its marks by name, and what its sections say."""
    found = Elf.from_bytes(elf(b"\x01\x02", data=b"\x03", parameters=b"\x04", notes=[("ledger.api_level", "26\0")]))
    assert [(one.address, one.data, one.size_bytes) for one in found.segments] == [
        (FLASH, b"\x01\x02\x03\x04", 4),
        (RAM, b"", 0x1000),
    ]
    assert found.symbols["_install_parameters"] == FLASH + 3
    assert found.text("ledger.api_level") == "26"
    assert found.text("ledger.app_name") is None
    assert found.entry == FLASH | 1


def test_long_names_are_kept_by_their_ends():
    """Names of Rust go beyond any that C has: they are read, shortened in the middle, and stay different."""
    long = "_ZN4core3ptr" + "drop_in_place" * 40
    found = Elf.from_bytes(elf(names=[long + "17h1E", long + "17h2E"], notes=[("." + "n" * 20_000, "26\0")]))
    names = [name for name in found.symbols if name.startswith("_ZN4core3ptr")]
    assert [len(name) for name in names] == [256, 256]
    assert [name[-5:] for name in names] == ["17h1E", "17h2E"]
    assert found.text(next(name for name in found.sections if "…" in name)) == "26"


@pytest.mark.parametrize("table", [".strtab", ".shstrtab"])
def test_names_without_an_end_are_refused(table):
    """A table of names, of symbols or of sections, ends with the end of a name."""
    raw = bytearray(elf())
    last = {".strtab": b"_einstall_parameters\0", ".shstrtab": b".shstrtab\0"}[table]
    raw[raw.rindex(last) + len(last) - 1] = 0x41
    with pytest.raises(RemoteProtocolError, match="does not end"):
        Elf.from_bytes(bytes(raw))


def test_names_beyond_their_table_are_refused():
    """A section whose name would stand behind the table of names is refused."""
    raw = bytearray(elf())
    raw[-40:-36] = struct.pack("<I", 1 << 20)
    with pytest.raises(RemoteProtocolError, match="not in its table"):
        Elf.from_bytes(bytes(raw))


def test_file_cut_anywhere_is_refused():
    """The last bytes are the sections' table, so a file cut at any length cannot be read."""
    raw = elf()
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            Elf.from_bytes(raw[:size])


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (4, b"\x02"),
        (5, b"\x02"),
        (16, b"\x01\x00"),
        (18, b"\x3e\x00"),
        (42, b"\x00\x01"),
        (44, b"\xff\xff"),
        (50, b"\xff\x00"),
    ],
)
def test_other_machines_and_odd_tables_are_refused(offset, value):
    """64 bits, big endian, objects, other machines, tables of other entries or too many, and lost names are refused."""
    raw = bytearray(elf())
    raw[offset : offset + len(value)] = value
    with pytest.raises(RemoteProtocolError):
        Elf.from_bytes(bytes(raw))


@pytest.mark.parametrize(
    "segments",
    [
        [(FLASH, bytes(8), 4)],
        [(0xFFFF_FFFC, bytes(8), 8)],
        [(FLASH, bytes(8), 8), (FLASH + 4, bytes(8), 8)],
    ],
)
def test_parts_that_do_not_fit_or_overlap_are_refused(segments):
    """More in the file than in memory, beyond the address space, and two parts at one address are refused."""
    with pytest.raises(RemoteProtocolError):
        Elf.from_bytes(elf(segments=segments))


def test_file_that_is_too_large_is_refused():
    """A file above the limit is refused before anything of it is looked at."""
    with pytest.raises(RemoteProtocolError, match="bytes"):
        Elf.from_bytes(bytes(MAX_ELF + 1))


@settings(deadline=None, max_examples=150)
@given(at=st.integers(0, 51 + 64), value=st.integers(0, 0xFFFF_FFFF))
def test_any_field_of_the_headers_may_be_anything(at, value):
    """Whatever stands in the headers, the file is read or refused with the one error."""
    raw = bytearray(elf())
    raw[at : at + 4] = struct.pack("<I", value)
    with contextlib.suppress(RemoteProtocolError):
        assert 0 <= Elf.from_bytes(bytes(raw)).entry < 1 << 32
