"""PINs: asked for, checked, chosen. Digits never become part of a text, a log or an exception."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tallystick.crypto.secret import Secret
from tallystick.device.os.display.stack import Display, Level
from tallystick.device.os.session import Session
from tallystick.device.os.task import Promise
from tallystick.device.secure.vault import OpenVault, TooEarly, WrongPin
from tallystick.wire.screen import Entered, Notice, PinEntry, Progress, Tone

MINIMUM = 4
MAXIMUM = 8
_MINUTE_S = 60


class PinAbandoned(Exception):
    """The person did not want to wait for the next try; nothing was tried."""


def is_pin(digits: bytes) -> bool:
    """Return whether `digits` can be a PIN: 4 to 8 ASCII digits."""
    return MINIMUM <= len(digits) <= MAXIMUM and digits.isdigit()


async def ask_pin(display: Display, title: str, *, owner: object = None, level: Level = Level.QUESTION) -> Secret:
    """Ask for a PIN under `title`."""
    while True:
        scene = PinEntry(title=title, minimum=MINIMUM, maximum=MAXIMUM)
        answer = await display.ask(scene, owner=owner, level=level)
        if isinstance(answer, Entered) and is_pin(answer.text.encode()):
            return Secret(answer.text.encode())


async def choose_pin(display: Display, *, owner: object = None) -> Secret:
    """Let the person choose a PIN and enter it twice."""
    while True:
        first = await ask_pin(display, "Choose PIN", owner=owner)
        try:
            second = await ask_pin(display, "Confirm PIN", owner=owner)
            if first == second:
                return second
        finally:
            first.wipe()
        second.wipe()
        notice = Notice(lines=("PINs do not", "match"), button="Try again", tone=Tone.WARNING)
        await display.ask(notice, owner=owner)


async def check_pin(
    session: Session, title: str = "Enter PIN", *, owner: object = None, level: Level = Level.QUESTION
) -> OpenVault | None:
    """Ask for the PIN until it opens the vault; return the open vault, or None when no try is left.

    The caller closes the vault, or resets the device; if the power is cut before it does, the next start does it. Raises
    PinAbandoned when the person does not want to wait, which the lock does not offer.
    """
    display = session.display
    while True:
        await _wait(session, owner=owner, level=level)
        pin = await ask_pin(display, title, owner=owner, level=level)
        try:
            return session.vault.open(pin)
        except WrongPin as wrong:
            if wrong.left == 0:
                return None
            tries = "1 try left" if wrong.left == 1 else f"{wrong.left} tries left"
            notice = Notice(lines=("Wrong PIN", tries), button="Try again", tone=Tone.WARNING)
            await display.ask(notice, owner=owner, level=level)
        except TooEarly:
            continue
        finally:
            pin.wipe()


async def _wait(session: Session, *, owner: object, level: Level) -> None:
    """Show how long it takes until a PIN may be tried, until it may (secure-world 6); no PIN is held meanwhile."""
    display, scheduler = session.display, session.scheduler
    del owner  # each picture is an owner of its own, so that one is taken off when the next comes
    while (left_s := session.vault.wait_s) > 0:
        picture = object()
        if level is Level.LOCK:
            display.ask(Progress(text=f"Wait {_duration(left_s)}"), owner=picture, level=level)
            promise: Promise[Any] = scheduler.promise()
        else:
            notice = Notice(lines=("Wait before the", f"next PIN: {_duration(left_s)}"), button="Cancel")
            promise = display.ask(notice, owner=picture, level=level)
        step_s = 1.0 if left_s <= _MINUTE_S else float(_MINUTE_S)
        next_s = scheduler.clock.now_s() + (left_s % step_s or step_s)
        timer = scheduler.call_at(next_s, _keep(promise))
        try:
            if await promise is not None:
                raise PinAbandoned
        finally:
            timer.cancel()
            display.withdraw(picture)


def _keep(promise: Promise[Any]) -> Callable[[], None]:
    return lambda: promise.resolve(None)


def _duration(seconds: float) -> str:
    """Return a time as people read it, rounded up."""
    if seconds <= _MINUTE_S:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / _MINUTE_S)
    return f"{minutes} min" if minutes < _MINUTE_S else f"{minutes // _MINUTE_S} h {minutes % _MINUTE_S:02} min"
