"""Apps from a manager's catalogue: what it has, putting in, taking out, bringing up to date (wire-protocol E, H.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tallystick.errors import RemoteProtocolError, StatusError, TallyError, UsageError
from tallystick.host.actions.relay import Work, relayed
from tallystick.host.actions.step import Action, Flow, Progress, finish
from tallystick.host.actions.target import Target, dashboard_target
from tallystick.host.gesture import Gesture
from tallystick.host.manager_address import NotOffered
from tallystick.host.manager_client import ManagerClient
from tallystick.host.session import Session
from tallystick.wire.manager_app import AppV2
from tallystick.wire.manager_flow import DEFAULT_PERSO, FlowPath, FlowRequest
from tallystick.wire.status import StatusWord

_MAX_INSTALLED: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An app on the device, as its manager lists it; `full_hash` is hexadecimal."""

    name: str
    full_hash: str
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was done about one app: ``installed``, ``removed``, ``updated`` or ``current``; `version` is the one it has now."""

    name: str
    version: str | None
    action: str


def available(session: Session, manager: ManagerClient) -> Action[tuple[AppV2, ...]]:
    """Return the apps that the manager has for this device; the device is asked nothing but what it is."""
    return finish(_available(session, manager))


def install(session: Session, manager: ManagerClient, name: str, *, version: str | None = None) -> Action[Change]:
    """Install an app; its name is found whatever its case.

    Raises NotOffered when the manager does not have it (in this version), and as `relay.relayed` does.
    """
    return finish(_install(session, manager, name, version))


def remove(session: Session, manager: ManagerClient, name: str) -> Action[Change]:
    """Remove an app; one that is not there is removed already."""
    return finish(_remove(session, manager, name))


def update(session: Session, manager: ManagerClient, names: Sequence[str] = ()) -> Action[tuple[Change, ...]]:
    """Bring apps to the manager's version, all that are installed if none is named: the old one out, the new one in.

    Raises UsageError when one that is named is not installed. What it keeps on the device is gone, as on real ones.
    """
    return finish(_update(session, manager, names))


def explained(error: StatusError, *, meaning: str, code: str, remedy: str) -> StatusError:
    """Return the same refusal in the words of the action it happened in."""
    said = StatusError(f"{meaning} (status {error.status:04X})", status=error.status, data=error.data, remedy=remedy)
    said.code = code
    return said


def _available(session: Session, manager: ManagerClient) -> Flow[tuple[AppV2, ...]]:
    target = yield from dashboard_target(session)
    yield Progress(step="asking")
    return _catalogue(manager, target)


def _catalogue(manager: ManagerClient, target: Target) -> tuple[AppV2, ...]:
    apps = manager.apps(target.target_id, target.version, provider=target.provider)
    if not all(one.version_name.isprintable() and one.version.isprintable() for one in apps):
        raise RemoteProtocolError("the manager's apps have names that cannot be printed")
    return apps


def _find(apps: Sequence[AppV2], name: str, target: Target, version: str | None = None) -> AppV2:
    wanted = name.casefold()
    found = next((one for one in apps if one.version_name.casefold() == wanted), None)
    if found is None:
        raise NotOffered(
            f"the manager has no app {name} for version {target.version} of this device",
            remedy="see what it has: tally app list --available",
        )
    if version is not None and found.version != version:
        raise NotOffered(
            f"the manager has {found.version_name} in version {found.version}, not {version}",
            remedy="leave --version away, or publish that version",
        )
    return found


def _install(session: Session, manager: ManagerClient, name: str, version: str | None) -> Flow[Change]:
    target = yield from dashboard_target(session)
    app = _find(_catalogue(manager, target), name, target, version)
    yield from _put(session, manager, target, app)
    return Change(name=app.version_name, version=app.version, action="installed")


def _remove(session: Session, manager: ManagerClient, name: str) -> Flow[Change]:
    target = yield from dashboard_target(session)
    app = _find(_catalogue(manager, target), name, target)
    yield from _take(session, manager, target, app)
    return Change(name=app.version_name, version=None, action="removed")


def _update(session: Session, manager: ManagerClient, names: Sequence[str]) -> Flow[tuple[Change, ...]]:
    target = yield from dashboard_target(session)
    apps = _catalogue(manager, target)
    there = {one.name.casefold(): one for one in (yield from _installed(session, manager, target))}
    missing = [name for name in names if name.casefold() not in there]
    if missing:
        raise UsageError(f"{missing[0]} is not installed", remedy=f"install it: tally app install {missing[0]}")
    offered = {one.version_name.casefold(): one for one in apps}
    for name in names:
        _find(apps, name, target)
    wanted = [name.casefold() for name in names] or [name for name in there if name in offered]
    changes: list[Change] = []
    for name in dict.fromkeys(wanted):
        app, is_current = offered[name], there[name].full_hash == offered[name].hash.lower()
        if not is_current:
            yield from _replace(session, manager, target, app)
        action = "current" if is_current else "updated"
        changes.append(Change(name=app.version_name, version=app.version, action=action))
    return tuple(changes)


def _replace(session: Session, manager: ManagerClient, target: Target, app: AppV2) -> Flow[None]:
    yield from _take(session, manager, target, app)
    try:
        yield from _put(session, manager, target, app)
    except TallyError as error:
        error.remedy = f"the old version is gone; install the new one with: tally app install {app.version_name}"
        raise


def _work(step: str, app: AppV2, request: FlowRequest) -> Work:
    return Work(
        path=FlowPath.INSTALL, request=request, step=step, gesture=Gesture.ALLOW_INSTALL, subject=app.version_name
    )


def _put(session: Session, manager: ManagerClient, target: Target, app: AppV2) -> Flow[None]:
    work = _work("installing", app, _request(target, app, firmware=app.firmware, key=app.firmware_key))
    try:
        yield from relayed(session, manager, work)
    except StatusError as error:
        raise _why_not_in(error, app) from error


def _take(session: Session, manager: ManagerClient, target: Target, app: AppV2) -> Flow[None]:
    work = _work("removing", app, _request(target, app, firmware=app.delete, key=app.delete_key))
    try:
        yield from relayed(session, manager, work)
    except StatusError as error:
        if error.status != StatusWord.MISSING_LIBRARY:
            raise
        meaning, remedy = f"other apps need {app.version_name}", "remove them first: tally app list"
        raise explained(error, meaning=meaning, code="wrong_state", remedy=remedy) from error


def _request(target: Target, app: AppV2, *, firmware: str, key: str) -> FlowRequest:
    return FlowRequest(
        target_id=target.target_id,
        perso=app.perso or DEFAULT_PERSO,
        firmware=firmware,
        firmware_key=key,
        hash=app.hash,
        delete_key=app.delete_key,
    )


def _why_not_in(error: StatusError, app: AppV2) -> StatusError:
    """Return what a refusal means while an app is put in."""
    name = app.version_name
    match error.status:
        case StatusWord.FUNCTION_NOT_SUPPORTED | StatusWord.ALREADY_INSTALLED | StatusWord.ALREADY_INSTALLED_6A8F:
            meaning, remedy = f"{name} {app.version} is installed already", "nothing is to be done"
            return explained(error, meaning=meaning, code="already_installed", remedy=remedy)
        case StatusWord.INCORRECT_DATA:
            meaning, remedy = f"another version of {name} is installed", f"bring it up to date: tally app update {name}"
            return explained(error, meaning=meaning, code="already_installed", remedy=remedy)
        case StatusWord.MISSING_LIBRARY | StatusWord.MISSING_DEPENDENCY:
            needed = app.parent_name or "another app"
            meaning, remedy = f"{name} needs {needed}, which is not installed", "install that first"
            return explained(error, meaning=meaning, code="not_found", remedy=remedy)
    return error


def _installed(session: Session, manager: ManagerClient, target: Target) -> Flow[tuple[Installed, ...]]:
    request = FlowRequest(target_id=target.target_id, perso=DEFAULT_PERSO)
    outcome = yield from relayed(session, manager, Work(path=FlowPath.APPS_LIST, request=request))
    if not isinstance(outcome.result, list) or len(outcome.result) > _MAX_INSTALLED:
        raise RemoteProtocolError("the manager's list of installed apps is none")
    return tuple(_entry(one) for one in outcome.result)


def _entry(document: Any) -> Installed:
    read: Callable[[str], Any] = document.get if isinstance(document, dict) else lambda _name: None
    name, full_hash, flags = read("name"), read("hash"), read("flags")
    if not isinstance(name, str) or not isinstance(full_hash, str) or type(flags) is not int or not name.isprintable():
        raise RemoteProtocolError("the manager's list of installed apps is not as it must be")
    return Installed(name=name, full_hash=full_hash.lower(), flags=flags)
