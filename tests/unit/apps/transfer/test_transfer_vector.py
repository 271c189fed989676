"""The worked transfer of attestation 8, byte for byte."""

import pytest
from transfer_stage import ATTESTATION, CREATE, EXPORT, IMPORT, NONE, PUBLIC_KEY, SEALED, SIGN, FakeOs, Side, vector

from tallystick.apps.transfer import peer
from tallystick.crypto.scp import KeySigner


@pytest.fixture
def sides(monkeypatch):
    """Return sender and receiver with the keys of the vectors, and their owner in the place of ours."""
    monkeypatch.setattr(peer, "OWNER_PUBLIC_KEY", vector("owner_public"))
    both = Side("sender"), Side("receiver")
    for side, name in zip(both, ("sender", "receiver"), strict=True):
        certificate = vector(f"{name}_attestation")[65:]
        attestation = KeySigner(vector(f"{name}_attestation_private"))
        side.os = FakeOs(attestation, certificate, code_hash=vector("code_hash"))
        side.restart()
    return both


def test_a_whole_transfer_gives_the_published_bytes(sides):
    """Attestations, hellos, blob and signature are those of the vectors, and the key arrives."""
    sender, receiver = sides
    sender.os.numbers = [vector("private"), vector("sender_ephemeral_private"), vector("iv")]
    receiver.os.numbers = [vector("receiver_ephemeral_private")]
    sender.data(CREATE)
    assert sender.data(PUBLIC_KEY) == vector("public")
    assert (sender.data(ATTESTATION), receiver.data(ATTESTATION)) == (
        vector("sender_attestation"),
        vector("receiver_attestation"),
    )
    assert sender.data(EXPORT, 1) == vector("sender_hello")
    assert receiver.data(IMPORT, 1) == vector("receiver_hello")
    sender.data(EXPORT, 2, vector("receiver_attestation"))
    receiver.data(IMPORT, 2, vector("sender_attestation"))
    assert sender.data(EXPORT, 3, vector("receiver_hello")) == vector("blob")
    receiver.data(IMPORT, 3, vector("sender_hello"))
    receiver.data(IMPORT, 4, vector("blob"))
    assert (sender.status, receiver.status) == (NONE, SEALED)
    assert receiver.data(PUBLIC_KEY) == vector("public")
    assert receiver.data(SIGN, data=vector("digest")) == vector("signature")


def test_the_channel_key_is_the_published_one(sides):
    """Both sides cut the same 16 bytes out of the same agreement."""
    _, receiver = sides
    receiver.os.numbers = [vector("receiver_ephemeral_private")]
    receiver.data(IMPORT, 1)
    receiver.data(IMPORT, 2, vector("sender_attestation"))
    receiver.data(IMPORT, 3, vector("sender_hello"))
    assert receiver.app._exchange.channel_key == vector("channel_key")
