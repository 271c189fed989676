"""Chains of attestation, held to the published vectors and to what a real device signed (attestation 8)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.crypto.scp import KeySigner
from tallystick.errors import TrustError
from tallystick.host.evidence import (
    LinkKind,
    Scheme,
    Statement,
    device_link,
    endorsement_links,
    handshake_links,
    owner_link,
    require_all,
    statement_link,
)
from tallystick.host.trust import VENDOR_ISSUER, Issuer
from tallystick.wire.attestation import Endorsement, HandshakeProof
from tallystick.wire.certificate import (
    DeviceCertificate,
    EndorsedKey,
    device_ephemeral_message,
    device_message,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "attestation.json").read_text())
KEYS, MADE, APP, REAL = VECTORS["keys"], VECTORS["attestation_keys"], VECTORS["app"], VECTORS["real_device"]


def value(text: str) -> bytes:
    """Return bytes of a vector."""
    return bytes.fromhex(text)


ISSUER = Issuer(name="vector", public_key=value(KEYS["issuer_public"]))
OWNER = value(KEYS["owner_public"])
HEADER = bytes.fromhex("10a1a2a3a4a5a6")
DEVICE = DeviceCertificate(
    header=HEADER,
    public_key=value(KEYS["device_public"]),
    signature=KeySigner(value(KEYS["issuer_private"])).sign(
        device_message(header=HEADER, public_key=value(KEYS["device_public"]))
    ),
)


def endorsement(slot: int) -> Endorsement:
    """Return one of the worked keys with its whole chain."""
    return Endorsement(
        slot=slot,
        key=EndorsedKey.from_bytes(value(MADE[f"answer_{slot}"])),
        device=DEVICE,
        signer_serial=bytes(4),
        owner_public_key=OWNER,
        owner_certificate=value(MADE[f"owner_certificate_{slot}"]),
    )


def statement(scheme: Scheme) -> Statement:
    """Return the worked statement of a scheme."""
    name = "key1_sign_data" if scheme is Scheme.CODE_HASH else "key2_derive_sign_data"
    return Statement(
        scheme=scheme, code_hash=value(APP["code_hash"]), message=value(APP["message"]), signature=value(APP[name])
    )


def real() -> Endorsement:
    """Return the key of a real device, as it was published."""
    said, made = value(REAL["device_message"]), value(REAL["attestation_message"])
    device = DeviceCertificate(header=said[1:8], public_key=said[8:], signature=value(REAL["issuer_signature"]))
    key = EndorsedKey(public_key=made[1:], signature=value(REAL["device_signature"]))
    return Endorsement(slot=2, key=key, device=device, signer_serial=bytes(4))


@pytest.mark.parametrize("slot", [1, 2])
def test_worked_chain_holds_from_issuer_and_owner_to_statement(slot: int) -> None:
    """Issuer, device, attestation key, owner and statement of the vectors: every link holds, by the name of its issuer."""
    chain = endorsement(slot)
    key = chain.key.public_key
    links = [
        *endorsement_links(chain, [VENDOR_ISSUER, ISSUER]),
        owner_link(key, chain.owner_certificate, OWNER),
        statement_link(key, statement(Scheme(slot))),
    ]
    assert [link.holds for link in links] == [True] * 4
    assert [link.kind for link in links] == [
        LinkKind.DEVICE_CERTIFICATE,
        LinkKind.ATTESTATION_KEY,
        LinkKind.OWNER_CERTIFICATE,
        LinkKind.STATEMENT,
    ]
    assert links[0].signer == "issuer (vector)"
    require_all(links)


def test_what_a_real_device_signed_holds_to_the_vendors_issuer() -> None:
    """A published statement of a real device verifies by scheme 2, its key and its certificate by the vendor's issuer."""
    said = Statement(
        scheme=Scheme.APP_KEY,
        code_hash=value(REAL["code_hash"]),
        message=value(REAL["message"]),
        signature=value(REAL["signature"]),
    )
    require_all([*endorsement_links(real(), [VENDOR_ISSUER]), statement_link(real().key.public_key, said)])
    changed = replace(said, message=said.message + b"\x00")
    assert not statement_link(real().key.public_key, changed).holds


@pytest.mark.parametrize("scheme", list(Scheme))
def test_statement_of_another_message_code_key_or_scheme_does_not_hold(scheme: Scheme) -> None:
    """Every part of a statement counts; nothing of it raises, whatever it is."""
    good, key = statement(scheme), endorsement(int(scheme)).key.public_key
    other = Scheme.APP_KEY if scheme is Scheme.CODE_HASH else Scheme.CODE_HASH
    bad = [
        replace(good, message=good.message[:-1]),
        replace(good, code_hash=bytes(32)),
        replace(good, code_hash=b""),
        replace(good, scheme=other),
        replace(good, signature=b""),
        replace(good, signature=good.signature + b"\x00"),
        replace(good, signature=statement(other).signature),
    ]
    assert not any(statement_link(key, one).holds for one in bad)
    for wrong in (endorsement(int(other)).key.public_key, b"\x04" + bytes(64), b""):
        assert not statement_link(wrong, good).holds


def test_links_by_somebody_else_do_not_hold() -> None:
    """Another issuer, device or owner vouches for nothing; a certificate of one role is none of another."""
    chain = endorsement(1)
    key = chain.key.public_key
    assert not device_link(DEVICE, [VENDOR_ISSUER]).holds
    assert not device_link(DEVICE, []).holds
    assert device_link(DEVICE, []).signer == "unknown issuer"
    moved = replace(chain, device=real().device)
    assert [link.holds for link in endorsement_links(moved, [ISSUER, VENDOR_ISSUER])] == [True, False]
    assert not owner_link(key, chain.owner_certificate, ISSUER.public_key).holds
    assert not owner_link(key, chain.key.signature, chain.device.public_key).holds
    assert not owner_link(key, b"RSK_ENDORSEMENT_OK", OWNER).holds
    assert not owner_link(endorsement(2).key.public_key, chain.owner_certificate, OWNER).holds
    swapped = replace(chain, key=replace(chain.key, signature=chain.owner_certificate))
    assert not endorsement_links(swapped, [ISSUER])[1].holds


def test_handshake_is_of_its_challenge_and_nonces() -> None:
    """A session counts for the challenge it was made with, and for none when the device did not sign it."""
    session = KeySigner(b"\x05" * 32).public_key
    nonces = {"host_nonce": b"challeng", "device_nonce": b"devnonce"}
    signature = KeySigner(value(KEYS["device_private"])).sign(device_ephemeral_message(public_key=session, **nonces))
    proof = HandshakeProof(
        device=DEVICE,
        signer_serial=bytes(4),
        session=DeviceCertificate(public_key=session, signature=signature),
        **nonces,
    )

    def holds(one: HandshakeProof, challenge: bytes | None = None) -> list[bool]:
        return [link.holds for link in handshake_links(one, [ISSUER], challenge=challenge)]

    assert holds(proof) == [True, True]
    assert holds(proof, b"challeng") == [True, True, True]
    assert holds(proof, b"another!") == [True, True, False]
    older = replace(proof, host_nonce=b"another!")
    assert holds(older, b"another!") == [True, False, False]
    mirrored = replace(proof, host_nonce=b"devnonce", device_nonce=b"challeng")
    assert holds(mirrored) == [True, False]


def test_chain_of_nothing_is_not_one() -> None:
    """No link at all proves nothing, and one that does not hold is named."""
    with pytest.raises(TrustError, match="nothing"):
        require_all([])
    with pytest.raises(TrustError, match="device_certificate by unknown issuer"):
        require_all(endorsement_links(endorsement(1), []))
