"""The manager that a command is about, and the issuers that are known here.

Precedence: ``--manager``, then TALLY_MANAGER, then the manager beside the running `tally up` that holds the device. A device on
USB without any of these is looked at: when the vendor certified it, the vendor's public service is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from tallystick.cli.beacon import running_at
from tallystick.cli.command import DeviceCommand
from tallystick.cli.public_key import key_of, offline_issuers, workshop_issuers
from tallystick.errors import UsageError

if TYPE_CHECKING:
    from tallystick.cli.target import Run
    from tallystick.host.manager_client import ManagerClient
    from tallystick.host.session import Session
    from tallystick.host.trust import Issuer

MANAGER_VARIABLE: Final = "TALLY_MANAGER"
_REMEDY: Final = (
    "name one with --manager URL; tally up starts one beside its device, and tally manager serve one by itself"
)


class ManagerCommand(DeviceCommand):
    """A command about a device and its manager."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.params = [
            click.Option(
                ("--manager", "manager_url"),
                metavar="URL",
                default="",
                help=f"its manager; else {MANAGER_VARIABLE}, else the one beside the running `tally up`",
            ),
            *self.params,
        ]


def connect_manager(run: Run, session: Session, url: str) -> ManagerClient:
    """Return the manager that is meant; raise UsageError when there is none to be found."""
    from tallystick.host.manager_address import VENDOR, ManagerAddress
    from tallystick.host.manager_client import ManagerClient

    named = url or run.environ.get(MANAGER_VARIABLE, "")
    if named:
        return ManagerClient(ManagerAddress.parse(named), pause=session.pause)
    facts = running_at(session.url) or {}
    http, ws = facts.get("manager_http"), facts.get("manager_ws")
    if isinstance(http, str) and isinstance(ws, str):
        return ManagerClient(ManagerAddress(http=http, ws=ws), pause=session.pause)
    if facts:
        raise UsageError("the running `tally up` has no manager beside it", remedy=_REMEDY)
    if session.url.startswith("hid:") and _is_vendors(run, session):
        click.echo(f"The vendor certified this device: asking {VENDOR.http}", err=True)
        return ManagerClient(VENDOR, pause=session.pause)
    raise UsageError("no manager is known for this device", remedy=_REMEDY)


def known_issuers(run: Run, session: Session, issuer_key: str) -> list[Issuer]:
    """Return the issuers that count: the one that was named, else the workshop's, the running device's and the vendor's.

    Raises UsageError when what was named is no public key.
    """
    from tallystick.host.trust import VENDOR_ISSUER, Issuer

    del run
    if issuer_key:
        return offline_issuers(issuer_key)
    found = workshop_issuers()
    facts = running_at(session.url) or {}
    key = key_of(facts.get("issuer_public_key"))
    if key is not None and all(one.public_key != key for one in found):
        found.append(Issuer(name="tally up", public_key=key))
    return [*found, VENDOR_ISSUER]


def _is_vendors(run: Run, session: Session) -> bool:
    """Ask the device itself, which asks its person about an unknown manager."""
    from tallystick.cli.follow import follow
    from tallystick.host.actions.genuine import check_offline
    from tallystick.host.trust import VENDOR_ISSUER

    report = follow(run, check_offline(session, issuers=[VENDOR_ISSUER]))
    return report.chain.issuer == VENDOR_ISSUER
