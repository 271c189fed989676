"""The prisoner of the self-test: a program that tries to get out, locked in as whom it is told, and reports each attempt.

Through the same entry as every other locked process: ``prepare([LINK_FD, LISTENER_FD, CHOICE])``. CHOICE is ``all``, or one
attempt by its number, which a release does not survive. Reports leave as JSON, one SEQPACKET message for each. Started
itself, it takes ``MODE`` before the entry's own arguments, one of `MODES`.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import mmap
import os
import socket
import sys
import time
from collections.abc import Callable

from tallystick.device.sandbox import entry
from tallystick.device.sandbox.attempt import Attempt, Surroundings, attempts
from tallystick.device.sandbox.boundary import Boundary
from tallystick.device.sandbox.kernel import Kernel, machine
from tallystick.device.sandbox.seccomp import Refusal
from tallystick.errors import UsageError

__all__ = ["ALLOWED", "CHOICES", "MODES", "main", "prepare"]

#: how softly the self-test locks: what happens to refused calls, and which layers are left out
MODES = {
    "self-test": frozenset[Boundary](),
    "self-test-without-landlock": frozenset({Boundary.LANDLOCK}),
    "landlock-alone": frozenset(Boundary) - {Boundary.LANDLOCK, Boundary.NO_NEW_PRIVS},
    "limits-alone": frozenset(Boundary) - {Boundary.RLIMITS},
    "open": frozenset(Boundary),
}
#: attempts that end the process even in a self-test
CHOICES = ("x32", "i386")
_PAGE = 4096
#: mov eax, 20 (getpid); int 0x80; ret
_I386_GETPID = bytes.fromhex("b814000000cd80c3")


def main(arguments: list[str]) -> int:
    """Lock as softly as the mode says, and try everything."""
    mode, *rest = arguments
    return entry.main(rest, refusal=Refusal.ERRNO, without=MODES[mode])


def prepare(arguments: list[str]) -> entry.Work:
    """Get ready to try what `arguments` say.

    Raises:
        UsageError: this machine has calls we know no numbers of.

    """
    link_fd, listener_fd, choice = arguments
    if choice == "i386":
        return _i386()
    arch = machine()
    if arch is None:
        raise UsageError("there is no self-test for this kind of machine")
    kernel = Kernel(arch)
    link = socket.socket(fileno=int(link_fd))
    memory = mmap.mmap(-1, _PAGE)
    page = ctypes.addressof(ctypes.c_char.from_buffer(memory))  # the view keeps the page mapped
    around = Surroundings(parent=os.getppid(), link=link.fileno(), listener=int(listener_fd), page=page)
    hashlib.sha256(b"").digest()
    if choice == "x32":
        return lambda: kernel.call_number(arch.ceiling | (arch.number("getpid") or 0))
    return lambda: _work(kernel, link, attempts(around), choice)


def _work(kernel: Kernel, link: socket.socket, tried: tuple[Attempt, ...], choice: str) -> int:
    if choice != "all":
        _report(link, tried[int(choice)].name, _try(kernel, tried[int(choice)]))
        return 0
    # nothing but the filter refuses this one: where it comes through, what is wild is left alone
    is_open = _try(kernel, Attempt("ask for flags", "fcntl", (link.fileno(), fcntl.F_GETFL))) == "allowed"
    for attempt in tried:
        if kernel.arch.number(attempt.call) is not None and not (attempt.wild and is_open):
            _report(link, attempt.name, _try(kernel, attempt))
    for name, do in ALLOWED.items():
        _report(link, name, "works" if do() else "fails")
    return 0


def _try(kernel: Kernel, attempt: Attempt) -> str:
    """Make the attempt and return what came of it: the name of an error, or ``allowed``."""
    try:
        result = kernel.call(attempt.call, *attempt.arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    if attempt.forks and result == 0:
        os._exit(0)
    return "allowed"


def _report(link: socket.socket, name: str, outcome: str) -> None:
    link.send(json.dumps({"name": name, "outcome": outcome}).encode())


def _sleeps() -> bool:
    time.sleep(0.000_001)
    return True


#: what must work behind every lock
ALLOWED: dict[str, Callable[[], bool]] = {
    "hash": lambda: len(hashlib.sha256(bytes(1 << 16)).digest()) == 32,
    "use fifty megabytes": lambda: len(bytearray(50 << 20)) == 50 << 20,
    "tell the time": lambda: time.monotonic() > 0 and time.time() > 0,
    "sleep": _sleeps,
    "draw random bytes": lambda: len(os.urandom(32)) == 32,
}


def _i386() -> entry.Work:
    """Return a call through the door of the 32-bit architecture, from code that was mapped before the lock."""
    code = mmap.mmap(-1, _PAGE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(_I386_GETPID)
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    call = ctypes.CFUNCTYPE(ctypes.c_int)(address)
    return lambda: int(call() == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
