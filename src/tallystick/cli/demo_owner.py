"""Who vouches for the devices of `tally demo`: the workshop that issued them, and the owner of the test realm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tallystick.host.session import Session
    from tallystick.host.trust import Issuer
    from tallystick.wire.attestation import Endorsement


def issuers(facts: dict[str, Any]) -> list[Issuer]:
    """Return the issuer of a device, of which `facts` is what `tally up` says of itself."""
    from tallystick.host.trust import Issuer

    return [Issuer(name="workshop", public_key=bytes.fromhex(facts["issuer_public_key"]))]


def owner_key() -> bytes:
    """Return the public key (65 bytes) of the test realm's owner, whose private key everybody knows."""
    from tallystick.manager.hsm.owner import TEST_OWNER, OwnerKey

    with OwnerKey.open(TEST_OWNER) as owner:
        return owner.public_key


def certify(session: Session, facts: dict[str, Any]) -> Endorsement:
    """Have attestation key 1 made, certified by the test realm's owner and stored; return the chain of it.

    Raises as `attestation.set_up` does.
    """
    from tallystick.host.actions import attestation
    from tallystick.host.actions.step import result
    from tallystick.manager.hsm.owner import TEST_OWNER, OwnerKey

    with OwnerKey.open(TEST_OWNER) as owner:

        def signed(endorsement: Endorsement) -> tuple[bytes, bytes]:
            return owner.public_key, owner.certify(endorsement.key.public_key)

        return result(attestation.set_up(session, signed, slot=1, issuers=issuers(facts)))
