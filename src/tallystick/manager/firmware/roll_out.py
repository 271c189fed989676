"""Who is offered a firmware that is not for everybody yet (wire-protocol H.1; the vendor's formula is not public, this is ours).

A client sends a salt that stays the same for one user. Salt and firmware give a number from 0 up to 1::

    share = first 8 bytes of SHA-256(salt ‖ "|" ‖ firmware id in decimal), big-endian, / 2^64

A firmware with `distribution_ratio` r is offered to those whose share is below r, so raising r only adds users, and another
firmware meets other users first. A client that sends no salt, or "0", is nobody in particular: it is treated as the salt "0",
unless the firmware is `exclude_by_default`: then it is not offered one. Without a ratio everybody is offered the firmware, or
nobody when it is excluded by default.
"""

from __future__ import annotations

import hashlib
from typing import Final

_NOBODY: Final = frozenset({"", "0"})


def share_of(salt: str, firmware_id: int) -> float:
    """Return the number of a user for a firmware, from 0 up to 1."""
    digest = hashlib.sha256(f"{salt or '0'}|{firmware_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / (1 << 64)


def is_offered(*, salt: str, firmware_id: int, ratio: float | None, exclude_by_default: bool) -> bool:
    """Say whether the user with this salt is offered a firmware."""
    if exclude_by_default and (ratio is None or salt in _NOBODY):
        return False
    return ratio is None or share_of(salt, firmware_id) < ratio
