"""Sealed back-ups: for one app, on one device, once."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.secret import Secret
from tallystick.device.secure.backup import BackupRefused, Defect, Label, content_hash, seal, unseal

KEY, OTHER_KEY = Secret(bytes(range(32))), Secret(bytes(32))
LABEL = Label(name="Cosmos", serial="tallystick-00000000", generation=3)


@given(contents=st.binary(max_size=2000))
def test_contents_come_back(contents: bytes) -> None:
    """What was sealed is unsealed, and equal contents make equal back-ups."""
    raw = seal(KEY, LABEL, contents)
    assert unseal(KEY, LABEL, raw) == contents
    assert raw == seal(KEY, LABEL, contents)


@given(one=st.binary(max_size=50), two=st.binary(max_size=50))
def test_different_contents_have_different_nonces(one: bytes, two: bytes) -> None:
    """No nonce is used for two contents, or for one content under two labels."""
    head = len(LABEL.header())
    later = dataclasses.replace(LABEL, generation=4)
    nonces = {seal(KEY, label, text)[head : head + 12] for label in (LABEL, later) for text in (one, two)}
    assert len(nonces) == (2 if one == two else 4)


@pytest.mark.parametrize(
    ("label", "defect"),
    [
        (dataclasses.replace(LABEL, name="Other"), Defect.OTHER_APP),
        (dataclasses.replace(LABEL, generation=4), Defect.USED),
        (dataclasses.replace(LABEL, generation=2), Defect.USED),
        (dataclasses.replace(LABEL, serial="tallystick-00000001"), Defect.SEAL),
    ],
)
def test_back_up_is_for_its_label_alone(label: Label, defect: Defect) -> None:
    """Another app, count or device refuses it, and says why."""
    with pytest.raises(BackupRefused) as refused:
        unseal(KEY, label, seal(KEY, LABEL, b"data"))
    assert refused.value.defect is defect


def test_another_key_does_not_open_it() -> None:
    """Another recovery phrase, another key."""
    with pytest.raises(BackupRefused) as refused:
        unseal(OTHER_KEY, LABEL, seal(KEY, LABEL, b"data"))
    assert refused.value.defect is Defect.SEAL


def test_every_cut_and_changed_byte_is_refused() -> None:
    """A back-up cut at any length, or changed at any place, opens to nothing."""
    raw = seal(KEY, LABEL, b"data")
    for at in range(len(raw)):
        for broken in (raw[:at], raw[:at] + bytes([raw[at] ^ 0x40]) + raw[at + 1 :]):
            with pytest.raises(BackupRefused):
                unseal(KEY, LABEL, broken)
    with pytest.raises(BackupRefused):
        unseal(KEY, LABEL, raw + b"\x00")


def test_hash_tells_equal_from_different_to_the_holder_of_the_key_alone() -> None:
    """Equal contents have equal hashes under one key, and others under another."""
    assert content_hash(KEY, b"a") == content_hash(KEY, b"a")
    assert content_hash(KEY, b"a") != content_hash(KEY, b"b")
    assert content_hash(KEY, b"a") != content_hash(OTHER_KEY, b"a")
    assert len(content_hash(KEY, b"a")) == 32
