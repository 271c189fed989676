"""PINs: asked for, checked, chosen. Digits never become part of a text, a log or an exception."""

from __future__ import annotations

from tallystick.crypto.secret import Secret
from tallystick.device.os.display.stack import Display
from tallystick.device.os.session import Session
from tallystick.device.secure.vault import WrongPin
from tallystick.wire.screen import Entered, Notice, PinEntry, Tone

MINIMUM = 4
MAXIMUM = 8


def is_pin(digits: bytes) -> bool:
    """Return whether `digits` can be a PIN: 4 to 8 ASCII digits."""
    return MINIMUM <= len(digits) <= MAXIMUM and digits.isdigit()


async def ask_pin(display: Display, title: str) -> Secret:
    """Ask for a PIN under `title`."""
    while True:
        answer = await display.ask(PinEntry(title=title, minimum=MINIMUM, maximum=MAXIMUM))
        if isinstance(answer, Entered) and is_pin(answer.text.encode()):
            return Secret(answer.text.encode())


async def choose_pin(display: Display) -> Secret:
    """Let the person choose a PIN and enter it twice."""
    while True:
        first = await ask_pin(display, "Choose PIN")
        second = await ask_pin(display, "Confirm PIN")
        if first == second:
            return second
        await display.ask(Notice(lines=("PINs do not", "match"), button="Try again", tone=Tone.WARNING))


async def check_pin(session: Session, title: str = "Enter PIN") -> Secret | None:
    """Ask for the PIN until it opens the vault; return the recovery phrase, or None when the last try was wrong.

    After the third wrong PIN the vault is wiped, and with it everything its owner put in.
    """
    while True:
        pin = await ask_pin(session.display, title)
        try:
            phrase = session.vault.open(pin)
        except WrongPin as wrong:
            if wrong.left == 0:
                session.storage.erase()
                session.identity.forget_name()
                await session.display.ask(
                    Notice(lines=("Three wrong PINs:", "device was reset"), button="Continue", tone=Tone.FAILURE)
                )
                return None
            tries = "1 try left" if wrong.left == 1 else f"{wrong.left} tries left"
            await session.display.ask(Notice(lines=("Wrong PIN", tries), button="Try again", tone=Tone.WARNING))
        else:
            return phrase
        finally:
            pin.wipe()
