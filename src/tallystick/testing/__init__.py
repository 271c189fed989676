"""What a test needs: a device in the process, a person to press its buttons, and transports that record and fail.

Importing this package loads nothing else: the names below are fetched when they are first used, so that the pytest
plugin costs a suite that has no device nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tallystick.testing.automatic import approve_all
    from tallystick.testing.client import DeviceClient, Pending, PersonNeeded
    from tallystick.testing.device import TEST_SEED, VirtualDevice
    from tallystick.testing.endorsement import endorse
    from tallystick.testing.fault import Fault, FaultTransport
    from tallystick.testing.flash import FaultyFlash, PowerCut
    from tallystick.testing.log import ApduLog, Exchange
    from tallystick.testing.reading import Page, Reading
    from tallystick.testing.record import RecordTransport, ReplayTransport
    from tallystick.testing.transport import TraceTransport
    from tallystick.testing.user import User

_HOMES = {
    "ApduLog": "log",
    "DeviceClient": "client",
    "Exchange": "log",
    "Fault": "fault",
    "FaultTransport": "fault",
    "FaultyFlash": "flash",
    "Page": "reading",
    "Pending": "client",
    "PersonNeeded": "client",
    "PowerCut": "flash",
    "Reading": "reading",
    "RecordTransport": "record",
    "ReplayTransport": "record",
    "TEST_SEED": "device",
    "TraceTransport": "transport",
    "User": "user",
    "VirtualDevice": "device",
    "approve_all": "automatic",
    "endorse": "endorsement",
}

__all__ = [
    "TEST_SEED",
    "ApduLog",
    "DeviceClient",
    "Exchange",
    "Fault",
    "FaultTransport",
    "FaultyFlash",
    "Page",
    "Pending",
    "PersonNeeded",
    "PowerCut",
    "Reading",
    "RecordTransport",
    "ReplayTransport",
    "TraceTransport",
    "User",
    "VirtualDevice",
    "approve_all",
    "endorse",
]


def __getattr__(name: str) -> object:
    """Fetch a public name from the module it lives in."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
