"""The front panel's lock: it serves, draws and carries APDUs, and has no files, no programs and no other port."""

import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import urllib.request

import pytest
from isolated_stage import Held, told, tree, worlds
from process_stage import PATIENCE_S
from up_stage import GET_ADDRESS, NAME, Up

from tallystick.device.sandbox import landlock
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.kernel import Kernel, machine

#: what a panel that was taken over would try, and the port that it may have
TRIES = """
import ctypes, json, os, resource, socket, subprocess, sys, threading, urllib.request

def told(do):
    try: do()
    except (OSError, subprocess.SubprocessError) as error: return type(error).__name__
    return "allowed"

def work():
    def connect(port): socket.create_connection(("127.0.0.1", port), 5).close()
    def write(): open(os.path.join(sys.argv[5], "file"), "w")
    def call(*numbers):
        if ctypes.CDLL(None, use_errno=True).syscall(*numbers) == -1: raise OSError(ctypes.get_errno(), "")
    thread = threading.Thread(target=lambda: None)
    parent = os.getppid()
    print(json.dumps({
        "connect to its port": told(lambda: connect(int(sys.argv[2]))),
        "connect to another port": told(lambda: connect(int(sys.argv[4]))),
        "start a thread": told(lambda: (thread.start(), thread.join())),
        "load a module": told(lambda: __import__("wave")),
        "read a file": told(lambda: open("/etc/passwd")),
        "list a folder": told(lambda: os.listdir("/etc")),
        "write a file": told(write),
        "write into the package": told(lambda: open(json.__file__, "a")),
        "change a file's mode": told(lambda: os.chmod(json.__file__, 0o777)),
        "start a program": told(lambda: subprocess.run(["/bin/true"])),
        "become a program": told(lambda: os.execv("/bin/true", ["true"])),
        "fork": told(os.fork),
        "signal its parent": told(lambda: os.kill(parent, 0)),
        "read its parent": told(lambda: open(f"/proc/{parent}/mem", "rb")),
        "trace its parent": told(lambda: call(101 if os.uname().machine == "x86_64" else 117, 0x4206, parent, 0, 0)),
        "bind a port": told(lambda: socket.create_server(("127.0.0.1", 0))),
        "make a Unix socket": told(lambda: socket.socket(socket.AF_UNIX)),
        "dump core": "allowed" if resource.getrlimit(resource.RLIMIT_CORE)[1] else "nothing",
    }))
    return 0

def prepare(arguments): return work
"""
REFUSED = {
    "connect to another port", "read a file", "list a folder", "write a file", "write into the package", "change a file's mode",
    "start a program", "become a program", "fork", "signal its parent", "read its parent", "trace its parent", "bind a port",
    "make a Unix socket", "dump core",
}  # fmt: skip
#: what Landlock alone refuses, and the first version that does
BY_LANDLOCK = {
    "connect to another port": 4, "read a file": 1, "list a folder": 1, "write a file": 1, "write into the package": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Return what came of every try."""
    script = "import sys, types\nfrom tallystick.device.sandbox import panel_entry\n"
    script += "program = types.ModuleType('program')\nexec(sys.argv.pop(1), program.__dict__)\n"
    script += "sys.modules['program'] = program\nsys.exit(panel_entry.main(sys.argv[1:]))\n"
    with socket.create_server(("127.0.0.1", 0)) as own, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [str(one.getsockname()[1]) for one in (own, other)]
        command = [
            sys.executable,
            "-I",
            "-c",
            script,
            textwrap.dedent(TRIES),
            str(os.getpid()),
            ports[0],
            "program",
            ports[1],
        ]
        done = subprocess.run(
            [*command, str(tmp_path_factory.mktemp("files"))],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_panel_that_is_taken_over_gets_nowhere(outcomes):
    """Files, programs, signals, other ports and other processes are refused, as far as this kernel's Landlock reaches."""
    version = landlock.abi(Kernel(machine()))
    reachable = {name for name in REFUSED if version >= BY_LANDLOCK.get(name, 0)}
    assert {name: outcomes[name] for name in reachable if outcomes[name] == "allowed"} == {}


def test_a_panel_can_do_its_work(outcomes):
    """Its one port, threads, and modules that are loaded late."""
    assert {name: outcomes[name] for name in set(outcomes) - REFUSED} == {
        "connect to its port": "allowed",
        "start a thread": "allowed",
        "load a module": "allowed",
    }


@pytest.mark.parametrize("board", ["isolated", "embedded"])
def test_the_panel_of_a_device_is_locked_and_works(home, board):
    """The kernel says that it is filtered and gains nothing; page, files, screenshot, APDUs and gestures work behind that."""
    with Up("--board", board, "--open", "cosmos", env=home) as device:
        for path in ("/", "/static/panel.js", "/static/bold.woff", "/screenshot"):
            with urllib.request.urlopen(
                f"http://127.0.0.1:{device.facts['api_port']}{path}", timeout=PATIENCE_S
            ) as page:
                assert page.read()
        assert device.rest("POST", "/apdu", {"data": NAME.hex()})["data"].endswith("9000")
        before = device.rest("GET", "/screen")["sequence"]
        device.rest("POST", "/button/right", {"action": "press-and-release"})
        assert device.rest("GET", f"/screen?after={before}")["sequence"] > before
        (panel,) = [pid for pid in tree(device.process.pid) if b"tallystick.ui.web.__main__" in told(pid, "cmdline")]
        status = told(panel, "status").decode()
        if not survey().missing:
            assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status


def test_the_secure_world_keeps_its_keys_in_locked_pages(home):
    """The kernel says so, and so does the device: no word of it among what is missing."""
    with Held(env=home) as device:
        (locked,) = re.findall(rb"VmLck:\s+(\d+) kB", told(worlds(device)["world"], "status"))
        assert int(locked) >= 64
        assert not [line for line in device.rest("GET", "/status")["boundaries"] if "memory" in line]


def test_the_secure_world_is_filtered_too(home):
    """It has gained what it will ever gain, and its children have a filter more than it has."""
    with Held("--open", "cosmos", env=home) as device:
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        counts = {}
        for name, pid in worlds(device).items():
            fields = dict(line.split(":\t", 1) for line in told(pid, "status").decode().splitlines() if ":\t" in line)
            assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2"), name
            counts[name] = int(fields["Seccomp_filters"])
        assert (counts["world"], counts["app"]) == (1, 2)
