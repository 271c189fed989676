"""The how-to of a transfer, as it stands: two running devices, an owner, and the command line."""

import json
import subprocess
import sys

import pytest
from process_stage import PATIENCE_S
from up_stage import Up

DIGEST = "9956024d2433d0283bb34d6587ad2e242da770a0ee1fb0a62a35a321fd417252"


def tally(home, *words):
    """Run a command that must succeed; return its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", *words, "--json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=home,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("board", ["embedded", "isolated"])
def test_a_key_moves_between_two_running_devices(home, board):
    """Owner set-up, creation, transfer there and back, and a signature; both devices approve by themselves."""
    options = ("--board", board, "--app", "transfer", "--approve")
    with Up(*options, env=home) as one, Up(*options, env=home) as two:
        urls = [f"tcp:127.0.0.1:{up.facts['apdu_port']}" for up in (one, two)]
        for url in urls:
            tally(home, "owner", "setup", "--slot", "1", "--owner-key", "test", "--device", url)
        key = tally(home, "transfer", "create", "--device", urls[0])["public_key"]
        assert tally(home, "transfer", "send", "--device", urls[0], "--to", urls[1])["public_key"] == key
        assert tally(home, "transfer", "status", "--device", urls[0])["key"] == "none"
        assert tally(home, "transfer", "receive", "--device", urls[0], "--from", urls[1])["receiver"] == urls[0]
        assert tally(home, "transfer", "sign", DIGEST, "--device", urls[0])["public_key"] == key
        assert tally(home, "transfer", "status", "--device", urls[0])["key"] == "unsealed"
        assert tally(home, "transfer", "status", "--device", urls[1])["key"] == "none"


def test_another_owners_devices_run_another_app(home, tmp_path):
    """With --owner-key the app is built for that owner: its hash is another one."""
    owner = tmp_path / "owner.json"
    tally(home, "owner", "keys", "create", str(owner))
    options = ("--board", "embedded", "--app", "transfer", "--approve")
    with Up(*options, env=home) as one, Up(*options, "--owner-key", str(owner), manager=True, env=home) as two:
        hashes = {
            tally(home, "app", "list", "--device", f"tcp:127.0.0.1:{up.facts['apdu_port']}")["apps"][0]["full_hash"]
            for up in (one, two)
        }
    assert len(hashes) == 2
