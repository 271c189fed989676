"""The boot chain as a list of stages, and the one terminal state.

Every check is one stage with its verdict; a chain that failed says at which stage, and nothing of what it read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Any

from tallystick.errors import RemoteProtocolError, TallyError, TrustError


@unique
class Verdict(Enum):
    """How a stage ended."""

    PASSED = "passed"
    FAILED = "failed"
    #: an open chip went on although this did not hold
    SKIPPED = "skipped"


@unique
class BootState(Enum):
    """What the ROM found the chip to be (secure-world 2.1)."""

    #: closed, and everything that runs is signed
    VERIFIED = "verified"
    #: a development chip: keys of the provider are test keys
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One check: its name, the slot, the id of the key and the SHA-256 that decided (hex, or empty), milliseconds."""

    name: str
    verdict: Verdict
    slot: str = ""
    key_id: str = ""
    digest: str = ""
    reason: str = ""
    duration_ms: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Return the stage as members for programs."""
        return {
            "stage": self.name,
            "slot": self.slot,
            "key_id": self.key_id,
            "hash": self.digest,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "ms": round(self.duration_ms, 3),
        }


class BootFailure(TrustError):
    """Nothing runs: the one terminal state. `stages` tells how far it came."""

    def __init__(self, stages: tuple[Stage, ...], *, reason: str = "") -> None:
        super().__init__("Boot failure", remedy="see: tally device boot DIR --explain; then install signed images")
        self.stages = stages
        self.reason = reason


@dataclass(slots=True)
class Finding:
    """What a stage found out while it ran; becomes the Stage."""

    key_id: bytes = b""
    digest: bytes = b""
    verdict: Verdict = Verdict.PASSED
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Chain:
    """Records the stages of one boot; `now_s` is a monotonic clock in seconds."""

    now_s: Callable[[], float]
    slot: str = ""
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[Finding]:
        """Run one check; what it raises as TrustError or RemoteProtocolError becomes BootFailure, after it was recorded."""
        finding = Finding()
        start_s = self.now_s()
        try:
            yield finding
        except (TrustError, RemoteProtocolError) as error:
            finding.verdict, finding.reason = Verdict.FAILED, error.message
        self.stages.append(
            Stage(
                name=name,
                slot=self.slot,
                verdict=finding.verdict,
                key_id=finding.key_id[::-1].hex().upper(),
                digest=finding.digest.hex(),
                reason=finding.reason,
                duration_ms=(self.now_s() - start_s) * 1000,
            )
        )
        if finding.verdict is Verdict.FAILED:
            raise BootFailure(tuple(self.stages), reason=finding.reason)

    def failure(self, error: Exception) -> str:
        """Return in one line why the slot does not start: the stage that failed, else what `error` says of itself."""
        last = self.stages[-1] if self.stages else None
        if last is not None and last.verdict is Verdict.FAILED:
            return f"slot {self.slot}, {last.name}: {last.reason}"
        return f"slot {self.slot}: {error.message if isinstance(error, TallyError) else type(error).__name__}"

    def to_json(self) -> list[dict[str, Any]]:
        """Return all stages for programs."""
        return [stage.to_json() for stage in self.stages]
