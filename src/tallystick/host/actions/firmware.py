"""Bringing a device's firmware up to date, however often it is cut off on the way (wire-protocol I.3 to I.6).

The loop asks the device what it is, plans, does one step, waits until the device says something else, and asks again. There is
no other state: another run of the same action goes on from what the device says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from tallystick.errors import StatusError, TallyError, TransportError, TransportTimeout, UserRefused
from tallystick.host.actions.app import to_dashboard
from tallystick.host.actions.firmware_plan import NextStep, Plan, Reading, plan
from tallystick.host.actions.relay import Work, relayed
from tallystick.host.actions.step import Action, Flow, NeedsUser, Progress, finish
from tallystick.host.commands.dashboard import GetVersion
from tallystick.host.gesture import Gesture
from tallystick.host.manager_client import ManagerClient
from tallystick.host.session import Session
from tallystick.wire.dashboard import StateFlag
from tallystick.wire.manager_flow import DEFAULT_PERSO, FlowPath, FlowRequest
from tallystick.wire.status import StatusWord
from tallystick.wire.version import BootloaderInfo, SecureElementInfo

#: how often a device is asked whether it is there again, and how long it may take, in seconds
_POLL_S: Final = 0.5
_RESTART_S: Final = 120.0
#: how long a device may take to begin its bootloader by itself before the person is asked to
_BY_ITSELF_S: Final = 5.0
#: how often each step may be done before something must be wrong; a bootloader may be flashed more than once
_LIMITS: Final = {NextStep.OSU: 1, NextStep.MCU: 5, NextStep.FINAL: 1, NextStep.WAIT: 3}
_RESUME: Final = "then give the same command again: it goes on from what the device says"
#: what says no to a firmware (wire-protocol H.4)
_REFUSALS: Final = frozenset({StatusWord.NOT_ENOUGH_SPACE, StatusWord.NOT_ENOUGH_FLASH_6A85})

_MEANINGS: Final[Mapping[int, tuple[str, str, str]]] = {
    StatusWord.ALREADY_INSTALLED: (
        "wrong_state",
        "the device runs this version or a newer one",
        "nothing is to be done",
    ),
    StatusWord.PKI_SIGNATURE_INVALID: (
        "not_trusted",
        "the firmware is not signed for this device and the version that it runs",
        "use the manager of the device's issuer, and publish the release with the device's software key",
    ),
    StatusWord.DATA_INVALID: (
        "not_trusted",
        "the device would not start with this firmware",
        "see why: tally firmware verify DIR --rom-keys FILE",
    ),
    StatusWord.INVALID_CONTEXT: (
        "wrong_state",
        "this device takes no firmware",
        "the embedded board has none: start it without --board embedded",
    ),
}


def status(session: Session, manager: ManagerClient) -> Action[Plan]:
    """Say where the device is and what would come next; nothing is changed, nobody is asked.

    Raises NotOffered when the manager does not know the device, and what the way to either raises.
    """
    return finish(_status(session, manager))


def update(session: Session, manager: ManagerClient) -> Action[Plan]:
    """Bring the device up to date and return the plan that says so; a device that is so is left alone.

    Raises UserRefused when the person says no, TransportTimeout when the device does not come back, and as `relay.relayed`
    does. Whatever it raises, it may be run again.
    """
    return finish(_update(session, manager))


def _status(session: Session, manager: ManagerClient) -> Flow[Plan]:
    reading = yield from _read(session)
    yield Progress(step="asking")
    return plan(manager, reading)


def _update(session: Session, manager: ManagerClient) -> Flow[Plan]:
    done: Counter[NextStep] = Counter()
    while True:
        now = yield from _status(session, manager)
        if now.is_up_to_date:
            return now
        done[now.step] += 1
        if done[now.step] > _LIMITS[now.step]:
            raise StatusError(
                f"the device is still at {_version(now.reading)} after the step {now.step.value}",
                status=StatusWord.CONDITIONS_NOT_SATISFIED,
                remedy="look at its screen: it may say why",
            )
        try:
            yield from _do(session, manager, now)
        except TallyError as error:
            error.remedy = f"{error.remedy}; {_RESUME}" if error.remedy else _RESUME
            raise


def _do(session: Session, manager: ManagerClient, now: Plan) -> Flow[None]:
    """Do one step, and wait until the device says something else than before."""
    if now.step is NextStep.MCU and isinstance(now.reading, SecureElementInfo):
        yield from _to_bootloader(session, now.reading)
        return
    if now.step is not NextStep.WAIT:
        yield from _unlocked(session, manager, _work(now))
    yield Progress(step="restarting")
    session.close()
    yield from _changed(session, now.reading)


def _work(now: Plan) -> Work:
    target_id = now.reading.target_id
    if now.step is NextStep.MCU:
        return Work(
            path=FlowPath.MCU,
            request=FlowRequest(target_id=target_id, version=now.mcu_version),
            step="flashing_mcu",
            subject=now.mcu_version,
            may_vanish=True,
        )
    source = now.osu if now.step is NextStep.OSU and now.osu is not None else now.final
    request = FlowRequest(
        target_id=target_id,
        perso=source.perso or DEFAULT_PERSO,
        firmware=source.firmware or "",
        firmware_key=source.firmware_key or "",
    )
    is_osu = now.step is NextStep.OSU
    return Work(
        path=FlowPath.INSTALL,
        request=request,
        step="installing_update" if is_osu else "installing_firmware",
        gesture=Gesture.ALLOW_FIRMWARE,
        subject=now.final.version,
        is_asked=is_osu,
        may_vanish=True,
    )


def _unlocked(session: Session, manager: ManagerClient, work: Work) -> Flow[None]:
    """Hold a flow; a device that restarted on the way may be locked, and then its person is waited for."""
    while True:
        try:
            yield from relayed(session, manager, work)
        except StatusError as error:
            if error.code == "device_locked" and (yield from _unlock(session)):
                continue
            if error.status in _REFUSALS and work.is_asked:
                raise UserRefused(
                    f"the firmware was refused on the device (status {error.status:04X})",
                    status=error.status,
                    remedy="nothing has changed",
                ) from error
            raise _explained(error) from error
        return


def _explained(error: StatusError) -> StatusError:
    """Return what a refusal means while firmware is installed, where that is something else than for apps."""
    found = _MEANINGS.get(error.status)
    if found is None:
        return error
    code, meaning, remedy = found
    said = StatusError(f"{meaning} (status {error.status:04X})", status=error.status, data=error.data, remedy=remedy)
    said.code = code
    return said


def _unlock(session: Session) -> Flow[bool]:
    """Wait until the device is unlocked; False when it was not locked, so that something else is meant."""
    if not _is_locked(_try(session)):
        return False
    yield NeedsUser(gesture=Gesture.UNLOCK)
    waited_s = 0.0
    while _is_locked(_try(session)):
        session.rest(_POLL_S, waited_s=waited_s)
        waited_s += _POLL_S
    return True


def _is_locked(reading: Reading | None) -> bool:
    if not isinstance(reading, SecureElementInfo):
        return False
    return StateFlag.ONBOARDED in reading.flags.state and StateFlag.PIN_VALIDATED not in reading.flags.state


def _to_bootloader(session: Session, before: Reading) -> Flow[None]:
    """Wait for bootloader mode: a device may go there by itself, else the person holds the left button."""
    yield Progress(step="waiting_for_bootloader")
    tries, asked_at = 0, int(_BY_ITSELF_S / _POLL_S)
    while True:
        reading = _try(session)
        if isinstance(reading, BootloaderInfo):
            return
        # anything else that it says is planned anew, but for what it said before
        if reading is not None and _identity(reading) != _identity(before):
            return
        if tries == asked_at:
            yield NeedsUser(gesture=Gesture.START_BOOTLOADER)
        session.rest(_POLL_S, waited_s=tries * _POLL_S)
        tries += 1


def _changed(session: Session, before: Reading) -> Flow[None]:
    """Wait until the device answers something else than before; raise TransportTimeout after two minutes."""
    for tries in range(int(_RESTART_S / _POLL_S)):
        reading = _try(session)
        if reading is not None and _identity(reading) != _identity(before):
            return
        if tries % 10 == 9:
            yield Progress(step="restarting")
        session.rest(_POLL_S)
    raise TransportTimeout(
        f"the device still says {_version(before)}, or nothing, after {_RESTART_S:g} s",
        remedy="look at its screen; unplug it and plug it in again",
    )


def _read(session: Session) -> Flow[Reading]:
    """Return what the device says; an app that is open is ended, for some answer in the OS's place."""
    try:
        yield from to_dashboard(session)
    except StatusError as error:
        # a bootloader does not know the question, and a device in an update may not (wire-protocol I.1)
        if error.code not in {"wrong_state", "device_locked"}:
            raise
    return session.send(GetVersion())


def _try(session: Session) -> Reading | None:
    """Return what the device says, None while it is away or starting."""
    try:
        return session.send(GetVersion())
    except (TransportError, StatusError):
        session.close()
        return None


def _identity(reading: Reading) -> tuple[int, str, str]:
    """Return what tells one firmware from another; flags change with the person and the client."""
    mcu = reading.mcu_version if isinstance(reading, SecureElementInfo) else ""
    return reading.target_id, reading.version, mcu


def _version(reading: Reading) -> str:
    if isinstance(reading, SecureElementInfo):
        return reading.version
    return f"bootloader {reading.version}"
