"""A simulated battery: a cell on a charger, whose state of charge a test may set."""

from __future__ import annotations

from tallystick.errors import LocalProtocolError
from tallystick.wire.dashboard import BatteryFlag, BatteryQuery

#: models that have one
MODELS_WITH_BATTERY = frozenset({"nanox", "stax", "flex", "apex_p"})
_EMPTY_MV, _FULL_MV = 3300, 4200
_FULL_PERCENT = 100


class SimulatedBattery:
    """A lithium cell: voltage follows charge; it is charged while the cable is in and it is not full."""

    def __init__(self, *, percent: int = 100, celsius: int = 25, plugged: bool = True) -> None:
        self.percent = percent
        self.celsius = celsius
        self.plugged = plugged

    def read(self, query: BatteryQuery) -> int:
        """Return one reading."""
        if not 0 <= self.percent <= _FULL_PERCENT:
            raise LocalProtocolError("a state of charge is 0 to 100 percent")
        charging = self.plugged and self.percent < _FULL_PERCENT
        match query:
            case BatteryQuery.PERCENT:
                return self.percent
            case BatteryQuery.MILLIVOLTS:
                return _EMPTY_MV + (_FULL_MV - _EMPTY_MV) * self.percent // _FULL_PERCENT
            case BatteryQuery.CELSIUS:
                return self.celsius
            case BatteryQuery.MILLIAMPERES:
                return 90 if charging else (0 if self.plugged else -20)
            case BatteryQuery.FLAGS:
                flags = BatteryFlag.USB | BatteryFlag.POWERED_BY_USB if self.plugged else BatteryFlag(0)
                return int(flags | (BatteryFlag.CHARGING if charging else BatteryFlag(0)))
