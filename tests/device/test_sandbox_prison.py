"""Nobody gets out: the self-test as every role, as the user who runs the tests and as an ordinary one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.device.sandbox import self_test
from tallystick.device.sandbox.role import Role

JAIL = Path(__file__).with_name("sandbox_jail.py")
NOBODY = 65534
#: secure-world 4.4, row by row, and the bypass attempts below it: the names under which they are tried
DEMANDED = [
    "open a file", "open a folder", "stat a file", "create a file", "make a TCP socket", "connect to this machine by TCP",
    "connect to an abstract socket", "start a program", "fork", "start a thread", "trace the parent",
    "read the parent's memory", "open the parent's memory", "signal the parent", "make a memory file", "map code",
    "make an io_uring", "ask the keyring", "make a namespace",
    "open a file, the newest way", "open a file by its handle", "start a program, the new way", "clone, the new way",
    "fork and share", "hold the parent", "become dumpable again", "outlive the parent", "put on another filter",
    "put on another filter, the old way", "read a limit", "lift the parent's limit", "type into the terminal",
    "copy a descriptor by fcntl", "copy a descriptor", "copy a descriptor, the new way", "turn data into code by a key",
    "turn data into code", "catch page faults", "signal everybody", "signal a thread", "make a socket pair",
    "enter a namespace", "set a limit",
]  # fmt: skip


@pytest.fixture(scope="module", params=["the tests' own user", "an ordinary user"])
def report(request):
    """Return what came of every attempt; an ordinary user is another one only where the tests run as the superuser."""
    uid = str(NOBODY) if request.param == "an ordinary user" and os.getuid() == 0 else "-"
    done = subprocess.run([sys.executable, str(JAIL), uid], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["uid"] == (int(uid) if uid != "-" else os.getuid())
    return found


@pytest.mark.parametrize("mode", ["self-test", "self-test-without-landlock"])
@pytest.mark.parametrize("role", ["normal", "app"])
def test_every_attempt_is_refused_and_work_goes_on(report, role, mode):
    """As the Normal World and as an app, with and without Landlock: each call comes back as EPERM, and computing works."""
    result = report["soft"][f"{role} {mode}"]
    outcomes = result["outcomes"]
    assert {name: outcomes[name] for name in report["attempts"]} == dict.fromkeys(report["attempts"], "EPERM")
    assert set(outcomes.values()) == {"EPERM", "works"}
    assert result["holds"]
    assert result["status"] == 0


@pytest.mark.parametrize("role", ["normal", "app"])
def test_a_release_dies_of_every_attempt(report, role):
    """Without the self-test's leniency each attempt ends the process with SIGSYS before it can say anything."""
    survivors = {name: told for name, told in report["released"][role].items() if not told["killed"]}
    assert survivors == {}
    assert set(report["released"][role]) == set(report["attempts"])


def test_every_demanded_attempt_is_among_them(report):
    """No row of the table of probes is forgotten, whatever it is called."""
    assert set(DEMANDED) - set(report["attempts"]) <= {"fork", "fork and share"}  # which aarch64 does not have
    assert len(report["attempts"]) > 100


def test_without_the_lock_the_attempts_get_through(report):
    """The probe can tell: what is refused above does reach the kernel of this machine when nothing is locked."""
    outcomes = report["open"]["outcomes"]
    reached = {name for name, outcome in outcomes.items() if outcome != "EPERM"}
    assert len(reached) > 100
    for name in ("open a file", "make a TCP socket", "make a pipe", "copy a descriptor", "clone", "signal the parent"):
        assert outcomes[name] == "allowed"
    assert not report["open"]["holds"]


def test_landlock_is_a_layer_of_its_own(report):
    """Where the kernel has it, files, TCP and signals are refused by it alone, were there no filter; where not, that is told."""
    if any(line.startswith("landlock: missing") for line in report["missing"]):
        return
    outcomes = report["landlock-alone"]["outcomes"]
    for name in ("open a file", "open a folder", "open a file, the newest way"):
        assert outcomes[name] == "EACCES"
    if not any(line.startswith("landlock") for line in report["missing"]):
        assert outcomes["signal the parent"] == "EPERM"
    assert outcomes["make a pipe"] == "allowed"


def test_limits_are_a_layer_of_their_own(report):
    """What was not given as a descriptor cannot be opened, were there neither filter nor Landlock."""
    outcomes = report["limits-alone"]["outcomes"]
    for name in (
        "open a file",
        "make a pipe",
        "make a TCP socket",
        "make a memory file",
        "copy a descriptor",
        "hold the parent",
    ):
        assert outcomes[name] == "EMFILE"
    assert outcomes["stat a file"] == "allowed"
    if report["uid"]:  # the superuser may start as many processes as he likes
        assert outcomes["clone"] == "EAGAIN"


@pytest.mark.parametrize("role", [Role.NORMAL, Role.APP])
def test_a_fresh_interpreter_is_locked_too(role):
    """The same holds for a process that was exec-ed, as the device's own are."""
    result = self_test.run(role)
    assert result.holds, result.failures
    assert result.offered.missing == () or all("landlock" in line for line in result.offered.missing)


@pytest.mark.parametrize("role", [Role.NORMAL, Role.APP])
def test_a_fresh_release_dies_of_its_first_attempt(role):
    """The entry that programs are started with has no leniency."""
    assert self_test.run_released(role, "0").is_killed


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="x32 is a matter of x86-64")
def test_x32_numbers_end_the_process():
    """The very same harmless call under its x32 number is the end."""
    assert self_test.run_released(Role.APP, "x32").is_killed


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the 32-bit door is a matter of x86-64")
def test_the_door_of_the_32_bit_architecture_ends_the_process():
    """Either the filter kills it, or the kernel has no such door and the instruction is a fault."""
    result = self_test.run_released(Role.APP, "i386")
    assert result.status in (-signal.SIGSYS, -signal.SIGSEGV)
    assert result.outcomes == ()
