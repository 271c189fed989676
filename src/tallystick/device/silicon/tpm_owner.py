"""Who owns a TPM: its passwords of owner and lock-out, set on a machine that is for this device alone (secure-world 5.3).

With an empty owner password, which is usual, anybody who has the TPM can remove an index and define it anew. The seal holds
all the same, by its own password; with a password set the attempt is refused. Nothing here is done unless asked for.
"""

from __future__ import annotations

from enum import IntFlag

from tallystick.crypto.secret import Secret
from tallystick.device.hil import KeyRefused
from tallystick.device.silicon.tpm_command import LOCKOUT, OWNER, Cc, Session, Tpm, as_sized
from tallystick.wire.buffer import Writer

_PROPERTIES = 6
_PERMANENT = 0x200
EMPTY = Secret(b"")


class _Set(IntFlag):
    """TPMA_PERMANENT: which passwords are set."""

    OWNER = 1 << 0
    LOCKOUT = 1 << 2


def is_owned(tpm: Tpm) -> bool:
    """Return whether a password of the owner or of the lock-out is set; raise TpmError, RemoteProtocolError."""
    return bool(_passwords(tpm) & (_Set.OWNER | _Set.LOCKOUT))


def take(tpm: Tpm, *, owner: Secret, lockout: Secret) -> None:
    """Set both passwords; one that is set already is believed to be the same, from an attempt that was cut off.

    Whoever calls this keeps the passwords first. Raises TpmError, RemoteProtocolError.
    """
    found = _passwords(tpm)
    if not found & _Set.OWNER:
        _change(tpm, OWNER, EMPTY, owner)
    if not found & _Set.LOCKOUT:
        _change(tpm, LOCKOUT, EMPTY, lockout)


def give_back(tpm: Tpm, *, owner: Secret, lockout: Secret) -> None:
    """Make both passwords empty again; raise TpmError, RemoteProtocolError."""
    found = _passwords(tpm)
    if found & _Set.LOCKOUT:
        _change(tpm, LOCKOUT, lockout, EMPTY)
    if found & _Set.OWNER:
        _change(tpm, OWNER, owner, EMPTY)


def _change(tpm: Tpm, hierarchy: int, now: Secret, then: Secret) -> None:
    parameters = as_sized(then.reveal())
    tpm.run(Cc.HIERARCHY_CHANGE_AUTH, hierarchy, parameters=parameters, sessions=[Session(key=now)])


def _passwords(tpm: Tpm) -> int:
    asked = Writer().u32(_PROPERTIES).u32(_PERMANENT).u32(1).to_bytes()
    answer = tpm.run(Cc.GET_CAPABILITY, parameters=asked).parameters
    answer.u8()
    kind, count, tag, value = answer.u32(), answer.u32(), answer.u32(), answer.u32()
    if (kind, count, tag) != (_PROPERTIES, 1, _PERMANENT):
        raise KeyRefused("the TPM does not say whether it has an owner")
    return value
