"""The tour with apps in C, as `make demo` gives it: real processes, a signature approved on the screen, a chain that holds."""

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from process_stage import PATIENCE_S

from tallystick.cli import demo_native
from tallystick.cli.demo import demo
from tallystick.cli.target import Run
from tallystick.errors import UsageError

LINKS = ("device certificate", "attestation key", "owner certificate", "statement")


def test_the_tour_signs_and_proves(home):
    """It ends by itself; what the person approved is what is answered, and each link of the chain holds."""
    command = [sys.executable, "-m", "tallystick", "demo", "--tour", "native"]
    tour = subprocess.run(command, capture_output=True, text=True, env=home, timeout=PATIENCE_S, check=False)
    said = tour.stdout
    assert tour.returncode == 0, said + tour.stderr
    shown = "".join(re.search(r"│ Address · ([0-9a-f ·]+?) +│", said)[1].split(" · "))
    assert re.search(rf"^      {shown}$", said, re.MULTILINE)
    assert len(bytes.fromhex(shown)) == 20
    assert re.search(r"│ Message · I owe you one tal", said)
    assert re.search(r"signature 30[0-9a-f]{46}… holds", said)
    for link in LINKS:
        assert re.search(rf"^      {link} +by .+ holds$", said, re.MULTILINE), said
    claimed = re.search(r"so the app with hash ([0-9a-f]{16})… did say: question 1\. Done\.", said)[1]
    assert "│ Install app · Oracle " in said
    assert f"Identifier [1/2] · {claimed}" in said


@pytest.fixture
def _no_processor(monkeypatch):
    """Look as it does where the extra `native` is not installed."""
    monkeypatch.setattr(demo_native, "find_spec", lambda name: None)


@pytest.mark.usefixtures("_no_processor")
def test_without_the_processor_the_other_tours_go_on(monkeypatch):
    """All tours together leave this one out, and say in one line what to install."""
    monkeypatch.setattr("tallystick.cli.demo._wallet", lambda *_: None)
    monkeypatch.setattr("tallystick.cli.demo_transfer.transfer_tour", lambda *_: None)
    result = CliRunner().invoke(demo, obj=Run())
    assert result.exit_code == 0
    (line,) = result.output.splitlines()
    assert "pip install 'tallystick[native]'" in line


@pytest.mark.usefixtures("_no_processor")
def test_without_the_processor_the_tour_itself_is_refused():
    """Asked for by name it is an error, with the same remedy, and no device is started."""
    result = CliRunner().invoke(demo, ["--tour", "native"], obj=Run())
    assert isinstance(result.exception, UsageError)
    assert "pip install 'tallystick[native]'" in result.exception.remedy
    assert not result.output
