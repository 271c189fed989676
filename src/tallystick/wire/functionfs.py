"""FunctionFS: how a program gives Linux the descriptors of a USB gadget, and hears its events (Linux, usb/functionfs.h).

The kernel answers most standard requests itself; what is left comes as events on endpoint 0. Numbers are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final

from tallystick.errors import RemoteProtocolError
from tallystick.wire.usb import Descriptor, Setup

__all__ = ["EVENT_BYTES", "STRINGS", "Event", "EventKind", "descriptors", "endpoint_addresses", "events"]

_MAGIC_STRINGS, _MAGIC_DESCRIPTORS = 2, 3
_HAS_FULL_SPEED, _HAS_HIGH_SPEED = 1, 2
_CONFIGURATION_BYTES = 9
_INTERVAL_AT = 6
#: one millisecond at high speed: 2^(4-1) microframes of 125 µs
_HIGH_SPEED_INTERVAL = 4
EVENT_BYTES: Final = 12
#: interfaces without names
STRINGS: Final = struct.pack("<IIII", _MAGIC_STRINGS, 16, 0, 0)


@unique
class EventKind(IntEnum):
    """What happened on the bus."""

    BIND = 0
    UNBIND = 1
    ENABLE = 2
    DISABLE = 3
    SETUP = 4
    SUSPEND = 5
    RESUME = 6


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `setup` is that of SETUP, and means nothing otherwise."""

    kind: EventKind
    setup: Setup


def events(data: bytes) -> list[Event]:
    """Read what endpoint 0 gave; raise RemoteProtocolError when it is no whole number of events."""
    if len(data) % EVENT_BYTES:
        raise RemoteProtocolError(f"{len(data)} bytes are no whole number of events")
    found = []
    for at in range(0, len(data), EVENT_BYTES):
        try:
            kind = EventKind(data[at + 8])
        except ValueError as error:
            raise RemoteProtocolError(f"there is no event {data[at + 8]}") from error
        found.append(Event(kind, Setup.from_bytes(data[at : at + 8])))
    return found


def descriptors(configuration: bytes) -> bytes:
    """Return what is written to endpoint 0 first, made of a configuration descriptor with all that belongs to it.

    Raises RemoteProtocolError when the lengths of the descriptors do not fit together.
    """
    full = _split(configuration)
    high = [_at_high_speed(one) for one in full]
    body = struct.pack("<II", len(full), len(high)) + b"".join(full + high)
    return struct.pack("<III", _MAGIC_DESCRIPTORS, 12 + len(body), _HAS_FULL_SPEED | _HAS_HIGH_SPEED) + body


def endpoint_addresses(configuration: bytes) -> list[int]:
    """Return the addresses of the endpoints in a configuration descriptor, in order; raises as `descriptors` does."""
    return [one[2] for one in _split(configuration) if one[1] == Descriptor.ENDPOINT and len(one) > 2]


def _split(configuration: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = _CONFIGURATION_BYTES
    while at < len(configuration):
        size = configuration[at]
        if size < 2 or at + size > len(configuration):
            raise RemoteProtocolError("the configuration descriptor does not fit together")
        found.append(configuration[at : at + size])
        at += size
    return found


def _at_high_speed(descriptor: bytes) -> bytes:
    if descriptor[1] != Descriptor.ENDPOINT or len(descriptor) <= _INTERVAL_AT:
        return descriptor
    return descriptor[:_INTERVAL_AT] + bytes((_HIGH_SPEED_INTERVAL,)) + descriptor[_INTERVAL_AT + 1 :]
