"""Faults of the device's own storage and hardware, told to the person: what they did was not stored, and all else is as it was."""

from __future__ import annotations

from tallystick.device.os.display.stack import Display, Level
from tallystick.device.secure.vault import RolledBack
from tallystick.errors import StateError
from tallystick.wire.screen import Notice, Tone


async def tell_fault(display: Display, *, owner: object = None, level: Level = Level.QUESTION) -> None:
    """Say that nothing could be stored, and wait until it was read."""
    notice = Notice(lines=("Storage fault:", "nothing changed"), button="Continue", tone=Tone.FAILURE)
    await display.ask(notice, owner=owner, level=level)


async def tell_noise(display: Display) -> None:
    """Say that a source of noise has failed, so that no phrase was made, and wait until it was read."""
    notice = Notice(lines=("Noise fault:", "no key was made"), button="Continue", tone=Tone.FAILURE)
    await display.ask(notice)


async def tell_refusal(display: Display, error: StateError, *, level: Level = Level.QUESTION) -> None:
    """Say that the vault is not opened here, whatever the PIN, and wait until it was read; the log says more of why."""
    lines = ("State rolled", "back: refused") if isinstance(error, RolledBack) else ("The vault is", "refused")
    notice = Notice(lines=lines, button="Continue", tone=Tone.FAILURE)
    await display.ask(notice, level=level)
