"""An app of the isolated board that tries to get out of its process dies of it, and the device goes on without it."""

import sys

import pytest
import up_stage
import up_with_app
from isolated_stage import Held, worlds
from process_stage import handler

NAME = up_stage.NAME
ESCAPES = {
    "fork": "os.fork()",
    "start a program": "os.execv('/bin/sh', ['/bin/sh'])",
    "signal the Secure World": "os.kill(os.getppid(), 9)",
    "signal everybody": "os.kill(-1, 9)",
    "speak to the network": "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "read a folder": "os.listdir('/')",
    "look at the Secure World": "os.stat(f'/proc/{os.getppid()}/mem')",
    "remove a file": "os.unlink('/nowhere')",
    "make itself visible": "os.chmod('/proc/self/mem', 0o777)",
    "start a session": "os.setsid()",
}


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_an_app_that_tries_to_get_out_dies_alone(home, tmp_path, monkeypatch, escape):
    """Run from the Secure World's signed image, it is killed at its first forbidden call; worlds and clients stay."""
    file = tmp_path / "bundle"
    file.write_bytes(handler(escape).raw)
    before = [sys.executable, up_with_app.__file__, str(file), "up"]
    monkeypatch.setattr(up_stage, "command", lambda *options: [*before, *options])
    with Held("--open", "Demo", env=home) as device:
        link, found = device.connect(), worlds(device)
        assert b"Demo" in device.exchange(NAME, link)
        assert len(device.exchange("5500000000", link)) == 2
        after = worlds(device)
        assert "app" not in after
        assert (after["world"], after["normal"]) == (found["world"], found["normal"])
        assert b"BOLOS" in device.exchange(NAME, link)
        device.end()
        assert "made a system call that no app may make" in device.errors()
