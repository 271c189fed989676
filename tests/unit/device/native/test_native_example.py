"""The example apps in C that the package carries are what their sources give."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tallystick
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf, image_from_hex
from tallystick.wire.intel_hex import Area, IntelHex

ROOT = Path(__file__).parents[4]
EXAMPLES = Path(tallystick.__file__).parent / "device" / "native" / "example"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.elf"))
#: the compiler that the bytes are of: Debian 12's, which scripts/sdk_setup installs
COMPILER = shutil.which("clang-14")


def compiler_version():
    """Return what the compiler says it is."""
    done = subprocess.run([COMPILER, "--version"], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines()[0]


@pytest.mark.skipif(
    COMPILER is None and not os.environ.get("CI"), reason="clang 14, which made the examples, is not installed"
)
@pytest.mark.parametrize("name", NAMES)
def test_example_is_built_to_the_same_bytes(name, tmp_path):
    """Building an example anew, wherever it lies, gives the bytes that are in the package."""
    sdk = shutil.copytree(ROOT / "sdk", tmp_path / "elsewhere" / "sdk")
    out = tmp_path / "app.elf"
    command = ["make", "-C", str(sdk), f"CC={COMPILER}", f"APP=examples/{name}", f"OUT={out}"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert out.read_bytes() == (EXAMPLES / f"{name}.elf").read_bytes(), (
        f"{compiler_version()} gives other bytes: build the examples anew with the one that scripts/sdk_setup installs"
    )


def test_every_example_has_its_prebuilt_file():
    """What lies in sdk/examples lies in the package, built."""
    assert [path.name for path in sorted((ROOT / "sdk" / "examples").iterdir())] == NAMES


def test_header_is_what_the_system_calls_say():
    """The numbers in the SDK's header are those of the package."""
    subprocess.run([sys.executable, str(ROOT / "scripts" / "sdk_header"), "--check"], check=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_hex_file_of_an_example_gives_the_same_image(name):
    """What loaders make of a hex file with the sizes of its areas is what the ELF file gives."""
    elf = Elf.from_bytes((EXAMPLES / f"{name}.elf").read_bytes())
    image = image_from_elf(elf)
    flash = elf.segments[0]
    file = IntelHex.from_bytes(
        IntelHex(areas=(Area(address=flash.address, data=flash.data),), start=elf.entry).to_bytes()
    )
    data_bytes = image.create.data_length
    again = image_from_hex(file, parameters=image.parameters, api_level=image.create.api_level, data_bytes=data_bytes)
    assert again == image
