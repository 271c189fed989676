"""The device's own key: made once, certified once, never shown."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.device.secure.attestation import Attestation
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import StateCorrupt, StateError, TallyError, TrustError
from tallystick.testing.factory import certify, known_key
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.provisioning import StartedProvisioning

SERIAL = "tallystick-0badcafe"
CHALLENGE = bytes(range(32))


def started(flash: MemoryFlash | FaultyFlash, *, rng: int = 1) -> tuple[Attestation, StartedProvisioning]:
    """Return a device's key and its answer to START."""
    attestation = Attestation(flash=flash, rng=RepeatableRng(rng))
    return attestation, attestation.start(challenge=CHALLENGE, serial=SERIAL)


def test_start_proves_the_key() -> None:
    """The proof is a signature of the key over challenge, serial and key; the next START keeps the key."""
    flash = MemoryFlash()
    _, answer = started(flash)
    message = StartedProvisioning.proof_message(
        challenge=CHALLENGE, serial=SERIAL, device_public_key=answer.device_public_key
    )
    assert verify_ecdsa_der(answer.device_public_key, sha256(message), answer.proof)
    _, again = started(flash, rng=2)
    assert again.device_public_key == answer.device_public_key
    assert started(MemoryFlash(), rng=2)[1].device_public_key != answer.device_public_key


def test_finish_is_for_good() -> None:
    """Certificate and trusted keys are there in the next life; a second FINISH and a START's new key are not possible."""
    flash = MemoryFlash()
    attestation, answer = started(flash)
    assert not attestation.is_provisioned
    attestation.finish(certify(answer), serial=SERIAL)
    later = Attestation(flash=flash, rng=RepeatableRng(9))
    assert later.is_provisioned
    assert later.factory == certify(answer)
    assert later.signer.public_key == answer.device_public_key
    with pytest.raises(StateError):
        later.finish(certify(answer), serial=SERIAL)


def test_certificate_that_does_not_hold_changes_nothing() -> None:
    """Another signature, another device's header, a key off the curve: refused, and the right one is taken afterwards."""
    attestation, answer = started(MemoryFlash())
    good = certify(answer)
    other = certify(dataclasses.replace(answer, serial="tallystick-00000001"))
    off = b"\x04" + b"\x01" * 64
    for bad in (
        dataclasses.replace(good, issuer_signature=other.issuer_signature),
        other,
        dataclasses.replace(good, issuer_public_key=known_key("stranger").public_key),
        dataclasses.replace(good, issuer_public_key=off),
        dataclasses.replace(good, software_public_key=off),
        dataclasses.replace(good, issuer_signature=b"\x30" + bytes(70)),
    ):
        with pytest.raises(TrustError):
            attestation.finish(bad, serial=SERIAL)
        assert not attestation.is_provisioned
    attestation.finish(good, serial=SERIAL)


def test_nothing_is_there_before_start() -> None:
    """Neither key nor certificate, and nothing to finish; asking for them is an error and makes nothing."""
    flash = MemoryFlash()
    attestation = Attestation(flash=flash, rng=RepeatableRng(1))
    _, answer = started(MemoryFlash())
    for ask in (
        lambda: attestation.signer,
        lambda: attestation.factory,
        lambda: attestation.finish(certify(answer), serial=SERIAL),
    ):
        with pytest.raises(StateError):
            ask()
    assert flash.names() == []


@pytest.mark.parametrize("writes", range(2))
def test_power_cut_leaves_a_device_that_can_be_provisioned(writes: int) -> None:
    """Cut off at either write, provisioning is done again from the start, and holds."""
    flash = MemoryFlash()

    def provision(on: MemoryFlash | FaultyFlash) -> None:
        attestation, answer = started(on)
        attestation.finish(certify(answer), serial=SERIAL)

    with pytest.raises(PowerCut):
        provision(FaultyFlash(flash, cut_after=writes))
    provision(flash)
    assert Attestation(flash=flash, rng=RepeatableRng(3)).is_provisioned


def test_damaged_record_is_told() -> None:
    """Any byte changed, cut or added is a damaged state: no key is guessed."""
    flash = MemoryFlash()
    attestation, answer = started(flash)
    attestation.finish(certify(answer), serial=SERIAL)
    raw = flash.read("attestation") or b""
    broken = [raw[:size] for size in range(len(raw))] + [raw + b"\x00"]
    broken += [raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :] for at in range(len(raw))]
    for one in broken:
        flash.write("attestation", one)
        with pytest.raises(StateCorrupt, match="attestation"):
            Attestation(flash=flash, rng=RepeatableRng(1))


def test_key_is_in_no_text() -> None:
    """Neither repr nor errors nor pickles hold the private key."""
    flash = MemoryFlash()
    attestation, answer = started(flash)
    private = (flash.read("attestation") or b"")[5:37]
    assert KeySigner(private).public_key == answer.device_public_key
    for one in (attestation, attestation.signer, attestation._stored):
        for text in (repr(one), str(one)):
            assert private.hex() not in text
            assert repr(private)[2:-1] not in text
    with pytest.raises((TallyError, TypeError)):
        pickle.dumps(attestation._stored)
