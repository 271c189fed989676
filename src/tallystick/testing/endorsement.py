"""Attestation keys for devices under test: made by the commands a real host sends, certified by an owner everybody knows."""

from __future__ import annotations

from tallystick.crypto.scp import KeySigner
from tallystick.host.actions import attestation
from tallystick.host.actions.step import NeedsUser, Progress, result
from tallystick.host.session import Session
from tallystick.host.trust import Issuer
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.attestation import Endorsement
from tallystick.wire.certificate import owner_message


def endorse(device: VirtualDevice, *, slot: int = 1, owner: KeySigner | None = None) -> Endorsement:
    """Give a device attestation key `slot` (1 or 2), certified by `owner` (the test realm's if None); return what proves it.

    An app that is open is closed: attestation is the dashboard's business. The person agrees to what is asked.
    """
    signer = known_key("owner") if owner is None else owner
    issuer = Issuer(name="test", public_key=known_key("issuer").public_key)

    def certify(endorsement: Endorsement) -> tuple[bytes, bytes]:
        return signer.public_key, signer.sign(owner_message(endorsement.key.public_key))

    def agree(step: Progress | NeedsUser) -> None:
        if isinstance(step, NeedsUser):
            device.user.approve()

    device.quit()
    with Session(device.transport(), clock=device.clock.now_s, pause=device.turn) as session:
        return result(attestation.set_up(session, certify, slot=slot, issuers=[issuer]), on_step=agree)
