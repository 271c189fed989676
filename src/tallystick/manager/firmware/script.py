"""The seam between stored releases and what a device is sent (wire-protocol E, G.1).

A release is stored as the files it is made of. A `ScriptSource` turns them into commands: for the first and the last step of an
update, contents of the secure channel (sub-command byte first); for the Normal World the bodies of plain ``E0 00`` commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Protocol

from tallystick.manager.hsm.signer import Signer


@unique
class ScriptKind(StrEnum):
    """Which step of an update; `WHOLE` is the first one that brings the last along."""

    OSU = "osu"
    WHOLE = "whole"
    MCU = "mcu"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRelease:
    """A published release: the device's target id (32 bits), versions of OS and Normal World, files by their names.

    `runs` is the version of the OS that the device runs by its own word, for which a script is signed; empty before a bootloader.
    """

    target_id: int
    version: str
    mcu_version: str
    files: Mapping[str, bytes] = field(repr=False)
    runs: str = ""


class ScriptSource(Protocol):
    """Turns a release into what a device is sent."""

    def commands(self, kind: ScriptKind, release: StoredRelease, *, software: Signer) -> Sequence[bytes]:
        """Return the contents of the commands of one step, at least one; raise FlowError when the release lacks a file.

        `software` signs what the device's loader checks (wire-protocol E.6).
        """
