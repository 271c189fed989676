"""The layers a sandbox is made of, and the account of which of them hold.

A device with a layer missing runs on, and says so: the account goes to the status, the panel and the self-test.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

__all__ = ["Boundary", "Report", "Standing"]


@unique
class Boundary(Enum):
    """One layer (secure-world 4.2-4.3)."""

    DUMPABLE = "dumpable"
    NO_NEW_PRIVS = "no_new_privs"
    CAPABILITIES = "capabilities"
    LANDLOCK = "landlock"
    RLIMITS = "rlimits"
    SECCOMP = "seccomp"
    #: that keys are never swapped out; a matter of the process that holds them
    MEMORY = "memory lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether one layer holds; `note` says why not, or how far."""

    boundary: Boundary
    holds: bool
    note: str = ""

    def __str__(self) -> str:
        state = self.note or ("holds" if self.holds else "missing")
        return f"{self.boundary.value}: {state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Every layer, in the order in which they are put on."""

    standings: tuple[Standing, ...]

    def holds(self, boundary: Boundary) -> bool:
        """Return whether `boundary` holds."""
        return any(one.holds for one in self.standings if one.boundary is boundary)

    @property
    def missing(self) -> tuple[str, ...]:
        """One line for each layer that does not hold, such as ``landlock: missing on this kernel``."""
        return tuple(str(one) for one in self.standings if not one.holds)

    def to_json(self) -> list[dict[str, object]]:
        """Return the account for machines: name, holds, note."""
        return [{"name": one.boundary.value, "holds": one.holds, "note": one.note} for one in self.standings]
