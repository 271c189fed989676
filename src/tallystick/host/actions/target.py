"""What every action with a manager begins with: the device on its dashboard, and what it says it is (wire-protocol I.1)."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import StatusError, UsageError
from tallystick.host.actions.app import to_dashboard
from tallystick.host.actions.step import Flow
from tallystick.host.commands.dashboard import GetVersion
from tallystick.host.session import Session
from tallystick.wire.manager_flow import provider_of
from tallystick.wire.version import BootloaderInfo, SecureElementInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A device on its dashboard: target id (32 bits), version of its OS, and the provider of that version."""

    info: SecureElementInfo

    @property
    def target_id(self) -> int:
        """The target id, 32 bits."""
        return self.info.target_id

    @property
    def version(self) -> str:
        """The version of the OS, ``-osu`` and all."""
        return self.info.version

    @property
    def provider(self) -> int:
        """The provider that the version names."""
        return provider_of(self.version)


def dashboard_target(session: Session) -> Flow[Target]:
    """Bring the device to its dashboard and ask what it is; raise UsageError in bootloader mode."""
    info = yield from any_target(session)
    if isinstance(info, BootloaderInfo):
        raise UsageError(
            "the device is in bootloader mode",
            remedy="unplug it and plug it in again without holding a button, or finish its update: tally firmware update",
        )
    return Target(info=info)


def any_target(session: Session) -> Flow[SecureElementInfo | BootloaderInfo]:
    """Ask what the device is, in whatever mode; an app that is open is ended."""
    try:
        yield from to_dashboard(session)
    except StatusError as error:
        # a bootloader does not know the question (wire-protocol I.1)
        if error.code != "wrong_state":
            raise
    return session.send(GetVersion())
