"""Between a manager and a device: what one says to the other, step by step (wire-protocol H.4).

Whatever goes wrong is said by the side that knows: the device's own status, or the manager's own words. A bulk is all there is
to do: once it is here, the manager is not needed any more, and a lost connection changes nothing.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any, Final

from tallystick.errors import StatusError, TallyError, TransportError, TransportTimeout, TrustError
from tallystick.host.actions.step import GRACE_S, NeedsUser, Progress
from tallystick.host.actions.step import Flow as Steps
from tallystick.host.commands.dashboard import GetVersion
from tallystick.host.commands.relayed import Relayed
from tallystick.host.gesture import Gesture
from tallystick.host.manager_address import ManagerError, NotOffered
from tallystick.host.manager_client import ManagerClient
from tallystick.host.manager_socket import Flow
from tallystick.host.session import Session
from tallystick.host.trust import Witness
from tallystick.wire.dashboard import StateFlag
from tallystick.wire.manager_flow import FlowPath, FlowRequest
from tallystick.wire.manager_message import Bulk, Error, Exchange, Success
from tallystick.wire.manager_message import Warning as Notice
from tallystick.wire.status import StatusWord
from tallystick.wire.version import SecureElementInfo

#: a device that writes its flash and asks nobody answers within this time, in seconds
_SLOW_S: Final = 2.0
_STATUS: Final = re.compile(r"(?P<text>.*?)[\s:]*\b(?P<status>[0-9A-Fa-f]{4})", re.DOTALL)
_MAX_TEXT: Final = 300
_UNTRUSTED: Final = 0x6300
_NOT_FOUND: Final = 0x6A82


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One flow: what is asked of the manager, and how it looks from outside.

    `step` names the progress of its bulk. `gesture` is what the last command of the bulk may wait for; with `is_asked` it
    always does. With `may_vanish` the device restarts at the end and may leave the last answer out. `subject` is for people.
    """

    path: FlowPath
    request: FlowRequest
    step: str = "loading"
    gesture: Gesture | None = None
    subject: str = ""
    is_asked: bool = False
    may_vanish: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a flow ended: the manager's `result` (JSON) or `data`, and its warnings."""

    data: str = ""
    result: Any = None
    warnings: tuple[str, ...] = ()


def relayed(session: Session, manager: ManagerClient, work: Work, *, witness: Witness | None = None) -> Steps[Outcome]:
    """Hold a flow between manager and device, and return how it ended; `witness` looks on.

    Raises StatusError or UserRefused when the device refuses, ManagerError, NotOffered or TrustError when the manager does,
    TransportError and its kinds when either cannot be reached any more.
    """
    yield Progress(step="connecting")
    warnings: list[str] = []
    count = 0
    with manager.flow(work.path, work.request) as flow:
        while True:
            match flow.receive():
                case Exchange(nonce=nonce, apdu=apdu):
                    count += 1
                    yield Progress(step="channel", done=count)
                    command = Relayed.from_bytes(apdu)
                    answer = yield from _asked(session, flow, command, nonce=nonce, subject=manager.address.http)
                    if witness is not None:
                        witness.observe(command.apdu, answer)
                    flow.reply(nonce, data=answer)
                case Bulk() as bulk:
                    yield from _run(session, flow, bulk, work)
                    return Outcome(warnings=tuple(warnings))
                case Success(data=data, result=result):
                    return Outcome(data=data, result=result, warnings=tuple(warnings))
                case Error(text=text):
                    raise said(text)
                case Notice(text=text):
                    warnings.append(_printable(text))


def said(text: str) -> TallyError:
    """Return, not raise, the error that a manager's words stand for; their last four characters may be a status word."""
    found = _STATUS.fullmatch(text.strip())
    status = int(found["status"], 16) if found else 0
    words = _printable(found["text"] if found else text) or "it gave no reason"
    if status == _UNTRUSTED:
        return TrustError(
            f"the manager does not trust this device: {words}",
            remedy="use the manager of the device's issuer: --manager URL; who that is says: tally device check --offline",
        )
    if status == _NOT_FOUND:
        return NotOffered(f"the manager says: {words}", remedy="see what it has: tally app list --available")
    return ManagerError(
        f"the manager ended it: {words}", remedy="give the command again; if it stays, see the manager's log"
    )


def _asked(session: Session, flow: Flow, command: Relayed, *, nonce: int, subject: str) -> Steps[bytes]:
    """Pass on one command; the manager hears of a failure before it is raised."""
    try:
        pending = session.start(command)
        if command.gesture is not None and not pending.poll(GRACE_S):
            yield NeedsUser(gesture=command.gesture, subject=subject)
        return pending.result()
    except StatusError as error:
        _tell_failure(flow, nonce)
        if error.status == StatusWord.SECURITY_STATUS_NOT_SATISFIED and command.is_host_certificate:
            _explain_stranger(session, error)
        raise
    except TallyError:
        _tell_failure(flow, nonce)
        raise


def _explain_stranger(session: Session, error: StatusError) -> None:
    """Raise TrustError when a device that is not locked refused a manager's certificate: another issuer signed that."""
    try:
        said = session.send(GetVersion())
    except (StatusError, TransportError):
        return
    if not isinstance(said, SecureElementInfo) or not said.flags.raw:
        return
    state = said.flags.state
    if StateFlag.PIN_VALIDATED in state or StateFlag.ONBOARDED not in state:
        raise TrustError(
            f"device and manager do not belong together: another issuer certified each (status {error.status:04X})",
            remedy="use the manager of the device's issuer: --manager URL; who that is says: tally device check --offline",
        ) from error


def _run(session: Session, flow: Flow, bulk: Bulk, work: Work) -> Steps[None]:
    total, done = sum(len(apdu) for apdu in bulk.apdus), 0
    yield Progress(step=work.step, done=0, total=total)
    for index, apdu in enumerate(bulk.apdus, 1):
        is_last = index == len(bulk.apdus)
        try:
            pending = session.start(Relayed.from_bytes(apdu, gesture=work.gesture if is_last else None))
            grace_s = GRACE_S if is_last and work.is_asked else _SLOW_S
            if work.gesture is not None and is_last and not pending.poll(grace_s):
                yield NeedsUser(gesture=work.gesture, subject=work.subject)
            pending.result()
        except TransportTimeout:
            _tell_failure(flow, bulk.nonce)
            raise
        except TransportError:
            if not (is_last and work.may_vanish):
                _tell_failure(flow, bulk.nonce)
                raise
            session.close()
        except TallyError:
            _tell_failure(flow, bulk.nonce)
            raise
        done += len(apdu)
        yield Progress(step=work.step, done=done, total=total)
    # nothing that the manager says from now on changes what the device has done
    with contextlib.suppress(TallyError):
        flow.reply(bulk.nonce)
        flow.receive()


def _tell_failure(flow: Flow, nonce: int) -> None:
    with contextlib.suppress(TransportError):
        flow.reply(nonce, is_good=False)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text[:_MAX_TEXT]).strip()
