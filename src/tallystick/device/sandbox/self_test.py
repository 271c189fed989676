"""The self-test: lock in a program that tries to get out, as each role, and tell what came of each attempt.

It runs on the machine it is about. Refused is what came back as EPERM; a release does not answer at all, it dies.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tallystick.device.sandbox.boundary import Report
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.role import Role
from tallystick.errors import TrustError

__all__ = ["ROLES", "Outcome", "Process", "Result", "Spawn", "run", "run_released", "spawn"]

#: who is tested: they run what is not ours, or hear what strangers send
ROLES = (Role.NORMAL, Role.APP)
_ENTRY, _PROBE = "tallystick.device.sandbox.entry", "tallystick.device.sandbox.probe"
_MAX_REPORT = 1 << 12
_PATIENCE_S = 30.0
_REFUSED, _WORKS = "EPERM", "works"


class Process(Protocol):
    """A child process, as subprocess has it."""

    def wait(self, timeout: float | None = None, /) -> int:
        """Return the exit status, or minus the signal."""
        ...

    def kill(self) -> None:
        """End it, if it has not ended."""
        ...


#: starts a module with arguments and descriptors, in a process whose parent it is
Spawn = Callable[[str, Sequence[str], tuple[int, ...]], Process]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One attempt and the word for what came of it: ``allowed``, ``works``, ``fails``, or the name of an error."""

    name: str
    outcome: str

    @property
    def is_as_it_must_be(self) -> bool:
        """Whether an attempt to get out was refused, or what must work works."""
        return self.outcome in (_REFUSED, _WORKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The whole test of one role: every attempt, and how the process ended (0, or minus the signal)."""

    role: Role
    outcomes: tuple[Outcome, ...]
    status: int
    offered: Report

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The attempts that got through, or what did not work."""
        return tuple(one for one in self.outcomes if not one.is_as_it_must_be)

    @property
    def holds(self) -> bool:
        """Whether nothing got through, everything was tried, and the process ended in peace."""
        return bool(self.outcomes) and not self.failures and self.status == 0

    @property
    def is_killed(self) -> bool:
        """Whether the filter killed the process before it could say anything."""
        return self.status == -signal.SIGSYS and not self.outcomes


def spawn(module: str, arguments: Sequence[str], descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Start `module` in a fresh interpreter with these descriptors and nothing else."""
    return subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
        [sys.executable, "-I", "-m", module, *arguments],
        pass_fds=descriptors,
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def run(role: Role, *, mode: str = "self-test", start: Spawn = spawn) -> Result:
    """Lock a probe in as `role` and return what it reports; `mode` is one of the probe's.

    Raises:
        TrustError: it fell silent, or said what is no report.

    """
    outcomes, status = _converse(start, _PROBE, [mode, role.value], role, "all")
    return Result(role=role, outcomes=outcomes, status=status, offered=survey())


def run_released(role: Role, choice: str, *, start: Spawn = spawn) -> Result:
    """Lock a probe in as a release does and let it make one attempt (its number, or one of the probe's CHOICES).

    Raises:
        TrustError: it fell silent, or said what is no report.

    """
    outcomes, status = _converse(start, _ENTRY, [role.value], role, choice)
    return Result(role=role, outcomes=outcomes, status=status, offered=survey())


def _converse(start: Spawn, module: str, head: list[str], role: Role, choice: str) -> tuple[tuple[Outcome, ...], int]:
    """Start the probe and listen until it ends; return what it said and its exit status."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener = socket.create_server(("127.0.0.1", 0)) if role is Role.NORMAL else theirs
    with ours, theirs, listener:
        door = listener.fileno()
        listener.settimeout(0)  # an attempt that gets through is to come back
        arguments = [*head, str(os.getpid()), _PROBE, str(theirs.fileno()), str(door), choice]
        process = start(module, arguments, tuple({theirs.fileno(), door}))
        theirs.close()
        ours.settimeout(_PATIENCE_S)
        try:
            outcomes = tuple(Outcome(**json.loads(report)) for report in iter(lambda: ours.recv(_MAX_REPORT), b""))
            return outcomes, process.wait(_PATIENCE_S)
        except (TimeoutError, subprocess.TimeoutExpired, ValueError, TypeError) as error:
            raise TrustError("the probe fell silent, or speaks nonsense") from error
        finally:
            process.kill()
            process.wait()
