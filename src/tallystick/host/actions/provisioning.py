"""Making a device one of a factory's own: two commands, and between them the issuer (attestation 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tallystick.errors import StatusError, TrustError
from tallystick.host.actions.step import Action, Flow, Progress, finish
from tallystick.host.commands.provisioning import Finish, Start
from tallystick.host.session import Session
from tallystick.wire.provisioning import (
    CHALLENGE_BYTES,
    FinishProvisioning,
    StartedProvisioning,
    StartProvisioning,
)
from tallystick.wire.status import StatusWord

#: checks what a device answered to a START, and certifies it
Certify = Callable[[StartProvisioning, StartedProvisioning], FinishProvisioning]

_STEPS = 3
_UNKNOWN = frozenset({StatusWord.INS_NOT_SUPPORTED, StatusWord.CLA_NOT_SUPPORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """What was done: the device and the certificate it now has."""

    started: StartedProvisioning
    finished: FinishProvisioning


def provision(session: Session, certify: Certify, *, entropy: Callable[[int], bytes]) -> Action[Provisioned]:
    """Provision a device: `certify` is the issuer's part, `entropy` gives the challenge.

    Cut off anywhere, it can simply be done again. Raises StatusError with the word ``wrong_state`` when the device has a
    certificate already, TrustError when it does not accept this one; and whatever `certify` raises.
    """
    return finish(_provision(session, certify, StartProvisioning(challenge=entropy(CHALLENGE_BYTES))))


def _provision(session: Session, certify: Certify, start: StartProvisioning) -> Flow[Provisioned]:
    yield Progress(step="starting", total=_STEPS)
    try:
        started = session.send(Start(message=start))
    except StatusError as error:
        if error.status not in _UNKNOWN:
            raise
        raise _already(error) from error
    yield Progress(step="certifying", done=1, total=_STEPS)
    finished = certify(start, started)
    yield Progress(step="finishing", done=2, total=_STEPS)
    _finish(session, finished)
    yield Progress(step="provisioned", done=_STEPS, total=_STEPS)
    return Provisioned(started=started, finished=finished)


def _finish(session: Session, finished: FinishProvisioning) -> None:
    try:
        session.send(Finish(message=finished))
    except StatusError as error:
        if error.status != StatusWord.SECURITY_STATUS_NOT_SATISFIED:
            raise
        # elsewhere the same word says "locked"
        raise TrustError(
            "the device does not accept this certificate, and stays as it was",
            remedy="see whether the issuer's keys are whole: tally manager keys show",
        ) from error


def _already(error: StatusError) -> StatusError:
    """Return the error that an unknown START stands for."""
    said = StatusError(
        f"the device has a certificate already, or is none that can be given one (status {error.status:04X})",
        status=error.status,
        data=error.data,
        remedy="a device is provisioned once; see whose it is with: tally device check",
    )
    said.code = "wrong_state"
    return said
