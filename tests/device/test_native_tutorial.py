"""The tutorial about a native app: its source is built and its commands are run, in the order of the page."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from app_run_stage import PATIENCE_S, Run

PAGE = (Path(__file__).parents[2] / "docs/tutorial/native-app.md").read_text()
CLANG, GDB = shutil.which("clang-14"), shutil.which("gdb-multiarch")
pytestmark = pytest.mark.skipif(
    (CLANG is None or GDB is None) and not os.environ.get("CI"), reason="clang 14 or gdb-multiarch is not installed"
)


def blocks(kind):
    """Return the page's blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


#: each line of the page that a reader types
LINES = [line for block in blocks("sh") for line in block.splitlines()]


def tally(line, folder):
    """Run one line of the page in `folder`, and return what it prints."""
    words = line.split()
    assert words[0] == "tally"
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the source of the page, built as the page says."""
    place = tmp_path_factory.mktemp("tutorial")
    (place / "marks").mkdir()
    (place / "marks" / "main.c").write_text(blocks("c")[0])
    assert LINES[:2] == ["tally app build marks", "tally app info marks.elf"]
    assert "Marks for nanox" in tally(LINES[0], place)
    assert "keys       none" in tally(LINES[1], place)
    return place


def on(run, line):
    """Return a line of the page for the port that this run has."""
    return line.replace("tcp:127.0.0.1:9999", f"tcp:127.0.0.1:{run.facts['apdu_port']}")


def test_app_counts_what_was_approved(folder):
    """The two commands of the page answer what it says, and the trace has the calls that it shows."""
    assert LINES[2] == "tally app run marks.elf --trace"
    run = Run(folder / "marks.elf", "--trace", "--approve")
    try:
        tally(on(run, LINES[3]), folder)
        assert tally(on(run, LINES[4]), folder).startswith("01 9000")
    finally:
        said = run.stop()
    for line in next(block for block in blocks("text") if "nvm_write" in block).splitlines():
        assert line.partition("(")[0] + "(" in said
    assert "tally_request(call=Ask, " in said


def test_gdb_stops_in_the_function_of_the_page(folder):
    """The commands of the page, given to gdb: it stops in `add`, shows who called it, and the app goes on to answer."""
    assert LINES[5] == "tally app run marks.elf --approve --gdb 3333"
    run = Run(folder / "marks.elf", "--approve", "--gdb", "0")
    client = subprocess.Popen(
        [sys.executable, "-m", "tallystick", *on(run, LINES[3]).split()[1:], "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        commands = [line for line in blocks("gdb")[0].splitlines() if line]
        assert commands[-1] == "continue"
        words = [GDB, "-q", "-batch", "-nx", str(folder / "marks.elf")]
        for command in (
            f"target remote 127.0.0.1:{run.facts['gdb_port']}",
            f"directory {folder / 'marks'}",
            *commands[:-1],
            "detach",
        ):
            words += ["-ex", command]
        told = subprocess.run(
            words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL
        ).stdout
        assert "Breakpoint 1, add (" in told
        assert "static void add" in told or "char why[33];" in told or "if (apdu->size < 1" in told
        assert "app_main ()" in told
        answer = json.loads(client.communicate(timeout=PATIENCE_S)[0])
        assert answer["exchanges"][0]["status"] == "9000"
    finally:
        run.stop()
        client.kill()
        client.communicate()


def test_app_is_packed_and_installed(folder):
    """The hex file and its manifest are written; the ELF file goes into a device that runs."""
    assert LINES[6:] == ["tally app pack marks.elf", "tally app install --user marks.elf"]
    assert "marks.json is written" in tally(LINES[6], folder)
    assert json.loads((folder / "marks.json").read_text())["name"] == "Marks"
    run = Run(folder / "marks.elf", "--approve")
    try:
        device = f"tcp:127.0.0.1:{run.facts['apdu_port']}"
        assert "Marks 1.0.0 is installed" in tally(f"{LINES[7]} --device {device}", folder)
    finally:
        run.stop()
