"""The example in C that the package carries is what its sources give."""

import shutil
import subprocess
from pathlib import Path

import pytest

import tallystick
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf, image_from_hex
from tallystick.wire.intel_hex import Area, IntelHex

ROOT = Path(__file__).parents[4]
EXAMPLE = Path(tallystick.__file__).parent / "device" / "native" / "example" / "hello.elf"
#: the compiler that the bytes are of: Debian 12's
COMPILER = shutil.which("clang-14")


@pytest.mark.skipif(COMPILER is None, reason="clang 14, which made the example, is not installed")
def test_example_is_built_to_the_same_bytes(tmp_path):
    """Building the example anew gives the bytes that are in the package."""
    command = ["make", "-C", str(ROOT / "sdk"), f"CC={COMPILER}", f"OUT={tmp_path}/", f"{tmp_path}/hello.elf"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert (tmp_path / "hello.elf").read_bytes() == EXAMPLE.read_bytes()


def test_hex_file_of_the_example_gives_the_same_image():
    """What loaders make of a hex file with the sizes of its areas is what the ELF file gives."""
    elf = Elf.from_bytes(EXAMPLE.read_bytes())
    image = image_from_elf(elf)
    flash = elf.segments[0]
    file = IntelHex.from_bytes(
        IntelHex(areas=(Area(address=flash.address, data=flash.data),), start=elf.entry).to_bytes()
    )
    data_bytes = image.create.data_length
    again = image_from_hex(file, parameters=image.parameters, api_level=image.create.api_level, data_bytes=data_bytes)
    assert again == image
