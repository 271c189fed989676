"""Who signed an app, and whether the person has to be asked about it (wire-protocol E.3, E.6; attestation 2)."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.crypto import secp256k1
from tallystick.device.os.consent import ask_review
from tallystick.device.os.custom_ca import CustomCa, quoted, stored_ca
from tallystick.device.os.peer import Authority, Peer
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.session import Session
from tallystick.wire.image import AppFlag
from tallystick.wire.screen import Item
from tallystick.wire.status import Reject, StatusWord

_ISSUER_TEXT = "the device's issuer"
_NOBODY_TEXT = "nobody you trust"
_PERMISSION_TEXT = "sign in the name of any app, with attestation key 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the device says of an app by itself: flags, whether the person is asked, and who signed it, in words."""

    flags: AppFlag
    ask: bool
    signed_by: str


def judge(session: Session, app: InstalledApp, *, signature: bytes, peer: Peer) -> Verdict:
    """Return the verdict on a measured app with this signature (DER or empty) from this peer.

    The software key signs for one OS version. What the owner's authority signs may leave the version out, as the tools
    do that people sign their own apps with (attestation 5).

    Raises:
        Reject: 5720 when a signature holds for no key that counts, or is missing where only signed apps are taken.

    """
    ca = stored_ca(session.storage)
    bound = app.full_hash
    unbound = app.record.image.full_hash(session.identity.model.target_id, "")
    by_software = _holds(session.attestation.factory.software_public_key, bound, signature)
    by_ca = ca is not None and any(_holds(ca.public_key, digest, signature) for digest in (bound, unbound))
    is_stranger = peer.authority is not Authority.ISSUER
    by_peer = is_stranger and any(_holds(peer.public_key, digest, signature) for digest in (bound, unbound))
    if signature and not (by_software or by_ca or by_peer):
        raise Reject(StatusWord.PKI_SIGNATURE_INVALID)
    if peer.authority is Authority.ISSUER and not by_software:
        raise Reject(StatusWord.PKI_SIGNATURE_INVALID)
    flags = AppFlag.SIGNED if by_software or by_ca else AppFlag(0)
    if peer.authority is Authority.ISSUER:
        flags |= AppFlag.ISSUER
    if by_ca or peer.authority is Authority.CUSTOM_CA:
        flags |= AppFlag.CUSTOM_CA
    # what an app asks for is signed with it; nobody but who signs apps for this device grants it, and the person is told
    wanted = app.record.image.create.flags & AppFlag.SIGN_WITHOUT_CODE_HASH
    granted = wanted if flags & AppFlag.SIGNED else AppFlag(0)
    trusted = by_software or (by_ca and peer.authority is Authority.CUSTOM_CA)
    ask = peer.authority is Authority.NOBODY or not trusted or bool(granted)
    return Verdict(flags=flags | granted, ask=ask, signed_by=_signer(by_software=by_software, ca=ca if by_ca else None))


def require_software_signature(session: Session, full_hash: bytes, signature: bytes) -> None:
    """Raise Reject (5720) unless the key for software of this device's factory signed this hash: firmware has no other way in."""
    attestation = session.attestation
    if not attestation.is_provisioned or not _holds(attestation.factory.software_public_key, full_hash, signature):
        raise Reject(StatusWord.PKI_SIGNATURE_INVALID)


async def review_app(session: Session, app: InstalledApp, *, signed_by: str) -> None:
    """Show what would be installed, and ask; raise Reject (6985) when the answer is no."""
    items = [
        Item("Version", (app.version or "none",)),
        Item("Identifier", (app.full_hash.hex(),)),
        Item("Signed by", (signed_by,)),
    ]
    if app.flags & AppFlag.SIGN_WITHOUT_CODE_HASH:
        items.append(Item("It may", (_PERMISSION_TEXT,)))
    refusal = StatusWord.CONDITIONS_NOT_SATISFIED
    await ask_review(session, *items, intro=("Install app", app.name), approve="INSTALL", refusal=refusal)


def _signer(*, by_software: bool, ca: CustomCa | None) -> str:
    if by_software:
        return _ISSUER_TEXT
    return _NOBODY_TEXT if ca is None else quoted(ca.name)


def _holds(public_key: bytes, digest: bytes, signature: bytes) -> bool:
    return bool(signature) and secp256k1.verify_ecdsa_der(public_key, digest, signature, allow_high_s=True)
