"""`--trace` of `tally up` and `tally emulate`: what an app asked for stands on stderr, through the worlds that are locked away."""

import json
import signal
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner
from native_stage import EXAMPLE
from up_stage import PATIENCE_S, Up, fail, receive, run

from tallystick.cli.main import tally

ECHO = "e003000004deadbeef"


def lines_of(said):
    """Return the lines of a trace in what was said."""
    return [line for line in said.splitlines() if line.startswith(("os_io_", "tally_request"))]


@pytest.mark.parametrize("board", ["isolated", "embedded"])
def test_up_traces_the_app_that_is_open(board):
    """On both boards the calls come through to stderr, and no byte of an APDU does."""
    with Up("--board", board, "--model", "nanox", "--approve", "--trace") as up:
        device = f"tcp:127.0.0.1:{up.facts['apdu_port']}"
        for words in (["install", "--user", str(EXAMPLE)], ["open", "Hello"]):
            done = CliRunner().invoke(tally, ["app", *words, "--device", device])
            assert done.exit_code == 0, done.output
        assert up.exchange(ECHO).hex() == f"{ECHO}9000"
        up.end()
        said = up.errors()
    lines = lines_of(said)
    assert any(line.endswith(" = 10") and line.startswith("os_io_rx_evt(out=ram+") for line in lines)
    assert "deadbeef" not in said


def test_up_traces_test_devices_alone():
    """Without a seed on the command line it is somebody's device, whose apps say nothing."""
    code, error = fail("--trace", "--ephemeral")
    assert code == 2
    assert "test devices" in error["message"]
    assert "--trace" in run("--help").stdout


def test_emulate_traces():
    """The same lines come from the stand-in for Speculos."""
    command = [sys.executable, "-m", "tallystick", "emulate", str(EXAMPLE), "--trace", "--json"]
    process = subprocess.Popen(
        [*command, "--apdu-port", "0", "--api-port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        facts = json.loads(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", facts["apdu_port"]), PATIENCE_S) as link:
            raw = bytes.fromhex(ECHO)
            link.sendall(len(raw).to_bytes(4, "big") + raw)
            assert receive(link).hex() == f"{ECHO}9000"
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert any(line.startswith("os_io_rx_evt(") for line in lines_of(said))
