"""The documents that a host keeps of an attestation: read strictly, written as they are read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.attestation import MAX_ATTESTATION_BYTES, Endorsement, HandshakeProof
from tallystick.wire.certificate import DeviceCertificate, EndorsedKey

KEYS = st.binary(min_size=64, max_size=64).map(lambda raw: b"\x04" + raw)
SIGNATURES = st.binary(min_size=8, max_size=72)
DEVICES = st.builds(DeviceCertificate, header=st.binary(max_size=255), public_key=KEYS, signature=SIGNATURES)
NONCES = st.binary(min_size=8, max_size=8)
SERIALS = st.binary(min_size=4, max_size=4)
PROOFS = st.builds(
    HandshakeProof,
    device=DEVICES,
    signer_serial=SERIALS,
    host_nonce=NONCES,
    device_nonce=NONCES,
    session=st.builds(DeviceCertificate, public_key=KEYS, signature=SIGNATURES),
)
ENDORSEMENTS = st.builds(
    Endorsement,
    slot=st.sampled_from([1, 2]),
    key=st.builds(EndorsedKey, public_key=KEYS, signature=SIGNATURES),
    device=DEVICES,
    signer_serial=SERIALS,
    owner_public_key=st.one_of(st.just(b""), KEYS),
    owner_certificate=st.binary(max_size=72),
)
EXAMPLE = Endorsement(
    slot=1,
    key=EndorsedKey(public_key=b"\x04" + bytes(64), signature=bytes(8)),
    device=DeviceCertificate(header=b"\x10", public_key=b"\x04" + bytes(64), signature=bytes(8)),
    signer_serial=bytes(4),
)
PROOF = HandshakeProof(
    device=EXAMPLE.device, signer_serial=bytes(4), host_nonce=bytes(8), device_nonce=bytes(8), session=EXAMPLE.device
)


def raw(document: object) -> bytes:
    """Return a document as bytes."""
    return json.dumps(document).encode()


@given(PROOFS)
def test_handshake_comes_back(proof: HandshakeProof) -> None:
    """What is written is read as it was, for every size that fits."""
    assert HandshakeProof.from_json(raw(proof.to_document())) == proof


@given(ENDORSEMENTS)
def test_endorsement_comes_back(endorsement: Endorsement) -> None:
    """What is written is read as it was, with and without an owner."""
    assert Endorsement.from_json(raw(endorsement.to_document())) == endorsement


@pytest.mark.parametrize("member", sorted(EXAMPLE.to_document()))
def test_endorsement_without_a_member_is_none(member: str) -> None:
    """Every member is there, and has its form."""
    document = EXAMPLE.to_document()
    for bad in ({**document, member: None}, {**document, member: "zz"}, {**document, member: "0A"}):
        with pytest.raises(RemoteProtocolError):
            Endorsement.from_json(raw(bad))
    del document[member]
    with pytest.raises(RemoteProtocolError):
        Endorsement.from_json(raw(document))


@pytest.mark.parametrize("member", sorted(PROOF.to_document()))
def test_handshake_without_a_member_is_none(member: str) -> None:
    """Every member is there, and has its form."""
    document = PROOF.to_document()
    for bad in ({**document, member: 1}, {**document, member: "zz"}):
        with pytest.raises(RemoteProtocolError):
            HandshakeProof.from_json(raw(bad))
    del document[member]
    with pytest.raises(RemoteProtocolError):
        HandshakeProof.from_json(raw(document))


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b"{}",
        raw({**EXAMPLE.to_document(), "more": ""}),
        raw({**EXAMPLE.to_document(), "slot": 0}),
        raw({**EXAMPLE.to_document(), "slot": 3}),
        raw({**EXAMPLE.to_document(), "slot": True}),
        raw({**EXAMPLE.to_document(), "format": "tallystick-endorsement/2"}),
        raw({**EXAMPLE.to_document(), "header": "00" * 256}),
        raw({**EXAMPLE.to_document(), "attestation_public_key": "02" + "00" * 64}),
        raw({**EXAMPLE.to_document(), "owner_certificate": "00" * 73}),
        raw(EXAMPLE.to_document())[:-1] + b', "slot": 2}',
        raw(EXAMPLE.to_document()) + b" {}",
        raw(PROOF.to_document()),
        b" " * (MAX_ATTESTATION_BYTES + 1),
    ],
)
def test_other_documents_are_refused(bad: bytes) -> None:
    """A member more, twice, out of bounds, or another document altogether: RemoteProtocolError and nothing else."""
    with pytest.raises(RemoteProtocolError):
        Endorsement.from_json(bad)


@given(st.integers(min_value=0, max_value=len(raw(EXAMPLE.to_document())) - 1))
def test_cut_document_is_refused(size: int) -> None:
    """Whatever is missing at the end, there is no document."""
    with pytest.raises(RemoteProtocolError):
        Endorsement.from_json(raw(EXAMPLE.to_document())[:size])


def test_there_is_no_third_key() -> None:
    """A device has attestation keys 1 and 2."""
    with pytest.raises(LocalProtocolError):
        Endorsement(slot=3, key=EXAMPLE.key, device=EXAMPLE.device, signer_serial=bytes(4))
