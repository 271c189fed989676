"""A Normal World of an attacker who has the key to sign one: put into images by the tests, and never part of a release.

Its entry names what it does: see `_DEEDS`. All but ``unlocked`` go through the lock like an honest one.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
import sys

from tallystick.device.sandbox import entry, probe
from tallystick.device.sandbox.attempt import Surroundings, attempts
from tallystick.device.sandbox.kernel import Kernel, machine
from tallystick.device.sandbox.seccomp import Refusal
from tallystick.wire import world

_APDU = world.to_bytes(world.Apdu(1, bytes.fromhex("e001000000")))


def main(deed: str) -> int:
    """Do the deed, behind the lock or without one."""
    role, parent, _program, *descriptors = sys.argv[1:]
    arguments = [*descriptors[:2], deed]  # gate and listening socket; the words that follow say what is spoken there
    if deed == "unlocked":
        return prepare(arguments)()
    refusal = Refusal.ERRNO if deed == "probe" else Refusal.KILL
    return entry.main([role, parent, "tallystick.device.board.hostile_world", *arguments], refusal=refusal)


def prepare(arguments: list[str]) -> entry.Work:
    """Open what is given, and return the deed."""
    gate, listener = (socket.socket(fileno=int(number)) for number in arguments[:2])
    deed = _DEEDS[arguments[2]]
    if deed is _probe:
        return _prober(gate, listener)
    return lambda: deed(gate)


def _hello(gate: socket.socket) -> None:
    gate.send(world.to_bytes(world.Hello(world.PROTOCOL_VERSION, world.Transport.TCP)))


def _wait(gate: socket.socket) -> int:
    while gate.recv(world.MAX_MESSAGE):
        pass
    return 0


def _silent(gate: socket.socket) -> int:
    return _wait(gate)


def _early(gate: socket.socket) -> int:
    gate.send(_APDU)
    return _wait(gate)


def _greeting(gate: socket.socket) -> int:
    _hello(gate)
    return _wait(gate)


def _flood(gate: socket.socket) -> int:
    _hello(gate)
    line = world.to_bytes(world.Log(1, "x" * world.MAX_LOG))
    while True:
        gate.send(line)


def _apdus(gate: socket.socket) -> int:
    """Ask without end and read no answer."""
    _hello(gate)
    while True:
        gate.send(_APDU)


def _oversized(gate: socket.socket) -> int:
    _hello(gate)
    gate.send(b"\x02\x00\x01" + bytes(world.MAX_MESSAGE))
    return _wait(gate)


def _unknown(gate: socket.socket) -> int:
    _hello(gate)
    gate.send(b"\x7fgive me the seed")
    return _wait(gate)


def _backwards(gate: socket.socket) -> int:
    """Say what only the Secure World says."""
    _hello(gate)
    gate.send(world.to_bytes(world.Stop()))
    return _wait(gate)


def _prints(gate: socket.socket) -> int:
    """Print ten megabytes on each of its two outputs, and go on like an honest one."""
    _hello(gate)
    for number in (1, 2):
        for _ in range(10):
            os.write(number, b"a line of no use\x1b[2J\n" * (1 << 20 >> 5) + bytes(1 << 20 >> 2))
    gate.send(world.to_bytes(world.Log(1, "printed")))
    return _wait(gate)


def _escape(gate: socket.socket) -> int:
    os.kill(os.getppid(), signal.SIGKILL)
    return _wait(gate)


def _greet_and_escape(gate: socket.socket) -> int:
    _hello(gate)
    return _escape(gate)


def _probe(gate: socket.socket) -> int:
    """Stand for `_prober`."""
    return _wait(gate)


class _Mouth:
    """Reports to a client of the endpoint, one line each."""

    def __init__(self, gate: socket.socket, client: socket.socket) -> None:
        self._gate, self._client = gate, client

    def fileno(self) -> int:
        return self._gate.fileno()

    def send(self, report: bytes) -> None:
        self._client.sendall(report + b"\n")


def _prober(gate: socket.socket, listener: socket.socket) -> entry.Work:
    arch = machine()
    assert arch is not None
    kernel = Kernel(arch)
    memory = mmap.mmap(-1, 4096)
    page = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    tried = attempts(Surroundings(parent=os.getppid(), link=gate.fileno(), listener=listener.fileno(), page=page))
    listener.setblocking(True)

    def work() -> int:
        _hello(gate)
        client, _address = listener.accept()
        listener.settimeout(0)  # an attempt that gets through is to come back
        probe._work(kernel, _Mouth(gate, client), tried, "all")
        client.close()
        return _wait(gate)

    return work


_DEEDS = {
    "silent": _silent,
    "early": _early,
    "unlocked": _greeting,
    "flood": _flood,
    "apdus": _apdus,
    "oversized": _oversized,
    "unknown": _unknown,
    "prints": _prints,
    "backwards": _backwards,
    "escape": _escape,
    "greet_and_escape": _greet_and_escape,
    "probe": _probe,
}
