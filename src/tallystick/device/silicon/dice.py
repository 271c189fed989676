"""Throws of a die that a person made, mixed into randomness and never in its place (secure-world 5.1).

Whoever foresees the throws, and be it because the die is loaded, knows no more than before; whoever foresees the device's
own randomness still has the throws to guess.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tallystick.device.hil import Rng
from tallystick.errors import UsageError

#: throws of a fair die that hold 128 bits, which no guessing reaches
MINIMUM_THROWS = 50
#: throws that hold 256 bits: more would be work for nothing
MAXIMUM_THROWS = 100
_FACES = range(1, 7)
_SEED_BYTES = 64


class DiceRng:
    """`rng` with these throws (1 to 6) in every read; raises UsageError for throws that `check_throws` refuses."""

    def __init__(self, rng: Rng, throws: Sequence[int]) -> None:
        self._rng = rng
        self._throws = check_throws(throws)

    def read(self, size_bytes: int) -> bytes:
        """Return at most 16,320 bytes: HKDF-SHA-512 over 64 bytes of the source, and the throws."""
        material = self._rng.read(_SEED_BYTES) + self._throws
        return HKDF(algorithm=SHA512(), length=size_bytes, salt=None, info=b"tallystick dice").derive(material)


def check_throws(throws: Sequence[int]) -> bytes:
    """Return the throws as bytes.

    Raises UsageError for numbers that no die shows, for fewer than 50 or more than 100 throws, and where one face is more
    than half of them: with a fair die that does not happen in a billion attempts.
    """
    if any(throw not in _FACES for throw in throws):
        raise UsageError("a die shows 1 to 6")
    if not MINIMUM_THROWS <= len(throws) <= MAXIMUM_THROWS:
        raise UsageError(f"{MINIMUM_THROWS} to {MAXIMUM_THROWS} throws of a die are wanted")
    if max(throws.count(face) for face in _FACES) * 2 > len(throws):
        raise UsageError("these throws are not random")
    return bytes(throws)
