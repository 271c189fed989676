"""gdb on a native app: Debian's own gdb judges the stub, on the example app in its locked process, on a device of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
from native_stage import EXAMPLE

from tallystick.device.native.elf import Elf

GDB = shutil.which("gdb-multiarch")
PATIENCE_S = 120
pytestmark = pytest.mark.skipif(GDB is None and not os.environ.get("CI"), reason="gdb-multiarch is not installed")


class Running:
    """`tally app run` with the example, waiting for gdb."""

    def __init__(self, *options):
        command = [sys.executable, "-m", "tallystick", "app", "run", str(EXAMPLE), "--json", *options]
        self.process = subprocess.Popen(
            [*command, "--apdu-port", "0", "--api-port", "0", "--gdb", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.facts = json.loads(self.process.stdout.readline())

    def gdb(self, *commands):
        """Run gdb with these commands, and return what it says."""
        words = [GDB, "-q", "-batch", "-nx", "-iex", "set confirm off"]
        for command in (f"target remote 127.0.0.1:{self.facts['gdb_port']}", *commands):
            words += ["-ex", command]
        done = subprocess.run(
            [*words, str(EXAMPLE)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout + done.stderr

    def ask(self, *commands):
        """Send commands to the app, each when the one before is answered; return a thread whose `answers` they become."""
        thread = Asking(self.facts["apdu_port"], commands)
        thread.start()
        return thread

    def stop(self):
        """End it and return its standard error."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_S)[1]


class Asking(threading.Thread):
    """A client that gdb may keep waiting."""

    def __init__(self, port, commands):
        super().__init__(daemon=True)
        self._port, self._commands = port, commands
        self.answers = []

    def run(self):
        """Ask one after the other."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as client:
            stream = client.makefile("rwb")
            for command in self._commands:
                raw = bytes.fromhex(command)
                stream.write(len(raw).to_bytes(4, "big") + raw)
                stream.flush()
                size = int.from_bytes(stream.read(4), "big")
                self.answers.append(stream.read(size + 2).hex())

    def finish(self):
        """Return the answers, when all are there."""
        self.join(PATIENCE_S)
        return self.answers


@pytest.fixture
def running():
    """Give the example on a device, which is stopped at the end."""
    made = Running("--trace")
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.communicate(timeout=PATIENCE_S)


def test_gdb_stops_where_it_is_told_and_looks_around(running):
    """Gdb finds the app at its first instruction, stops in a function by its name, prints registers, memory and callers, steps, and lets go."""
    client = running.ask("e001000000", "e002000000", "e002000000")
    told = running.gdb(
        "break count",
        "continue",
        "info registers pc r9",
        "print/x *(unsigned int *) &counter",
        "backtrace",
        "stepi",
        "finish",
        "print/x *(unsigned int *) &counter",
        "detach",
    )
    assert client.finish() == ["0100009000", "010000009000", "020000009000"]
    assert "tally_start ()" in told
    assert "Breakpoint 1, count ()" in told
    assert "<count+" in told
    assert "0x20100000" in told  # where its RAM lies
    assert "$1 = 0x0" in told
    assert "app_main () at main.c" in told
    assert "$2 = 0x1" in told
    assert "detached" in told


def test_gdb_interrupts_an_app_that_does_not_come_back_and_may_return(running):
    """Gdb lets go of an app, which runs on; one that comes later stops it in its endless loop, sees where, and may end it."""
    client = running.ask("e001000000", "e00f030000")
    assert "Breakpoint 1, harm (" in running.gdb("break harm", "continue", "detach")
    told = running.gdb("backtrace", "kill")
    assert "harm (" in told
    assert client.finish() == ["0100009000", "6f00"]
    assert "gdb killed it" in running.stop()


def test_gdb_sees_a_fault_before_the_app_is_over(running):
    """An app that reads what is not there stops in gdb with a signal, at the instruction that did it."""
    client = running.ask("e00f000000")
    told = running.gdb("continue", "print $pc", "backtrace", "detach")
    assert "SIGSEGV" in told
    assert "<harm+" in told
    assert client.finish() == ["6f00"]
    said = running.stop()
    assert "read fault at app+0x" in said
    assert "(harm+0x" in said


def test_gdb_changes_registers_memory_and_code(running):
    """What gdb writes is there: a register, RAM, and flash, where the code of the app is another from then on."""
    version = Elf.from_bytes(EXAMPLE.read_bytes()).symbols["serve.VERSION"] - 0xC0DE0000 + 0x00400000
    client = running.ask("e001000000")
    told = running.gdb(
        "set $r4 = 0x12345678",
        "print/x $r4",
        "set *(unsigned int *) ($sp - 64) = 0xcafe",
        "print/x *(unsigned int *) ($sp - 64)",
        f"set *(unsigned char *) {version} = 7",
        "print/x *(unsigned int *) 0x30000000",
        "detach",
    )
    assert "$1 = 0x12345678" in told
    assert "$2 = 0xcafe" in told
    assert "Cannot access memory" in told
    assert client.finish() == ["0700009000"]


def test_trace_tells_the_calls_with_their_arguments(running):
    """Every call is one line: name, arguments by kind, result; nothing of what a pointer leads to."""
    running.gdb("detach")
    assert running.ask("e003000004deadbeef").finish() == ["e003000004deadbeef9000"]
    lines = running.stop().splitlines()
    assert "tally_request(call=Idle, " in lines[0] or "tally_request(call=Idle, " in lines[1]
    assert any(line.startswith("os_io_rx_evt(out=ram+") and line.endswith(" = 10") for line in lines)
    assert any(line.startswith("os_io_tx_cmd(kind=0x20, data=ram+") for line in lines)
    assert "deadbeef" not in "".join(lines)


def test_one_gdb_at_a_time_and_noise_does_no_harm(running):
    """A second visitor is shown out, noise is no packet, a visitor who goes without a word leaves the app running."""
    door = ("127.0.0.1", running.facts["gdb_port"])
    with socket.create_connection(door, timeout=PATIENCE_S) as first:
        first.sendall(b"\xff" * 5000 + b"$" + b"a" * 40000 + b"#00$g#67")
        heard = b""
        while b"#" not in heard:  # the registers, behind what acknowledges and what asks again
            heard += first.recv(4096)
        with socket.create_connection(door, timeout=PATIENCE_S) as second:
            assert not second.recv(1)
    assert running.ask("e001000000").finish() == ["0100009000"]
    assert "detached" in running.gdb("info registers pc", "detach")
