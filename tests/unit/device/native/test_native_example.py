"""The example in C that the package carries is what its sources give."""

import shutil
import subprocess
from pathlib import Path

import pytest

import tallystick

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
