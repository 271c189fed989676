"""PINs: asked for, checked, chosen. Digits never become part of a text, a log or an exception."""

from __future__ import annotations

from tallystick.crypto.secret import Secret
from tallystick.device.os.display.stack import Display, Level
from tallystick.device.os.session import Session
from tallystick.device.secure.vault import WrongPin
from tallystick.wire.screen import Entered, Notice, PinEntry, Tone

MINIMUM = 4
MAXIMUM = 8


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
) -> Secret | None:
    """Ask for the PIN until it opens the vault; return the recovery phrase, or None when no try is left.

    The caller resets the device then; if the power is cut before it does, the next start does it.
    """
    display = session.display
    while True:
        pin = await ask_pin(display, title, owner=owner, level=level)
        try:
            phrase = session.vault.open(pin)
        except WrongPin as wrong:
            if wrong.left == 0:
                return None
            tries = "1 try left" if wrong.left == 1 else f"{wrong.left} tries left"
            notice = Notice(lines=("Wrong PIN", tries), button="Try again", tone=Tone.WARNING)
            await display.ask(notice, owner=owner, level=level)
        else:
            return phrase
        finally:
            pin.wipe()
