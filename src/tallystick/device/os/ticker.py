"""Who makes time pass for native apps: the clock, or somebody who steps through it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Ticker"]


@dataclass(slots=True)
class Ticker:
    """While it is paused, apps get ticks by steps alone; `asked` and `done` count steps and pauses, done when the app waits again."""

    is_paused: bool = False
    asked: int = 0
    done: int = 0
