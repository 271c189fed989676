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
from tallystick.device.sandbox.landlock import NOTHING, Grant
from tallystick.device.sandbox.role import Role, profile
from tallystick.device.sandbox.seccomp import Refusal
from tallystick.errors import TrustError

__all__ = ["Lock", "confine", "survey"]

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
    if not limit.can_lock_memory(kernel):
        absent.add(Boundary.MEMORY)
        notes[Boundary.MEMORY] = "missing, this user may lock too little"
    return Report(
        standings=tuple(Standing(boundary=one, holds=one not in absent, note=notes.get(one, "")) for one in Boundary)
    )


def confine(
    role: Role, *, parent: int, refusal: Refusal = Refusal.KILL, without: AbstractSet[Boundary] = frozenset()
) -> Report:
    """Lock this process in as `role` at once: make the lock, and put it on; see `Lock`. Raises TrustError."""
    return Lock(role, refusal=refusal, without=without).put_on(parent=parent)


class Lock:
    """Every layer of `role` that this machine has, but those in `without`, made ready so that putting it on takes no time."""

    def __init__(
        self,
        role: Role,
        *,
        refusal: Refusal = Refusal.KILL,
        without: AbstractSet[Boundary] = frozenset(),
        grant: Grant = NOTHING,
    ) -> None:
        self._without = without
        self._offered = survey()
        arch = machine()
        self._kernel = None if arch is None else Kernel(arch)
        self._layers = {} if self._kernel is None else _layers(self._kernel, role, refusal, grant)

    def put_on(self, *, parent: int) -> Report:
        """Lock this process in, for good, and return which layers hold now.

        `parent` is the process that started this one: when it has gone before it could be watched, that is an error too.

        Raises:
            TrustError: a layer that is there could not be put on, or the parent is gone.

        """
        if self._kernel is not None:
            limit.die_with_parent(self._kernel)
        if os.getppid() != parent:
            raise TrustError("the process that started this one is gone")
        for boundary, put_on in self._layers.items():
            if boundary in self._without or not self._offered.holds(boundary):
                continue
            try:
                put_on()
            except (OSError, ValueError) as error:
                raise TrustError(f"{boundary.value} cannot be put on: {error}") from error
        return Report(
            standings=tuple(
                Standing(boundary=one.boundary, holds=False, note="left out") if one.boundary in self._without else one
                for one in self._offered.standings
            )
        )


def _layers(kernel: Kernel, role: Role, refusal: Refusal, grant: Grant) -> dict[Boundary, Callable[[], None]]:
    """Return how each layer is put on, in order: Landlock needs a descriptor, so it is before the limits; the filter is last."""
    allowed = profile(role)
    program = seccomp.assemble(kernel.arch, allowed.rules, refusal, is_permissive=allowed.is_permissive)
    version = landlock.abi(kernel)
    return {
        Boundary.DUMPABLE: lambda: limit.forbid_dump(kernel),
        Boundary.NO_NEW_PRIVS: lambda: limit.forbid_privileges(kernel),
        Boundary.CAPABILITIES: lambda: limit.drop_capabilities(kernel),
        Boundary.LANDLOCK: lambda: landlock.restrict(kernel, version, grant),
        Boundary.RLIMITS: lambda: limit.limit(allowed.limits),
        Boundary.SECCOMP: lambda: seccomp.install(kernel, program),
    }
