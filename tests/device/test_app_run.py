"""`tally app run` as a user starts it: every form of an app, on a device of its own, ready at once, and gone without a trace."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from app_run_stage import PATIENCE_S, Run
from click.testing import CliRunner
from native_stage import EXAMPLE
from process_stage import children
from tests.unit.device.native.native_program import elf

from tallystick.cli.app_file import read_app_file
from tallystick.cli.main import tally as command_line

ROOT = Path(__file__).parents[2]
VERSION = "e001000000"
CLANG = shutil.which("clang-14")


@pytest.fixture
def start():
    """Return what runs an app; whatever is left of it is ended, and nothing may be."""
    made = []

    def make(*arguments):
        made.append(Run(*arguments))
        return made[-1]

    before = children(os.getpid())
    yield make
    for run in made:
        if run.process.poll() is None:
            run.process.kill()
        run.process.communicate(timeout=PATIENCE_S)
    assert children(os.getpid()) == before


def packed(tmp_path, source, name):
    """Return an app packed by `tally app pack`."""
    target = tmp_path / name
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", "app", "pack", str(source), "-o", str(target)],
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0
    return target


def test_elf_file_runs_on_the_model_it_was_built_for(start):
    """The line of JSON says ports, model and app; the app answers; a fault is told with the function it happened in."""
    run = start(EXAMPLE)
    assert {"pid", "model", "serial", "apdu_port", "api_port", "gdb_port", "app"} <= run.facts.keys()
    assert (run.facts["model"], run.facts["app"], run.facts["gdb_port"]) == ("nanox", "Hello", None)
    assert run.exchange(VERSION) == "0100009000"
    assert run.exchange("e00f000000") == "6f00"
    assert "(harm+0x" in run.stop()


def test_hex_file_with_its_manifest_runs(start, tmp_path):
    """What was packed for ledgerctl runs as the ELF file does."""
    run = start(packed(tmp_path, EXAMPLE, "app.hex"))
    assert run.facts["model"] == "nanox"
    assert run.exchange(VERSION) == "0100009000"


@pytest.mark.parametrize("form", ["folder", "bundle"])
def test_python_app_runs_from_its_sources_and_from_its_bundle(start, tmp_path, form):
    """A folder and what was packed of it are one app, on whatever model is asked for."""
    folder = ROOT / "examples" / "attested-counter"
    path = folder if form == "folder" else packed(tmp_path, folder, "counter.bundle")
    run = start(path, "--model", "stax")
    assert (run.facts["model"], run.facts["app"]) == ("stax", "Counter")
    assert run.exchange("b001000000").startswith("0107" + b"Counter".hex())


@pytest.mark.skipif(CLANG is None and not os.environ.get("CI"), reason="clang 14 is not installed")
def test_c_sources_are_built_and_run(start):
    """A folder of C sources is built for the model that is asked for."""
    run = start(ROOT / "sdk" / "examples" / "hello", "--model", "flex")
    assert run.facts["model"] == "flex"
    assert run.exchange(VERSION) == "0100009000"


def test_app_of_another_model_or_level_is_not_installed(tmp_path):
    """A device of another model is not given the app: the remedy says for whom to build it; nor is one of ours that could not run it."""
    run = Run(ROOT / "examples" / "attested-counter", "--model", "flex", "--approve")
    try:
        device = f"tcp:127.0.0.1:{run.facts['apdu_port']}"
        answer = CliRunner().invoke(command_line, ["app", "install", "--user", str(EXAMPLE), "--device", device])
        level = tmp_path / "level.elf"
        level.write_bytes(elf(notes=[("ledger.target_id", "0x33300004"), ("ledger.api_level", "28")]))
        newer = CliRunner().invoke(command_line, ["app", "install", "--user", str(level), "--device", device])
    finally:
        run.stop()
    assert newer.exit_code == 2
    assert "API level 28 cannot run here" in newer.output
    assert answer.exit_code == 2
    assert "was built for nanox, the device is flex" in answer.output
    assert "build it for flex" in answer.output
    assert read_app_file(EXAMPLE).model == "nanox"
