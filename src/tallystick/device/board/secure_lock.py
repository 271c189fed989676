"""How the Secure World locks itself and its keys, before it hears the first word of anybody else (secure-world 4.2, 5.4).

It has to start programs and to write the flash, so it is not confined as they are. What it never needs it gives away for
good, and its children cannot take it back: other processes' memory, the kernel's own doors, mounts, and sockets beyond
those it holds or makes in pairs. Whatever it may not call is refused, not deadly: the filter is its children's as well, and
theirs decides what becomes of them.
"""

from __future__ import annotations

import os

from tallystick.crypto.secret import Secret
from tallystick.device.board.secret_memory import SecretMemory
from tallystick.device.sandbox.boundary import Boundary, Report
from tallystick.device.sandbox.confine import Lock
from tallystick.device.sandbox.inspect import inspect
from tallystick.device.sandbox.kernel import Kernel, machine
from tallystick.device.sandbox.role import Role
from tallystick.device.sandbox.seccomp import Refusal

#: layers that would keep it from its own work
_NOT_FOR_IT = frozenset({Boundary.CAPABILITIES, Boundary.LANDLOCK})


class SecureLock:
    """The Secure World's lock, made ready. `offered` is what this machine has for the processes below it."""

    def __init__(self, offered: Report) -> None:
        self._missing: list[str] = []
        without = _NOT_FOR_IT
        if offered.holds(Boundary.SECCOMP) and inspect(os.getpid()).filters < 0:
            without |= {Boundary.SECCOMP}
            self._missing.append("Secure World: without a filter, this kernel does not count them")
        self._lock = Lock(Role.SECURE, refusal=Refusal.ERRNO, without=without)
        self._lock_memory(offered)

    @property
    def missing(self) -> tuple[str, ...]:
        """What people are told of its own lock, beside what this machine lacks for everybody; empty if nothing is missing.

        Where the kernel does not count a process's filters, a child's could not be told from those it was born with.
        """
        return tuple(self._missing)

    def _lock_memory(self, offered: Report) -> None:
        """Let secrets lie in locked pages from now on; what cannot be locked is told."""
        arch = machine()
        if arch is None or not offered.holds(Boundary.MEMORY):
            return  # told by the report of this machine
        try:
            Secret.live_in(SecretMemory(Kernel(arch)))
        except OSError as error:
            self._missing.append(f"{Boundary.MEMORY.value}: {error.strerror}")

    def put_on(self) -> None:
        """Lock this process, for good; raise TrustError when a layer that is there cannot be put on."""
        self._lock.put_on(parent=os.getppid())
