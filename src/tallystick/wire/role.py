"""The two ends of a wire: every symmetric protocol core is one class that is told which end it plays."""

from __future__ import annotations

from enum import Enum, unique

__all__ = ["Role"]


@unique
class Role(Enum):
    """Which end of the wire a protocol core plays."""

    DEVICE = "device"
    HOST = "host"
