"""What is typed on a device, apart from how it looks: the keys possible now, and what taking one does.

Both families show the same keys: one a page on two buttons, all at once on a touch screen. What was typed is kept out
of every `repr`; a view shows a PIN as dots only.
"""

from __future__ import annotations

from typing import Protocol

from tallystick.wire.screen import Answer, DiceEntry, Entered, PinEntry, WordEntry

BACKSPACE = "backspace"
CONFIRM = "confirm"
DIGITS = tuple("0123456789")
FACES = tuple("123456")
#: whole words are offered once no more than this many are left
MAX_OFFERED = 6

_DOT = "\N{BULLET}"


class Keys(Protocol):
    """A text being typed."""

    def shown(self) -> str:
        """Return what the screen shows of the text so far."""
        ...

    def possible(self) -> tuple[str, ...]:
        """Return the keys that may be taken now, in the order in which they are offered."""
        ...

    def take(self, key: str) -> Answer | None:
        """Take a key; one that is not possible now changes nothing. Return the answer once the text is whole."""
        ...


class PinKeys:
    """Digits of a PIN: dots on the screen, `confirm` once there are enough of them."""

    def __init__(self, scene: PinEntry) -> None:
        self._minimum, self._maximum = scene.minimum, scene.maximum
        self._digits = ""

    def shown(self) -> str:
        """Return a dot for each digit and a line for each that may still come."""
        return _DOT * len(self._digits) + "_" * (self._maximum - len(self._digits))

    def possible(self) -> tuple[str, ...]:
        """Return the digits while there is room, then `confirm` and `backspace` when they mean something."""
        count = len(self._digits)
        digits = DIGITS if count < self._maximum else ()
        confirm = (CONFIRM,) if count >= self._minimum else ()
        return (*digits, *confirm, BACKSPACE) if count else (*digits, *confirm)

    def take(self, key: str) -> Answer | None:
        """Take a digit, `backspace` or `confirm`."""
        if key not in self.possible():
            return None
        if key == CONFIRM:
            return Entered(self._digits)
        self._digits = self._digits[:-1] if key == BACKSPACE else self._digits + key
        return None


class DiceKeys:
    """Throws of a die: counted on the screen, `confirm` once there are enough of them."""

    def __init__(self, scene: DiceEntry) -> None:
        self._minimum, self._maximum = scene.minimum, scene.maximum
        self._throws = ""

    def shown(self) -> str:
        """Return how many throws there are, and of how many."""
        count = len(self._throws)
        return f"{count} of {self._minimum if count <= self._minimum else self._maximum}"

    def possible(self) -> tuple[str, ...]:
        """Return the faces while there is room, then `confirm` and `backspace` when they mean something."""
        count = len(self._throws)
        faces = FACES if count < self._maximum else ()
        confirm = (CONFIRM,) if count >= self._minimum else ()
        return (*faces, *confirm, *((BACKSPACE,) if count else ()))

    def take(self, key: str) -> Answer | None:
        """Take a face, `backspace` or `confirm`."""
        if key not in self.possible():
            return None
        if key == CONFIRM:
            return Entered(self._throws)
        self._throws = self._throws[:-1] if key == BACKSPACE else self._throws + key
        return None


class WordKeys:
    """One word out of a list, of two letters or more, found by its first letters."""

    def __init__(self, scene: WordEntry) -> None:
        self._candidates = scene.candidates
        self._prefix = ""
        self._narrow()

    def _narrow(self) -> None:
        at = len(self._prefix)
        matches = [word for word in self._candidates if word.startswith(self._prefix)]
        few = len(matches) <= MAX_OFFERED
        self._words = tuple(matches) if few else tuple(word for word in matches if len(word) == at)
        self._letters = () if few else tuple(sorted({word[at] for word in matches if len(word) > at}))

    @property
    def words(self) -> tuple[str, ...]:
        """Return the whole words offered now."""
        return self._words

    @property
    def letters(self) -> tuple[str, ...]:
        """Return the letters that lead on to a word, sorted."""
        return self._letters

    def shown(self) -> str:
        """Return the letters so far."""
        return self._prefix

    def possible(self) -> tuple[str, ...]:
        """Return words, then letters, then `backspace`."""
        return (*self._words, *self._letters, *((BACKSPACE,) if self._prefix else ()))

    def take(self, key: str) -> Answer | None:
        """Take a word, a letter or `backspace`."""
        if key in self._words:
            return Entered(key)
        if key in self._letters:
            self._prefix += key
        elif key == BACKSPACE:
            self._prefix = self._prefix[:-1]
        self._narrow()
        return None
