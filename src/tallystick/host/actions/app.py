"""Apps on a device: which there are, opening one, going back to the dashboard."""

from __future__ import annotations

from tallystick.errors import RemoteProtocolError, StatusError, TransportError, TransportTimeout
from tallystick.host.actions.step import Action, Flow, Progress, ask, finish
from tallystick.host.commands.dashboard import GetAppAndVersion, ListApps, OpenApp, QuitApp
from tallystick.host.session import Session
from tallystick.wire.dashboard import AppAndVersion, AppListEntry

#: a device's flash holds far fewer; more pages mean that something is wrong at the other end
_MAX_PAGES = 512
#: how often, and how long apart (seconds), a device that is changing over is asked whether it is there again
_RETURN_TRIES = 40
_RETURN_PAUSE_S = 0.25


def list_apps(session: Session) -> Action[tuple[AppListEntry, ...]]:
    """Return the installed apps, without the items of the OS; the person is asked first."""
    return finish(_list_apps(session))


def open_app(session: Session, name: str) -> Action[AppAndVersion]:
    """Open the app `name`, ending another one first, and return what is open then; nothing is done when it is open."""
    return finish(opened(session, OpenApp(name=name)))


def quit_app(session: Session) -> Action[AppAndVersion]:
    """End the app that is open, and return what is open then: the dashboard."""
    return finish(to_dashboard(session))


def opened(session: Session, command: OpenApp) -> Flow[AppAndVersion]:
    """Open an app, as part of another action."""
    current = session.send(GetAppAndVersion())
    if current.name == command.name:
        return current
    if not current.is_dashboard:
        yield from to_dashboard(session)
    yield Progress(step="opening")
    yield from ask(session, command, subject=command.name)
    return _settled(session, command.name)


def _list_apps(session: Session) -> Flow[tuple[AppListEntry, ...]]:
    page = yield from ask(session, ListApps())
    entries: list[AppListEntry] = []
    for _ in range(_MAX_PAGES):
        if not page:
            return tuple(entry for entry in entries if entry.is_app)
        entries += page
        yield Progress(step="listing", done=len(entries))
        page = session.send(ListApps(is_continued=True))
    raise RemoteProtocolError("the device's list of apps does not end")


def to_dashboard(session: Session) -> Flow[AppAndVersion]:
    """Go back to the dashboard, as part of another action."""
    current = session.send(GetAppAndVersion())
    if current.is_dashboard:
        return current
    yield Progress(step="quitting")
    session.send(QuitApp())
    return _settled(session, None)


def _settled(session: Session, name: str | None) -> AppAndVersion:
    """Wait until the app `name` (None: the dashboard) answers: on USB the device leaves and comes back in between."""
    for _ in range(_RETURN_TRIES):
        try:
            current = session.send(GetAppAndVersion())
        except (TransportError, StatusError):
            session.close()
        else:
            if current.is_dashboard if name is None else current.name == name:
                return current
        session.pause(_RETURN_PAUSE_S)
    what = "the dashboard" if name is None else f"the app {name}"
    raise TransportTimeout(
        f"{what} did not come up within {_RETURN_TRIES * _RETURN_PAUSE_S:g} s",
        remedy="look at the device: it may show why; unlock it or unplug it, then try again",
    )
