"""What an app finds where its contexts point: descriptions of hashes with the functions of its own firmware."""

import struct

import pytest

from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_digest import HASHES
from tallystick.device.native.cx_error import CxError
from tallystick.device.native.cx_page import CxPage
from tallystick.device.native.era import ERAS
from tallystick.device.native.generation import generation_of
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.device.native.memory import Memory
from tallystick.device.native.worker import UnicornCpu

FIRMWARE = {f"{era.model} {era.name}": (era.functions, era.trampoline) for era in ERAS if era.functions}
#: what each function of a description does, by the end of its name
STEPS = ("_init_no_throw", "_update", "_final", "_init_no_throw", "_get_output_size")


@pytest.mark.parametrize("md", HASHES)
@pytest.mark.parametrize("firmware", [*FIRMWARE, "API level"])
def test_functions_of_a_description_are_those_of_the_firmware(firmware, md):
    """The number that each stub loads is that of its function in the app's own firmware, and it goes where the library lies.

    A hash that a firmware does not have is described by nothing.
    """
    functions, trampoline = FIRMWARE.get(firmware, (FUNCTIONS, 0x0080_8000))
    cpu = UnicornCpu()
    page = CxPage(Memory(cpu, generation_of("nanosp", 26)), trampoline=trampoline, functions=functions)
    if md is Md.GROESTL and "cx_groestl" not in functions:
        with pytest.raises(CxError):
            page.info(md)
        return
    at, sizes = page.info(md), 4 if functions is FUNCTIONS else 3
    addresses = struct.unpack("<5I", cpu.read(at + 4 * sizes, 20))
    assert [bool(address) for address in addresses[1:3]] == [True, True]
    for address, step in zip(addresses, STEPS, strict=True):
        if address:
            push, load, literal, jump, target = struct.unpack("<4HI", cpu.read(address & ~1, 12))
            assert (push, load >> 8, literal, jump, target) == (0xB403, 0x20, 0x4900, 0x4708, trampoline | 1)
            assert functions[load & 0xFF].endswith(step)
            assert functions[load & 0xFF].startswith(f"cx_{_family(md, step)}")


def _family(md, step):
    """Return how the names of a hash's functions begin: hashes of a family share all but how they begin."""
    name = md.name.lower()
    if "init" in step:
        return name
    return {"sha224": "sha256", "sha384": "sha512", "keccak": "sha3", "shake128": "sha3", "shake256": "sha3"}.get(
        name, name
    )
