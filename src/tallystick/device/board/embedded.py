"""The embedded board: the whole device in one process, for tests, fuzzing, and thousands of devices at once.

Worlds are objects here, not processes: nothing isolates them, and the status says so. The parts are the same as on any
other board; only this file puts them together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallystick.device.board.core import DeviceCore
from tallystick.device.hil import AppHost, Clock, Flash, Rng
from tallystick.device.normal.relay import Relay
from tallystick.device.secure.vault import COST, Cost, PinPolicy
from tallystick.wire.panel import Frame


class EmbeddedBoard(DeviceCore):
    """A device whose Normal World is the object `relay`, which takes the clients."""

    def __init__(
        self,
        *,
        model: str,
        flash: Flash,
        rng: Rng,
        clock: Clock,
        apps: AppHost,
        on_frame: Callable[[Frame], None] = lambda _frame: None,
        on_status: Callable[[dict[str, Any]], None] = lambda _status: None,
        expert: bool = False,
        cost: Cost = COST,
        pin_policy: PinPolicy = PinPolicy.LEDGER,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.relay = Relay(self.receive)
        super().__init__(
            model=model,
            flash=flash,
            rng=rng,
            clock=clock,
            apps=apps,
            link=self.relay,
            on_unplug=self.relay.unplug,
            on_frame=on_frame,
            on_status=on_status,
            expert=expert,
            cost=cost,
            pin_policy=pin_policy,
            facts={
                "board": "embedded",
                "worlds": "not isolated",
                "boundaries": ["worlds: all in one process"],
                "key_provider": "simulated",
                **(facts or {}),
            },
        )
