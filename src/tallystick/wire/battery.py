"""The answers to ``E0 10``, one number each (wire-protocol C)."""

from __future__ import annotations

from enum import IntEnum, IntFlag, unique
from typing import Final

from tallystick.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["BatteryFlag", "BatteryQuery", "decode_battery", "encode_battery"]


@unique
class BatteryQuery(IntEnum):
    """P2 of the battery command, and so what its answer is."""

    PERCENT = 0
    MILLIVOLTS = 1
    CELSIUS = 2
    MILLIAMPERES = 3
    FLAGS = 4


class BatteryFlag(IntFlag):
    """The answer to BatteryQuery.FLAGS."""

    CHARGING = 0x01
    USB = 0x02
    BLE = 0x04
    POWERED_BY_USB = 0x08
    CHARGING_ISSUE = 0x10
    TEMPERATURE_ISSUE = 0x20
    BATTERY_ISSUE = 0x80


#: size in bytes, and whether the number may be negative
_BATTERY: Final = {
    BatteryQuery.PERCENT: (1, False),
    BatteryQuery.MILLIVOLTS: (2, False),
    BatteryQuery.CELSIUS: (1, True),
    BatteryQuery.MILLIAMPERES: (1, True),
    BatteryQuery.FLAGS: (4, False),
}


def encode_battery(query: BatteryQuery, value: int) -> bytes:
    """Return the answer to a battery question; raise LocalProtocolError when the number does not fit."""
    size_bytes, signed = _BATTERY[query]
    try:
        return value.to_bytes(size_bytes, "big", signed=signed)
    except OverflowError:
        raise LocalProtocolError(f"{value} does not fit the answer to {query.name}") from None


def decode_battery(query: BatteryQuery, raw: bytes) -> int:
    """Read the answer to a battery question (a percentage above 100 means: unknown). Raises RemoteProtocolError."""
    size_bytes, signed = _BATTERY[query]
    if len(raw) != size_bytes:
        raise RemoteProtocolError(f"the answer to {query.name} has {size_bytes} bytes, not {len(raw)}")
    return int.from_bytes(raw, "big", signed=signed)
