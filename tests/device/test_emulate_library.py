"""`tally emulate -l`, with real apps of the folder that TALLYSTICK_ELFS names: Bitcoin Test of the Nano S runs Bitcoin as its library."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from process_stage import PATIENCE_S
from test_emulate import OK, Emulated

FOLDER = os.environ.get("TALLYSTICK_ELFS", "")
#: model, app and firmware, as Speculos names its files
NAMED = re.compile(r"nanos\W?_?btc-test\W?_?(1\.6|2\.0|2\.1)\W?_?[0-9a-f]*\.elf")
FILES = [path for path in sorted(Path(FOLDER).glob("*.elf")) if NAMED.fullmatch(path.name)] if FOLDER else []
PAIRS = [(path, path.with_name(path.name.replace("btc-test", "btc"))) for path in FILES]
pytestmark = pytest.mark.skipif(not FOLDER, reason="TALLYSTICK_ELFS names no folder of apps")
#: the key of m/44'/1'/0'/0/0, as an address of the test network
ADDRESS = bytes.fromhex("e040000015058000002c80000001800000000000000000000000")


@pytest.mark.parametrize(("app", "library"), [pair for pair in PAIRS if pair[1].exists()], ids=lambda path: path.name)
def test_library_is_called_by_the_app_and_answers_for_it(app, library, tmp_path):
    """The app answers with an address of its own network, by the code of the library that was named with -l."""
    flags = ("--model", "nanos", "--api-port", "0", "-l", f"Bitcoin:{library}")
    emulated = Emulated(*flags, cwd=tmp_path, app=app)
    try:
        answer = emulated.exchange(ADDRESS)
        assert answer[-2:] == OK
        assert answer[67:68] in {b"m", b"n"}  # behind the key (65 bytes with its length in front) and the length
    finally:
        emulated.end()


@pytest.mark.parametrize("app", [path for path in FILES if "2.0" in path.name], ids=lambda path: path.name)
def test_library_that_is_missing_is_named(app, tmp_path):
    """Without -l the app ends, and the log says which library it called."""
    flags = ("-v", "--model", "nanos", "--api-port", "0", "--apdu-port", "0")
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", "emulate", *flags, str(app)],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        timeout=PATIENCE_S,
    )
    assert b"os_lib_call: Bitcoin is no library here" in done.stderr
