"""Certificates: published bytes, round trips, truncation, and the order of what is signed."""

import hashlib

import pytest
from channel_pair import SAMPLES, VECTORS
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import secp256k1
from tallystick.crypto.scp import KeySigner
from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.certificate import (
    DeviceCertificate,
    EndorsedKey,
    HostCertificate,
    device_ephemeral_message,
    device_message,
    endorsement_message,
    host_ephemeral_message,
    owner_message,
    signer_message,
)

KEY = b"\x04" + bytes(range(64))
keys = st.binary(min_size=64, max_size=64).map(lambda body: b"\x04" + body)
signatures = st.binary(min_size=8, max_size=72)
headers = st.binary(max_size=255)
certificates = st.one_of(
    st.builds(HostCertificate, public_key=keys, signature=signatures),
    st.builds(DeviceCertificate, header=headers, public_key=keys, signature=signatures),
    st.builds(EndorsedKey, public_key=keys, signature=signatures),
)
EXAMPLES = [
    HostCertificate(public_key=KEY, signature=bytes(70)),
    DeviceCertificate(header=b"\x10abcdef", public_key=KEY, signature=bytes(71)),
    DeviceCertificate(public_key=KEY, signature=bytes(72)),
]


def holds(public_key, message, signature):
    """Tell whether a signature holds."""
    return secp256k1.verify_ecdsa_der(public_key, hashlib.sha256(message).digest(), signature)


@given(certificate=certificates)
def test_certificates_both_ways(certificate):
    """What is written is read back the same."""
    assert type(certificate).from_bytes(certificate.to_bytes()) == certificate


@pytest.mark.parametrize("certificate", EXAMPLES, ids=["host", "device", "session"])
def test_certificates_cut_anywhere_or_longer_are_refused(certificate):
    """Every truncation, and every further byte, is 6700."""
    raw = certificate.to_bytes()
    for data in [*(raw[:size] for size in range(len(raw))), raw + b"\x00"]:
        with pytest.raises(RemoteProtocolError) as refusal:
            type(certificate).from_bytes(data)
        assert refusal.value.status == 0x6700


@pytest.mark.parametrize("size", [*range(73), 138, 200])
def test_an_endorsed_key_of_another_length_is_refused(size):
    """Key and signature stand side by side: fewer than 8 or more than 72 bytes behind the key are 6700."""
    with pytest.raises(RemoteProtocolError):
        EndorsedKey.from_bytes((KEY + bytes(200))[:size])


@pytest.mark.parametrize("prefix", [0, 2, 3, 5, 6, 7, 255])
@pytest.mark.parametrize("certificate", EXAMPLES[:2], ids=["host", "device"])
def test_keys_in_another_form_are_refused(certificate, prefix):
    """Compressed and hybrid keys, and anything else that does not begin with 04, are no keys here."""
    raw = certificate.to_bytes().replace(KEY, bytes([prefix]) + KEY[1:])
    with pytest.raises(RemoteProtocolError):
        type(certificate).from_bytes(raw)


@pytest.mark.parametrize("size", [0, 33, 64, 66])
def test_keys_of_another_length_are_refused(size):
    """A key field of other than 65 bytes is 6700, and cannot be written."""
    raw = bytes([size]) + bytes(size) + b"\x46" + bytes(70)
    with pytest.raises(RemoteProtocolError):
        HostCertificate.from_bytes(raw)
    with pytest.raises(LocalProtocolError):
        HostCertificate(public_key=bytes(size), signature=bytes(70))


@pytest.mark.parametrize("size", [0, 7, 73, 255])
def test_signatures_of_another_length_are_refused(size):
    """A signature field of fewer than 8 or more than 72 bytes is 6700, and cannot be written."""
    with pytest.raises(RemoteProtocolError):
        HostCertificate.from_bytes(b"\x41" + KEY + bytes([size]) + bytes(size))
    with pytest.raises(LocalProtocolError):
        HostCertificate(public_key=KEY, signature=bytes(size))


@pytest.mark.parametrize("name", SAMPLES)
def test_messages_of_the_published_handshakes(name):
    """Roles, order of nonces and header are those that the published signatures are over."""
    sample = SAMPLES[name]
    public = {role: bytes.fromhex(key) for role, key in sample["public"].items()}
    nonces = {side: bytes.fromhex(sample[side]) for side in ("host_nonce", "device_nonce")}
    steps = [bytes.fromhex(command)[5:] for command, _ in sample["handshake"]]
    answers = [bytes.fromhex(reply) for _, reply in sample["handshake"]]
    static, session = HostCertificate.from_bytes(steps[2]), HostCertificate.from_bytes(steps[3])
    assert holds(public["signer"], signer_message(static.public_key), static.signature)
    message = host_ephemeral_message(public_key=session.public_key, **nonces)
    assert holds(public["signer"], message, session.signature)
    device, session = DeviceCertificate.from_bytes(answers[4]), DeviceCertificate.from_bytes(answers[5])
    assert holds(public["issuer"], device.message, device.signature)
    assert device.message == device_message(header=device.header, public_key=device.public_key)
    message = device_ephemeral_message(public_key=session.public_key, **nonces)
    assert holds(public["device"], message, session.signature)


def test_digests_of_the_reference():
    """What is hashed is what wire-protocol D.6 says."""
    sample = SAMPLES["reference"]
    public = {role: bytes.fromhex(key) for role, key in sample["public"].items()}
    nonces = {side: bytes.fromhex(sample[side]) for side in ("host_nonce", "device_nonce")}
    messages = {
        "signer": signer_message(public["signer"]),
        "host_ephemeral": host_ephemeral_message(public_key=public["host_ephemeral"], **nonces),
        "device_ephemeral": device_ephemeral_message(public_key=public["device_ephemeral"], **nonces),
    }
    assert {role: hashlib.sha256(message).hexdigest() for role, message in messages.items()} == sample["digest"]


def test_endorsements_of_the_published_examples():
    """Endorsed keys and the owner's certificate come out byte for byte from the published keys."""
    first, second = SAMPLES["reference"], SAMPLES["attestation"]
    for sample, private in ((first, first["private"]["endorsement"]), (second, second["attestation_1_private"])):
        key = KeySigner(bytes.fromhex(private)).public_key
        device = KeySigner(bytes.fromhex(sample["private"]["device"]))
        endorsed = EndorsedKey(public_key=key, signature=device.sign(endorsement_message(key)))
        assert endorsed.to_bytes().hex() == sample["endorsement_answer"]
        assert EndorsedKey.from_bytes(endorsed.to_bytes()) == endorsed
    owner = KeySigner(bytes.fromhex(second["private"]["owner"]))
    assert owner.sign(owner_message(key)).hex() == second["owner_certificate"]


def test_messages_of_real_hardware():
    """The published certificates of a real device hold under our reading of what is signed."""
    real = {name: bytes.fromhex(text) for name, text in VECTORS["hardware"].items() if name != "origin"}
    header, key = real["device_message"][1:8], real["device_message"][8:]
    message = device_message(header=header, public_key=key)
    assert message == real["device_message"]
    assert holds(real["issuer"], message, real["issuer_signature"])
    message = endorsement_message(real["attestation_message"][1:])
    assert message == real["attestation_message"]
    assert holds(key, message, real["device_signature"])


def test_messages_of_wrong_parts_are_mistakes_of_the_caller():
    """Nonces, keys and headers of a wrong length never get signed."""
    for make in (signer_message, endorsement_message, owner_message):
        with pytest.raises(LocalProtocolError):
            make(KEY[:64])
    with pytest.raises(LocalProtocolError):
        device_message(header=bytes(256), public_key=KEY)
    with pytest.raises(LocalProtocolError):
        DeviceCertificate(header=bytes(256), public_key=KEY, signature=bytes(70))
    for make in (host_ephemeral_message, device_ephemeral_message):
        with pytest.raises(LocalProtocolError):
            make(host_nonce=bytes(8), device_nonce=bytes(7), public_key=KEY)
