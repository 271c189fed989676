"""Exit codes and stable words for everything that can go wrong (the documentation's page "Command line").

0 done · 1 unexpected · 2 usage · 3 no device · 4 busy or no permission · 5 ambiguous device · 6 locked or wrong state · 7 refused
by user · 8 refused by device · 9 not trusted · 10 network · 11 timeout · 130 interrupted.
"""

from __future__ import annotations

from enum import IntEnum, unique

from tallystick.errors import AmbiguousDevice, StatusError, TallyError
from tallystick.host.chain.fault import Unconfirmed
from tallystick.wire.status import explain


@unique
class ExitCode(IntEnum):
    """What the process tells whoever started it."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    NO_DEVICE = 3
    BUSY = 4
    AMBIGUOUS = 5
    WRONG_STATE = 6
    REFUSED_BY_USER = 7
    REFUSED_BY_DEVICE = 8
    NOT_TRUSTED = 9
    NETWORK = 10
    TIMEOUT = 11
    INTERRUPTED = 130


#: by the errors' stable words; a word that is not here is unexpected
_BY_WORD = {
    "usage": ExitCode.USAGE,
    "no_device": ExitCode.NO_DEVICE,
    "device_busy": ExitCode.BUSY,
    "no_permission": ExitCode.BUSY,
    "state_busy": ExitCode.BUSY,
    "ambiguous_device": ExitCode.AMBIGUOUS,
    "device_locked": ExitCode.WRONG_STATE,
    "wrong_state": ExitCode.WRONG_STATE,
    "refused_by_user": ExitCode.REFUSED_BY_USER,
    "refused_by_device": ExitCode.REFUSED_BY_DEVICE,
    "not_found": ExitCode.REFUSED_BY_DEVICE,
    "not_enough_space": ExitCode.REFUSED_BY_DEVICE,
    "already_installed": ExitCode.REFUSED_BY_DEVICE,
    "manager_error": ExitCode.NETWORK,
    "not_offered": ExitCode.NETWORK,
    "chain_error": ExitCode.NETWORK,
    "refused_by_chain": ExitCode.NETWORK,
    "wrong_chain": ExitCode.NETWORK,
    "no_account": ExitCode.NETWORK,
    "not_enough": ExitCode.NETWORK,
    "sequence_used": ExitCode.NETWORK,
    "failed_in_block": ExitCode.NETWORK,
    "unconfirmed": ExitCode.TIMEOUT,
    "not_trusted": ExitCode.NOT_TRUSTED,
    "key_lost": ExitCode.NOT_TRUSTED,
    "key_refused": ExitCode.WRONG_STATE,
    "transport_error": ExitCode.NETWORK,
    "timeout": ExitCode.TIMEOUT,
    "cancelled": ExitCode.INTERRUPTED,
    "interrupted": ExitCode.INTERRUPTED,
}


def code_of(error: TallyError) -> ExitCode:
    """Return the exit code that an error ends the process with."""
    return _BY_WORD.get(error.code, ExitCode.UNEXPECTED)


def document(error: TallyError) -> dict[str, object]:
    """Return an error as machine-readable members: the stable word, meaning, remedy, exit code, and the status word if any."""
    members: dict[str, object] = {
        "error": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "exit_code": int(code_of(error)),
    }
    if isinstance(error, StatusError):
        members["status"] = f"{error.status:04X}"
        members["status_word"] = explain(error.status).word
        members["data"] = error.data.hex()
    if isinstance(error, AmbiguousDevice):
        members["candidates"] = error.candidates
    if isinstance(error, Unconfirmed):
        members |= {"transaction": error.transaction, "sequence": error.sequence}
    return members
