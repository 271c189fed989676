"""What a third party checks of a device, its attestation keys and what apps signed with them: keys in, links of a chain out.

No device, no server and no secret is needed (attestation 0, 3, 4). A chain is worth what its first key is worth: the caller
brings the keys of the issuers and owners that count, and takes none of them from a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum, unique

from tallystick.crypto.endorsement import verify_app_key, verify_with_code_hash
from tallystick.errors import TrustError, UsageError
from tallystick.host.trust import Issuer, issuer_of, system_suite
from tallystick.wire.attestation import Endorsement, HandshakeProof
from tallystick.wire.certificate import DeviceCertificate, endorsement_message, owner_message

__all__ = [
    "Link",
    "LinkKind",
    "Scheme",
    "Statement",
    "device_link",
    "endorsement_links",
    "handshake_links",
    "owner_link",
    "require_all",
    "statement_link",
]


@unique
class LinkKind(StrEnum):
    """What a signature of a chain is about; the values are stable words."""

    DEVICE_CERTIFICATE = "device_certificate"
    SESSION = "session"
    CHALLENGE = "challenge"
    ATTESTATION_KEY = "attestation_key"
    OWNER_CERTIFICATE = "owner_certificate"
    STATEMENT = "statement"


@unique
class Scheme(IntEnum):
    """How an app's statement is signed (attestation 4)."""

    #: attestation key 1 over the message and the app's hash
    CODE_HASH = 1
    #: the key that attestation key 2 has for the app's hash, over the message
    APP_KEY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One signature: what it is about, who is said to have made it, the key it is about (hexadecimal), whether it holds."""

    kind: LinkKind
    signer: str
    subject: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A message that an app, named by its full hash (32 bytes), had signed (DER)."""

    scheme: Scheme
    code_hash: bytes
    message: bytes
    signature: bytes


def device_link(device: DeviceCertificate, issuers: Iterable[Issuer]) -> Link:
    """Return the link from an issuer to a device; it holds when one of these issuers certified it."""
    issuer = issuer_of(device, issuers)
    return Link(
        kind=LinkKind.DEVICE_CERTIFICATE,
        signer="unknown issuer" if issuer is None else f"issuer ({issuer.name})",
        subject=device.public_key.hex(),
        holds=issuer is not None,
    )


def handshake_links(
    proof: HandshakeProof, issuers: Iterable[Issuer], *, challenge: bytes | None = None
) -> tuple[Link, ...]:
    """Return the links from an issuer to one session of a device; with `challenge` (8 bytes) it must be of this challenge."""
    session = Link(
        kind=LinkKind.SESSION,
        signer="device",
        subject=proof.session.public_key.hex(),
        holds=system_suite().verify(proof.device.public_key, proof.message, proof.session.signature),
    )
    links = (device_link(proof.device, issuers), session)
    if challenge is None:
        return links
    fresh = session.holds and proof.host_nonce == challenge
    return (*links, Link(kind=LinkKind.CHALLENGE, signer="device", subject=proof.host_nonce.hex(), holds=fresh))


def endorsement_links(endorsement: Endorsement, issuers: Iterable[Issuer]) -> tuple[Link, Link]:
    """Return the links from an issuer to an attestation key."""
    key = endorsement.key
    holds = system_suite().verify(endorsement.device.public_key, endorsement_message(key.public_key), key.signature)
    made = Link(kind=LinkKind.ATTESTATION_KEY, signer="device", subject=key.public_key.hex(), holds=holds)
    return device_link(endorsement.device, issuers), made


def owner_link(public_key: bytes, certificate: bytes, owner: bytes) -> Link:
    """Return the link from an owner (65 bytes) to an attestation key (65 bytes)."""
    holds = system_suite().verify(owner, owner_message(public_key), certificate)
    return Link(kind=LinkKind.OWNER_CERTIFICATE, signer="owner", subject=public_key.hex(), holds=holds)


def statement_link(public_key: bytes, statement: Statement) -> Link:
    """Return the link from an attestation key (65 bytes) to what an app said."""
    verify = verify_with_code_hash if statement.scheme is Scheme.CODE_HASH else verify_app_key
    try:
        holds = verify(public_key, statement.message, statement.code_hash, signature=statement.signature)
    except UsageError:
        # a key that is none, or for which the app has none, has signed nothing
        holds = False
    return Link(
        kind=LinkKind.STATEMENT,
        signer=f"attestation key {int(statement.scheme)}",
        subject=statement.code_hash.hex(),
        holds=holds,
    )


def require_all(links: Sequence[Link]) -> None:
    """Raise TrustError when there is no link, or one that does not hold."""
    broken = [link for link in links if not link.holds]
    if broken or not links:
        what = ", ".join(f"{link.kind.value} by {link.signer}" for link in broken) or "nothing"
        is_issuers = any(link.kind is LinkKind.DEVICE_CERTIFICATE for link in broken)
        remedy = "name the issuer that is expected with --issuer-key; tally manager keys show prints it"
        raise TrustError(f"the chain does not hold: {what}", remedy=remedy if is_issuers else "")
