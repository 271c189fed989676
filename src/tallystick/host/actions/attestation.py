"""A device tells who it is, and gets its attestation keys (attestation 2, 3).

Every action begins with a handshake by a key of this moment, so the person is asked first. An attestation key is made and
certified in one run, or in two with a remote owner between them: the pair waits on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tallystick.errors import StatusError, TrustError, UserRefused
from tallystick.host.actions.genuine import shaken
from tallystick.host.actions.relay import Work, relayed
from tallystick.host.actions.step import GRACE_S, Action, Flow, NeedsUser, Progress, ask, finish
from tallystick.host.actions.target import dashboard_target
from tallystick.host.commands.endorsement import MakeKey, StoreCertificate
from tallystick.host.evidence import endorsement_links, owner_link, require_all
from tallystick.host.gesture import Gesture
from tallystick.host.manager_client import ManagerClient
from tallystick.host.session import Session
from tallystick.host.trust import Issuer, Witness, fresh_signer, system_suite
from tallystick.wire.attestation import Endorsement, HandshakeProof
from tallystick.wire.channel import HostHandshake
from tallystick.wire.manager_flow import DEFAULT_PERSO, FlowPath, FlowRequest

#: signs ``FE`` and the key it is given the chain of; returns owner's key (65 bytes) and certificate (DER)
Certify = Callable[[Endorsement], tuple[bytes, bytes]]

#: what managers call the owner's key to certify with (wire-protocol H.3)
_OWNER_NAME = "attest_1"


def attest(session: Session, *, challenge: bytes | None = None) -> Action[HandshakeProof]:
    """Have the device prove who it is; `challenge` (8 bytes) is from whoever is to believe it.

    Raises TrustError when the device does not own the key it shows.
    """
    return finish(_attest(session, challenge))


def make_key(session: Session, *, slot: int, issuers: Sequence[Issuer]) -> Action[Endorsement]:
    """Have a key made that waits on the device for its certificate: the first run of two.

    Raises TrustError unless the device is one of these issuers', and did sign the key.
    """
    return finish(_make(session, slot, issuers))


def set_up(session: Session, certify: Certify, *, slot: int, issuers: Sequence[Issuer]) -> Action[Endorsement]:
    """Have a key made, certified and stored in one run; raises as `make_key` does, and UserRefused for a replacement."""
    return finish(_set_up(session, certify, slot, issuers))


def store_certificate(
    session: Session, certificate: bytes, *, endorsement: Endorsement | None = None
) -> Action[HandshakeProof]:
    """Store what the owner signed: the second run of two.

    With `endorsement`, whose `owner_public_key` is known, the device must be the one the key was made on, and the certificate
    must hold: TrustError. Raises StatusError with the word ``wrong_state`` when no key waits.
    """
    return finish(_store(session, certificate, endorsement))


def set_up_by_manager(
    session: Session, manager: ManagerClient, *, slot: int, issuers: Sequence[Issuer]
) -> Action[Endorsement]:
    """Have a manager make, certify and store a key; whose certificate it is, the manager decides.

    Raises as `relay.relayed` does, and TrustError unless the device is one of these issuers', and did sign the key.
    """
    return finish(_set_up_by_manager(session, manager, slot, issuers))


def _attest(session: Session, challenge: bytes | None) -> Flow[HandshakeProof]:
    witness = Witness()
    yield from _identified(session, witness, challenge)
    return witness.proof()


def _identified(session: Session, witness: Witness, challenge: bytes | None = None) -> Flow[None]:
    """Shake hands as far as both certificates; the channel itself is not wanted."""
    target = yield from dashboard_target(session)
    suite = system_suite(challenge=challenge)
    handshake = HostHandshake(target_id=target.target_id, signer=fresh_signer(), suite=suite)
    yield from shaken(session, handshake.run(authenticate=False), witness=witness)


def _make(session: Session, slot: int, issuers: Sequence[Issuer]) -> Flow[Endorsement]:
    witness = Witness()
    yield from _identified(session, witness)
    yield Progress(step="making_key")
    command = MakeKey(slot=slot)
    made = yield from ask(session, command)
    witness.observe(command.to_apdu(), made.to_bytes())
    endorsement = witness.endorsement()
    require_all(endorsement_links(endorsement, issuers))
    return endorsement


def _set_up(session: Session, certify: Certify, slot: int, issuers: Sequence[Issuer]) -> Flow[Endorsement]:
    endorsement = yield from _make(session, slot, issuers)
    owner, certificate = certify(endorsement)
    yield from _commit(session, certificate, slot=slot)
    return replace(endorsement, owner_public_key=owner, owner_certificate=certificate)


def _store(session: Session, certificate: bytes, endorsement: Endorsement | None) -> Flow[HandshakeProof]:
    if endorsement is not None and endorsement.owner_public_key:
        require_all([owner_link(endorsement.key.public_key, certificate, endorsement.owner_public_key)])
    witness = Witness()
    yield from _identified(session, witness)
    proof = witness.proof()
    if endorsement is not None and endorsement.device.public_key != proof.device.public_key:
        raise TrustError(
            "the key that was certified was made on another device", remedy="connect that device, or name it: --device"
        )
    yield from _commit(session, certificate, slot=endorsement.slot if endorsement else 0)
    return proof


def _commit(session: Session, certificate: bytes, *, slot: int) -> Flow[None]:
    yield Progress(step="storing_certificate")
    pending, is_asked = session.start(StoreCertificate(certificate=certificate)), False
    if not pending.poll(GRACE_S):
        is_asked = True
        yield NeedsUser(gesture=Gesture.REPLACE_KEY, subject=f"key {slot}" if slot else "")
    try:
        pending.result()
    except UserRefused as error:
        if is_asked:
            raise
        # one word stands for two things, and an answer that came at once is nobody's
        raise _nothing_waits(error) from error


def _nothing_waits(error: UserRefused) -> StatusError:
    """Return the error of a certificate for which there is no key."""
    said = StatusError(
        f"no attestation key waits for a certificate on this device (status {error.status:04X})",
        status=error.status,
        data=error.data,
        remedy="the keys are as they were; begin with: tally owner setup --slot 1",
    )
    said.code = "wrong_state"
    return said


def _set_up_by_manager(
    session: Session, manager: ManagerClient, slot: int, issuers: Sequence[Issuer]
) -> Flow[Endorsement]:
    target = yield from dashboard_target(session)
    witness = Witness()
    work = Work(
        path=FlowPath.ENDORSE,
        request=FlowRequest(
            target_id=target.target_id, perso=DEFAULT_PERSO, endorse=_OWNER_NAME, endorse_scheme=str(slot)
        ),
    )
    yield from relayed(session, manager, work, witness=witness)
    endorsement = witness.endorsement()
    require_all(endorsement_links(endorsement, issuers))
    if not endorsement.owner_certificate:
        raise TrustError("the manager stored no certificate", remedy="see the manager's log")
    return endorsement
