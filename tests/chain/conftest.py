"""One chain for all tests, and devices whose first address begins with a thousand ATOM."""

import json
import select
import subprocess
import sys

import pytest
from chain_stage import BIN, PATIENCE_S, Node

SEED = "test test test test test test test test test test test junk"
#: the first account of that sentence
FUNDED = "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """Start the chain once."""
    assert (BIN / "gaiad").exists(), "no node: run scripts/chain_setup"
    with Node(tmp_path_factory.mktemp("chain") / "home", fund=[FUNDED]) as running:
        running.funded = FUNDED
        yield running


@pytest.fixture
def device():
    """Give a function that starts a device with the Cosmos app open; it approves everything unless told otherwise."""
    running = []

    def start(*options, approve=True):
        words = ["--json", "--seed", SEED, "--open", "cosmos", "--no-manager", "--apdu-port", "0", "--api-port", "0"]
        process = subprocess.Popen(
            [sys.executable, "-m", "tallystick", "up", *words, *(["--approve"] if approve else []), *options],
            stdout=subprocess.PIPE,
        )
        running.append(process)
        assert select.select([process.stdout], [], [], PATIENCE_S)[0], "the device does not start"
        return json.loads(process.stdout.readline())

    yield start
    for process in running:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stdout.close()
