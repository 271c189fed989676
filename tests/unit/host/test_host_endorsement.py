"""The commands of attestation keys, and what a witness of a manager's flow makes of them."""

from __future__ import annotations

import pytest

from tallystick.crypto.scp import KeySigner
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.host.commands.endorsement import MakeKey, StoreCertificate
from tallystick.host.commands.relayed import Relayed
from tallystick.host.gesture import Gesture
from tallystick.host.trust import Witness
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.certificate import (
    DeviceCertificate,
    EndorsedKey,
    device_ephemeral_message,
    endorsement_message,
)
from tallystick.wire.dashboard import Ins, request

DEVICE, OTHER = KeySigner(b"\x11" * 32), KeySigner(b"\x22" * 32)
HOST_NONCE, DEVICE_NONCE = b"hostnonc", b"devnonce"
SHOWN = DeviceCertificate(header=b"\x10", public_key=DEVICE.public_key, signature=bytes(8))
SESSION = DeviceCertificate(
    public_key=OTHER.public_key,
    signature=DEVICE.sign(
        device_ephemeral_message(host_nonce=HOST_NONCE, device_nonce=DEVICE_NONCE, public_key=OTHER.public_key)
    ),
)


def made(key: KeySigner = DEVICE) -> EndorsedKey:
    """Return an attestation key that `key` signed."""
    return EndorsedKey(public_key=OTHER.public_key, signature=key.sign(endorsement_message(OTHER.public_key)))


def shaken() -> Witness:
    """Return who has seen a whole handshake."""
    witness = Witness()
    witness.observe(request(Ins.CHANNEL_NONCE, data=HOST_NONCE), bytes(4) + DEVICE_NONCE)
    witness.observe(request(Ins.CHANNEL_DEVICE_CERTIFICATE), SHOWN.to_bytes())
    witness.observe(request(Ins.CHANNEL_DEVICE_CERTIFICATE, 0x80), SESSION.to_bytes())
    return witness


def test_commands_are_those_of_the_reference() -> None:
    """E0 C0 with the slot in P1, E0 C2 with the certificate; the second answers with nothing."""
    assert MakeKey(slot=2).to_apdu().to_bytes() == bytes.fromhex("e0c0020000")
    assert StoreCertificate(certificate=b"\x30\x01").to_apdu().to_bytes() == bytes.fromhex("e0c20000023001")
    assert MakeKey(slot=1).parse(made().to_bytes()) == made()
    for raw in (b"", made().to_bytes()[:70], made().to_bytes() + bytes(72)):
        with pytest.raises(RemoteProtocolError):
            MakeKey(slot=1).parse(raw)
    with pytest.raises(RemoteProtocolError):
        StoreCertificate(certificate=b"\x30").parse(b"\x00")


def test_manager_that_replaces_a_key_waits_for_the_person() -> None:
    """Of what a manager has a device do, the handshake and a certificate may wait for the person; other classes do not."""
    assert Relayed.of(request(Ins.ENDORSEMENT_COMMIT, data=b"\x30")).gesture is Gesture.REPLACE_KEY
    assert Relayed.of(request(Ins.ENDORSEMENT_START, 1)).gesture is None
    assert Relayed.of(CommandApdu(cla=0x80, ins=0xC2, p1=0, p2=0)).gesture is None


def test_witness_sees_the_key_and_its_certificate() -> None:
    """What passed by is the whole document, and a later key begins anew without a certificate."""
    witness = shaken()
    witness.observe(request(Ins.ENDORSEMENT_START, 2), made().to_bytes())
    witness.observe(request(Ins.ENDORSEMENT_COMMIT, data=b"\x30\x01"), b"")
    found = witness.endorsement()
    assert (found.slot, found.key, found.device, found.owner_certificate) == (2, made(), SHOWN, b"\x30\x01")
    witness.observe(request(Ins.ENDORSEMENT_START, 1), made().to_bytes())
    assert witness.endorsement().owner_certificate == b""


def test_witness_of_no_key_or_another_devices_key_says_so() -> None:
    """Without a handshake, a key, a real slot, or the device's own signature there is no document."""
    with pytest.raises(TrustError):
        Witness().endorsement()
    with pytest.raises(TrustError, match="no attestation key"):
        shaken().endorsement()
    for slot, key, reason in ((1, made(OTHER), "did not sign"), (3, made(), "no attestation key")):
        witness = shaken()
        witness.observe(request(Ins.ENDORSEMENT_START, slot), key.to_bytes())
        with pytest.raises(TrustError, match=reason):
            witness.endorsement()
