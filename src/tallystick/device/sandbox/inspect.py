"""Look at a locked process from outside: its own word that it is locked counts for nothing (secure-world 4.2, step 6)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tallystick.device.sandbox.boundary import Boundary, Report
from tallystick.errors import TrustError

__all__ = ["Inspection", "ProcessEnded", "inspect", "own_filters", "require_confined"]

_PROC = Path("/proc")
_MAX_STATUS = 1 << 14
#: the value of the field Seccomp when a filter is on
_FILTERED = 2
#: and once it has killed the process, which makes no call any more though it may not have begun to end (since Linux 5.17)
_KILLED = 3


#: states of a process that runs no more: such a one has no filter either
_ENDED = ("Z", "X")
#: of the flags in ``/proc/<pid>/stat``: it is on its way out, and never comes back from there
_EXITING = 4
#: where they are, counted from what follows the name
_FLAGS_FIELD = 6


class ProcessEnded(TrustError):
    """The process ended before it could be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the kernel says about a process; -1 for a field this kernel does not have."""

    no_new_privs: int
    seccomp: int
    #: how many filters are on, those of whoever started it included
    filters: int
    threads: int
    #: effective and permitted capabilities, together
    capabilities: int
    #: whether it runs no more
    is_ended: bool = False

    def is_filtered(self, inherited: int) -> bool:
        """Return whether it has put on a filter of its own; a kernel that counts none cannot have given it one before."""
        return self.seccomp == _FILTERED and (self.filters > inherited or (self.filters == -1 and not inherited))

    @classmethod
    def from_status(cls, text: str) -> Inspection:
        """Read the text of ``/proc/<pid>/status``."""
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

        def number(name: str, base: int = 10) -> int:
            try:
                return int(fields[name], base)
            except (KeyError, ValueError):
                return -1

        return cls(
            no_new_privs=number("NoNewPrivs"),
            seccomp=number("Seccomp"),
            filters=number("Seccomp_filters"),
            threads=number("Threads"),
            capabilities=number("CapEff", 16) | number("CapPrm", 16),
            is_ended=fields.get("State", "").startswith(_ENDED) or number("Seccomp") == _KILLED,
        )


def inspect(pid: int, *, proc: Path = _PROC) -> Inspection:
    """Return what the kernel says about the process `pid`, a child that is not reaped, so the number is still its own.

    Raises:
        TrustError: there is no such process, or it cannot be looked at.

    """
    try:
        with (proc / str(pid) / "status").open("rb") as file:
            return Inspection.from_status(file.read(_MAX_STATUS).decode("ascii", "replace"))
    except OSError as error:
        raise TrustError(f"the process {pid} cannot be looked at: {error.strerror}") from error


def _is_exiting(pid: int, proc: Path) -> bool:
    """Tell whether a process is on its way out: the kernel takes its filters from it before it calls it ended."""
    try:
        with (proc / str(pid) / "stat").open("rb") as file:
            fields = file.read(_MAX_STATUS).rpartition(b")")[2].split()
        return bool(int(fields[_FLAGS_FIELD]) & _EXITING)
    except (OSError, IndexError, ValueError):
        return False


def own_filters() -> int:
    """Return how many filters this process has, which whoever it starts has too; 0 where the kernel counts none."""
    try:
        return max(inspect(os.getpid()).filters, 0)
    except TrustError:  # no /proc: no Linux, and nobody has a filter
        return 0


def require_confined(pid: int, offered: Report, *, inherited: int = 0, proc: Path = _PROC) -> None:
    """Make sure that the process `pid` is locked as far as this machine can lock (`offered`, from `survey`).

    Landlock cannot be seen from outside; a process that could not put it on has ended instead. A filter that it was
    born with is not its lock: it must have more than the `inherited` ones.

    Raises:
        ProcessEnded: it runs no more, so nothing can be said of it.
        TrustError: it is not, or it runs a thread, or it cannot be looked at.

    """
    if not offered.holds(Boundary.NO_NEW_PRIVS):
        return  # no Linux: nothing to look at, and the report says so
    found = inspect(pid, proc=proc)
    if found.is_ended:
        raise ProcessEnded("the process has ended")
    faults = [
        ("it could gain privileges", found.no_new_privs != 1),
        ("it makes system calls unfiltered", offered.holds(Boundary.SECCOMP) and not found.is_filtered(inherited)),
        ("it runs threads", found.threads != 1),
        ("it has capabilities", found.capabilities != 0),
    ]
    wrong = [text for text, is_wrong in faults if is_wrong]
    if wrong and _is_exiting(pid, proc):
        raise ProcessEnded("the process is ending")
    if wrong:
        raise TrustError(f"the process is not locked: {', '.join(wrong)}")
