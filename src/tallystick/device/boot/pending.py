"""What a release on its way is to the rest of the device, and why one may be refused; the work is in `staging`."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import TrustError


class NotNewer(TrustError):
    """The release is genuine, and older than the one that runs, or the very same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The release that runs: its slot, its versions of OS and Normal World, SHA-256 (hex) of its Normal World."""

    slot: str
    version: str
    mcu_version: str
    normal_world: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A release on its way. `mcu_version` is the version of its Normal World once that is there, else empty.

    `manager` is the static key (65 bytes) of the manager it came from.
    """

    version: str
    manager: bytes
    mcu_version: str = ""

    @property
    def has_normal_world(self) -> bool:
        """Whether only the Secure World is missing."""
        return bool(self.mcu_version)
