"""Files of apps as images: the areas between the linker's marks."""

import pytest
from native_program import FLASH, PARAMETERS, RAM, elf

from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf, image_from_hex, target_of
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.image import AppFlag
from tallystick.wire.install import InstallParameters
from tallystick.wire.intel_hex import Area, IntelHex

NOTES = [("ledger.api_level", "26"), ("ledger.app_flags", "0x200"), ("ledger.target_id", "0x33000004")]


def test_linked_app_becomes_code_data_and_parameters():
    """Areas, flags, API level, target and where it begins come out of the file."""
    file = Elf.from_bytes(elf(b"code", data=b"keep", notes=NOTES))
    made = image_from_elf(file)
    assert (made.code, made.data, made.parameters) == (b"code", b"keep", PARAMETERS)
    assert (made.create.api_level, made.create.flags, made.create.boot_offset) == (26, AppFlag.BOLOS_SETTINGS, 1)
    assert target_of(file) == 0x33000004


def test_parameters_are_asked_for_where_the_file_has_none():
    """A file without install parameters is refused, unless they are given."""
    file = Elf.from_bytes(elf(b"code", parameters=b""))
    with pytest.raises(UsageError, match="install parameters"):
        image_from_elf(file)
    made = image_from_elf(file, parameters=InstallParameters(name="Demo", version="1.0"))
    assert (made.code, made.parameters) == (b"code", PARAMETERS)


def test_parts_that_lie_side_by_side_are_one_app():
    """Parts come in the order of where they are loaded, gaps are zero, and what starts in RAM lies in flash."""
    flash = b"code" + bytes(4) + b"keep" + b"init" + PARAMETERS
    marks = {
        "_nvram_data": FLASH + 8,
        "_envram_data": FLASH + 16,
        "_install_parameters": FLASH + 16,
        "_einstall_parameters": FLASH + len(flash),
    }
    parts = [
        (FLASH + 16, PARAMETERS, len(PARAMETERS)),
        (FLASH, b"code", 4),
        (RAM, b"init", 4, FLASH + 12),
        (FLASH + 8, b"keep", 4),
        (RAM + 4, b"", 0x1000),
    ]
    made = image_from_elf(Elf.from_bytes(elf(segments=parts, marks=marks)))
    assert (made.code, made.data, made.parameters) == (b"code\0\0\0\0", b"keepinit", PARAMETERS)


def test_parameters_among_the_code_are_copied_behind_the_data():
    """Code and data stay where they were linked, and nothing of them is lost, when install parameters lie between."""
    flash = b"code" + PARAMETERS + b"more" + b"keep"
    marks = {
        "_install_parameters": FLASH + 4,
        "_einstall_parameters": FLASH + 4 + len(PARAMETERS),
        "_nvram_data": FLASH + len(flash) - 4,
        "_envram_data": FLASH + len(flash),
    }
    made = image_from_elf(Elf.from_bytes(elf(segments=[(FLASH, flash, len(flash))], marks=marks)))
    assert (made.code, made.data, made.parameters) == (flash[:-4], b"keep", PARAMETERS)


@pytest.mark.parametrize(
    "raw",
    [
        elf(b""),
        elf(b"code", entry=FLASH + 0x1000),
        elf(b"code", entry=0),
        elf(b"code", parameters=b"\x01"),
        elf(bytes(401 * 1024)),
        elf(segments=[(0, b"", 4)]),
        elf(segments=[(FLASH, bytes(8), 8), (RAM, bytes(8), 8)]),
        elf(segments=[(FLASH, bytes(8), 8), (RAM, bytes(8), 8, FLASH + 4)]),
        elf(segments=[(FLASH, bytes(8), 8), (FLASH + 400 * 1024, bytes(8), 8)]),
        elf(notes=[("ledger.api_level", "many")]),
        elf(notes=[("ledger.api_level", "256")]),
    ],
)
def test_file_that_is_no_app_is_refused(raw):
    """No code, begun elsewhere, bad parameters, too large, nothing to load, parts apart or over each other: refused."""
    with pytest.raises(RemoteProtocolError):
        image_from_elf(Elf.from_bytes(raw))


def test_hex_file_becomes_an_image():
    """The areas of a hex file are one run, its gaps zero, its last bytes data, with the parameters taken off its end."""
    areas = (Area(address=FLASH, data=b"code"), Area(address=FLASH + 8, data=b"keep" + PARAMETERS))
    made = image_from_hex(IntelHex(areas=areas, start=FLASH | 1), parameters=PARAMETERS, api_level=25, data_bytes=4)
    assert (made.code, made.data, made.parameters) == (b"code\0\0\0\0", b"keep", PARAMETERS)
    assert (made.create.api_level, made.create.boot_offset) == (25, 1)


@pytest.mark.parametrize(
    ("file", "data_bytes"),
    [
        (IntelHex(areas=()), 0),
        (IntelHex(areas=(Area(address=0, data=b"code"),)), 4),
        (IntelHex(areas=(Area(address=16, data=b"code"),), start=0), 0),
        (IntelHex(areas=(Area(address=0, data=b"a"), Area(address=1 << 24, data=b"b"))), 0),
    ],
)
def test_hex_file_that_is_no_app_is_refused(file, data_bytes):
    """Nothing to load, no code, begun elsewhere and a gap larger than flash are refused."""
    with pytest.raises(RemoteProtocolError):
        image_from_hex(file, parameters=PARAMETERS, data_bytes=data_bytes)
