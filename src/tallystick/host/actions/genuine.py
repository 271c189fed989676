"""Whether a device is genuine: its manager is asked, and the chain of its certificate is verified here (attestation 1, 2)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from tallystick.errors import RemoteProtocolError
from tallystick.host.actions.relay import Outcome, Work, relayed
from tallystick.host.actions.step import Action, Flow, Progress, ask, finish
from tallystick.host.actions.target import dashboard_target
from tallystick.host.commands.relayed import Relayed
from tallystick.host.manager_client import ManagerClient
from tallystick.host.session import Session
from tallystick.host.trust import DeviceChain, Issuer, Witness, fresh_signer, issuer_of, system_suite
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.app_list import AppListEntry, decode_app_list
from tallystick.wire.channel import Channel, HostHandshake, OpenChannel
from tallystick.wire.image import AppFlag
from tallystick.wire.loader import ListApps, ListMoreApps
from tallystick.wire.manager_flow import DEFAULT_PERSO, GENUINE, FlowPath, FlowRequest

#: pages of one list: more apps than fit any flash
_MAX_PAGES: Final = 512
_VERDICT_LETTERS: Final = 4


@unique
class Caution(StrEnum):
    """What a genuine device may still have on it; the values are stable words."""

    #: a user interface that did not come with the firmware
    FOREIGN_INTERFACE = "foreign_interface"
    #: an app, or an authority for apps, of the owner's own
    CUSTOM_AUTHORITY = "custom_authority"
    #: no issuer that is known here certified the device
    UNKNOWN_ISSUER = "unknown_issuer"

    @property
    def words(self) -> str:
        """One sentence for people."""
        return _WORDS[self]


_WORDS = {
    Caution.FOREIGN_INTERFACE: "An app that draws the device's own screens is installed: what it shows is that app's word.",
    Caution.CUSTOM_AUTHORITY: "Something signed by an authority of the owner's own is installed.",
    Caution.UNKNOWN_ISSUER: "No issuer known here certified it: name the one you expect with --issuer-key.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenuineReport:
    """What came of a check.

    `manager` is the manager's verdict (four digits, ``0000`` is good), None when none was asked. The device is genuine when
    whoever was asked says so: the manager, or without one an issuer that is known here.
    """

    chain: DeviceChain
    manager: str | None
    cautions: tuple[Caution, ...]

    @property
    def is_genuine(self) -> bool:
        """Whether the device is genuine; what else is to be known is in `cautions`."""
        return self.chain.issuer is not None if self.manager is None else self.manager == GENUINE


def check(session: Session, manager: ManagerClient, *, issuers: Sequence[Issuer]) -> Action[GenuineReport]:
    """Have a manager check the device, and verify the handshake beside it.

    Raises TrustError when the manager or the chain says that the device is not genuine, and as `relay.relayed` does.
    """
    return finish(_check(session, manager, issuers))


def check_offline(session: Session, *, issuers: Sequence[Issuer]) -> Action[GenuineReport]:
    """Check the device without any manager, by a key of this moment: the person is asked about an unknown one.

    Raises TrustError when the device does not own the key it shows.
    """
    return finish(_check_offline(session, issuers))


def channel(session: Session, *, issuers: Iterable[bytes] = ()) -> Flow[OpenChannel]:
    """Open a secure channel of our own to the device on its dashboard."""
    target = yield from dashboard_target(session)
    handshake = HostHandshake(
        target_id=target.target_id, signer=fresh_signer(), suite=system_suite(), issuers=tuple(issuers)
    )
    return (yield from shaken(session, handshake.run()))


def shaken(
    session: Session, steps: Generator[CommandApdu, bytes, OpenChannel], *, witness: Witness | None = None
) -> Flow[OpenChannel]:
    """Take the steps of a handshake with the device; `witness` looks on."""
    answer: bytes | None = None
    count = 0
    while True:
        try:
            command = next(steps) if answer is None else steps.send(answer)
        except StopIteration as end:
            opened: OpenChannel = end.value
            return opened
        count += 1
        yield Progress(step="channel", done=count)
        answer = yield from ask(session, Relayed.of(command))
        if witness is not None:
            witness.observe(command, answer)


def _check(session: Session, manager: ManagerClient, issuers: Sequence[Issuer]) -> Flow[GenuineReport]:
    target = yield from dashboard_target(session)
    witness = Witness()
    work = Work(
        path=FlowPath.GENUINE,
        request=FlowRequest(target_id=target.target_id, perso=DEFAULT_PERSO),
    )
    outcome = yield from relayed(session, manager, work, witness=witness)
    chain = witness.chain(issuers)
    verdict = _verdict(outcome)
    cautions = [
        caution
        for caution, byte in ((Caution.FOREIGN_INTERFACE, verdict[:2]), (Caution.CUSTOM_AUTHORITY, verdict[2:]))
        if byte != "00"
    ]
    return GenuineReport(chain=chain, manager=verdict, cautions=(*cautions, *_stranger(chain)))


def _check_offline(session: Session, issuers: Sequence[Issuer]) -> Flow[GenuineReport]:
    opened = yield from channel(session, issuers=[one.public_key for one in issuers])
    entries = yield from _installed(session, opened.channel)
    flags = AppFlag(0)
    for entry in entries:
        flags |= AppFlag(entry.flags)
    cautions = [
        caution
        for caution, flag in (
            (Caution.FOREIGN_INTERFACE, AppFlag.BOLOS_UX),
            (Caution.CUSTOM_AUTHORITY, AppFlag.CUSTOM_CA),
        )
        if flags & flag
    ]
    chain = DeviceChain(
        device=opened.device, signer_serial=opened.signer_serial, issuer=issuer_of(opened.device, issuers)
    )
    return GenuineReport(chain=chain, manager=None, cautions=(*cautions, *_stranger(chain)))


def _installed(session: Session, opened: Channel) -> Flow[list[AppListEntry]]:
    entries: list[AppListEntry] = []
    command = ListApps().to_bytes()
    for _ in range(_MAX_PAGES):
        answer = yield from ask(session, Relayed.of(opened.command(command)))
        page = decode_app_list(opened.unwrap(answer))
        if not page:
            return entries
        entries += page
        command = ListMoreApps().to_bytes()
    raise RemoteProtocolError("the device's list of apps does not end")


def _verdict(outcome: Outcome) -> str:
    """Return the manager's four digits; `result` wins over `data` (wire-protocol H.4)."""
    found = outcome.data if outcome.result is None else outcome.result
    if not isinstance(found, str) or len(found) != _VERDICT_LETTERS or not found.isalnum() or not found.isascii():
        raise RemoteProtocolError("the manager's verdict is not four digits")
    return found


def _stranger(chain: DeviceChain) -> tuple[Caution, ...]:
    return (Caution.UNKNOWN_ISSUER,) if chain.issuer is None else ()
