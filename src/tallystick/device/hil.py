"""Hardware interfaces: what the device needs from the outside, as Protocols. Everything here is injected.

Implementations: `device/silicon` (flash, clocks, entropy), the boards (links), the panel, and the app hosts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tallystick.wire.bundle import Bundle
from tallystick.wire.dashboard import BatteryQuery
from tallystick.wire.panel import Frame
from tallystick.wire.syscall import DeviceInfo, Outcome, Request
from tallystick.wire.world import ToNormal


class Flash(Protocol):
    """Named records that survive power loss. A write is whole or did not happen."""

    def read(self, name: str) -> bytes | None:
        """Return the record, or None."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Replace the record at once; on return it is durable."""
        ...

    def remove(self, name: str) -> None:
        """Remove the record, if it is there, durably."""
        ...

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        ...


class Rng(Protocol):
    """A source of random bytes fit for keys."""

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` bytes."""
        ...


class Clock(Protocol):
    """Time that never goes back."""

    def now_s(self) -> float:
        """Return monotonic seconds since some start."""
        ...


class Panel(Protocol):
    """The outer end of screen and buttons."""

    def show(self, frame: Frame) -> None:
        """Show `frame` now."""
        ...

    def tell(self, status: dict[str, Any]) -> None:
        """Take facts about the device for people: model, serial, name, state."""
        ...


class Battery(Protocol):
    """The battery of the models that have one."""

    def read(self, query: BatteryQuery) -> int:
        """Return one reading, in the unit of the query (wire-protocol C)."""
        ...


class NormalLink(Protocol):
    """The way to the Normal World."""

    def send(self, message: ToNormal) -> None:
        """Hand over one message."""
        ...


class RunningApp(Protocol):
    """One launched app."""

    def answer(self, outcome: Outcome | None) -> None:
        """Answer the request in hand."""
        ...

    def kill(self) -> None:
        """End it now; its end is not told any more."""
        ...


class AppHost(Protocol):
    """Where apps run: in a process of their own, or inline on the embedded board."""

    def launch(
        self,
        bundle: Bundle,
        info: DeviceInfo,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> RunningApp:
        """Start an app; `on_request` hears each request, `on_end` its end (reason, empty when it exited by itself)."""
        ...
