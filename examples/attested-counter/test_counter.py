"""The counter on a device in the test, and the third party that believes it, or not."""

import os
from pathlib import Path

import pytest
import verify

from tallystick.testing import endorse
from tallystick.testing.factory import known_key
from tallystick.wire.bundle import Bundle

HERE = Path(__file__).parent
SOURCE = (HERE / "app.py").read_text()
MANIFEST = (HERE / "manifest.json").read_bytes()
COUNTER = Bundle.pack(MANIFEST, {"app.py": SOURCE})
CHEAT = Bundle.pack(MANIFEST, {"app.py": SOURCE.replace('b"", "big") + 1', 'b"", "big") + 0')})
OWNER = known_key("owner").public_key


def code_hash(device):
    """Return the full hash, which `tally app list` shows, too."""
    (app,) = device.board.system.session.registry.apps()
    return app.full_hash


def count(device, challenge):
    answer = device.exchange(b"\x80\x01\x00\x00" + bytes([len(challenge)]) + challenge)
    assert answer.ok
    return answer.data


@pytest.fixture
def counter(device):
    """Return a device whose attestation key the owner certified, with the counter open."""
    endorse(device)
    device.open("counter")
    return device


@pytest.mark.device(apps=[COUNTER])
def test_a_third_party_believes_each_value(counter):
    """Values go up by one, and each proof stands by itself, over a restart, too."""
    attestation = counter.exchange("8002000000").data
    for expected in (1, 2):
        challenge = os.urandom(16)
        assert verify.verified(OWNER, code_hash(counter), attestation, challenge, count(counter, challenge)) == expected
    counter.replug()
    counter.open("counter")
    challenge = os.urandom(16)
    assert verify.verified(OWNER, code_hash(counter), attestation, challenge, count(counter, challenge)) == 3


@pytest.mark.device(apps=[COUNTER])
def test_an_old_answer_and_a_changed_one_are_not_believed(counter):
    """The challenge makes it fresh; no bit of value or signature can be another."""
    attestation, challenge = counter.exchange("8002000000").data, os.urandom(16)
    answer = count(counter, challenge)
    with pytest.raises(ValueError, match="somebody else"):
        verify.verified(OWNER, code_hash(counter), attestation, os.urandom(16), answer)
    forged = (99).to_bytes(8, "big") + answer[8:]
    with pytest.raises(ValueError, match="did not say this"):
        verify.verified(OWNER, code_hash(counter), attestation, challenge, forged)
    with pytest.raises(ValueError, match="did not certify"):
        verify.verified(known_key("stranger").public_key, code_hash(counter), attestation, challenge, answer)


@pytest.mark.device(apps=[CHEAT])
def test_other_code_on_a_genuine_device_is_not_believed(device, device_factory):
    """A counter that stands still signs the same words on a certified device: its hash gives it away."""
    honest = code_hash(device_factory(apps=[COUNTER]))
    endorse(device)
    device.open("counter")
    attestation, challenge = device.exchange("8002000000").data, os.urandom(16)
    answer = count(device, challenge)
    with pytest.raises(ValueError, match="that code did not say this"):
        verify.verified(OWNER, honest, attestation, challenge, answer)
    assert verify.verified(OWNER, code_hash(device), attestation, challenge, answer) == 0
