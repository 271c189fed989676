"""Looking at a device and giving it a name."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import RemoteProtocolError, StatusError
from tallystick.host.actions.step import Action, Flow, Progress, ask, finish
from tallystick.host.commands.base import Command, ValueT_co
from tallystick.host.commands.dashboard import (
    GetAppAndVersion,
    GetBattery,
    GetBoundaries,
    GetDeviceName,
    GetVersion,
    SetDeviceName,
)
from tallystick.host.session import Session
from tallystick.wire.boundaries import Boundaries
from tallystick.wire.dashboard import AppAndVersion, BootloaderInfo, SecureElementInfo

_MAX_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """What a device tells about itself; None stands for what it would not say in the state it is in."""

    url: str
    version: SecureElementInfo | BootloaderInfo | None
    opened: AppAndVersion
    name: str | None
    battery_percent: int | None
    boundaries: Boundaries | None


def info(session: Session) -> Action[DeviceReport]:
    """Ask a device, in any state, for all it tells without a person (in clients' order: wire-protocol C, "on connect")."""
    return finish(_info(session))


def rename(session: Session, name: str) -> Action[str]:
    """Give the device another name and return the name it then has; raises UsageError for a name it cannot hold."""
    return finish(_rename(session, SetDeviceName(name=name)))


def _info(session: Session) -> Flow[DeviceReport]:
    yield Progress(step="asking")
    opened = session.send(GetAppAndVersion())
    version = _optional(session, GetVersion())
    name = _optional(session, GetDeviceName())
    percent = _optional(session, GetBattery())
    return DeviceReport(
        url=session.url,
        version=version,
        opened=opened,
        name=name,
        boundaries=_boundaries(session),
        battery_percent=percent if percent is not None and percent <= _MAX_PERCENT else None,
    )


def _rename(session: Session, command: SetDeviceName) -> Flow[str]:
    yield from ask(session, command, subject=command.name)
    return session.send(GetDeviceName())


def _boundaries(session: Session) -> Boundaries | None:
    """Return which walls a device of ours has; any answer that is not ours is a device that does not know the command."""
    try:
        return _optional(session, GetBoundaries())
    except RemoteProtocolError:
        return None


def _optional(session: Session, command: Command[ValueT_co]) -> ValueT_co | None:
    """Return a value that a device may have reasons not to tell: an open app, a lock, no battery."""
    try:
        return session.send(command)
    except StatusError:
        return None
