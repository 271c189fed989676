"""What passes between host and device, for the log: every APDU and answer at the level TRAFFIC, without secrets.

Lines look like ``=> e001000000`` and ``<= 33100004…9000``: a log can be played again with ``tally apdu replay``.
"""

from __future__ import annotations

import logging

#: below DEBUG: only who asks for it sees bytes
TRAFFIC = 5

_LOGGER = logging.getLogger("tallystick.traffic")
#: host onboarding carries PIN and words (wire-protocol C.5): its data is never logged
_SECRET_HEADERS = (b"\xe0\xd0",)


def describe(apdu: bytes) -> str:
    """Return an APDU in hexadecimal, its data hidden when the command carries a secret."""
    if apdu[:2] in _SECRET_HEADERS:
        return f"{apdu[:4].hex()} ({max(len(apdu) - 5, 0)} bytes hidden)"
    return apdu.hex()


def log_request(apdu: bytes) -> None:
    """Log what is sent."""
    if _LOGGER.isEnabledFor(TRAFFIC):
        _LOGGER.log(TRAFFIC, "=> %s", describe(apdu))


def log_answer(answer: bytes) -> None:
    """Log what came back, the status word last."""
    if _LOGGER.isEnabledFor(TRAFFIC):
        _LOGGER.log(TRAFFIC, "<= %s", answer.hex())
