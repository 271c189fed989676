"""Lock this process in, in the one order that works, and tell which layers hold (secure-world 4.2).

Everything the process will ever import or open it has by now. A layer that the machine lacks is left out and told; a layer
that is there and cannot be put on is an error, and the process must end.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from tallystick.device.sandbox import landlock, limit, seccomp
from tallystick.device.sandbox.boundary import Boundary, Report, Standing
from tallystick.device.sandbox.kernel import Kernel, machine
from tallystick.device.sandbox.role import Role, profile
from tallystick.device.sandbox.seccomp import Refusal
from tallystick.errors import TrustError

__all__ = ["confine", "survey"]

_NO_LINUX = "missing on this system"


def survey() -> Report:
    """Return which layers this machine offers, without putting on any."""
    arch = machine()
    if arch is None:
        note = f"{_NO_LINUX} ({os.uname().sysname} {os.uname().machine})"
        return Report(standings=tuple(Standing(boundary=one, holds=False, note=note) for one in Boundary))
    kernel = Kernel(arch)
    version = landlock.abi(kernel)
    notes = {Boundary.LANDLOCK: landlock.coverage(version)}
    absent = {Boundary.LANDLOCK} if version == 0 else set()
    if not seccomp.is_available(kernel):
        absent.add(Boundary.SECCOMP)
        notes[Boundary.SECCOMP] = "missing on this kernel"
    return Report(
        standings=tuple(Standing(boundary=one, holds=one not in absent, note=notes.get(one, "")) for one in Boundary)
    )


def confine(
    role: Role, *, parent: int, refusal: Refusal = Refusal.KILL, without: AbstractSet[Boundary] = frozenset()
) -> Report:
    """Put on every layer of `role` that this machine has, but those in `without`; return which hold now.

    `parent` is the process that started this one: when it has gone before it could be watched, that is an error too.

    Raises:
        TrustError: a layer that is there could not be put on, or the parent is gone.

    """
    arch = machine()
    offered = survey()
    if arch is None:
        return offered
    kernel = Kernel(arch)
    limit.die_with_parent(kernel)
    if os.getppid() != parent:
        raise TrustError("the process that started this one is gone")
    for boundary, put_on in _layers(kernel, role, refusal).items():
        if boundary in without or not offered.holds(boundary):
            continue
        try:
            put_on()
        except (OSError, ValueError) as error:
            raise TrustError(f"{boundary.value} cannot be put on: {error}") from error
    return Report(
        standings=tuple(
            Standing(boundary=one.boundary, holds=False, note="left out") if one.boundary in without else one
            for one in offered.standings
        )
    )


def _layers(kernel: Kernel, role: Role, refusal: Refusal) -> dict[Boundary, Callable[[], None]]:
    """Return how each layer is put on, in order: Landlock needs a descriptor, so it is before the limits; the filter is last."""
    allowed = profile(role)
    program = seccomp.assemble(kernel.arch, allowed.rules, refusal)
    version = landlock.abi(kernel)
    return {
        Boundary.DUMPABLE: lambda: limit.forbid_dump(kernel),
        Boundary.NO_NEW_PRIVS: lambda: limit.forbid_privileges(kernel),
        Boundary.CAPABILITIES: lambda: limit.drop_capabilities(kernel),
        Boundary.LANDLOCK: lambda: landlock.restrict(kernel, version),
        Boundary.RLIMITS: lambda: limit.limit(allowed.limits),
        Boundary.SECCOMP: lambda: seccomp.install(kernel, program),
    }
