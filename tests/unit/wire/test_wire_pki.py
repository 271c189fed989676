"""Certificates for native apps: a real one, any one, and what is none."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.pki import MAX_CERTIFICATE_BYTES, PkiCertificate, PkiDevice, PkiStatus
from tallystick.wire.tlv import Tlv

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "pki.json").read_text())["certificates"]
MADE = PkiCertificate(key_id=7, usage=8, curve=0x21, public_key=b"\x02" + bytes(32), signature=b"s")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["model"])
def test_real_certificate_is_read_and_written_as_it_is(vector):
    """Certificates that real apps bring are read, and become the same bytes again."""
    raw = bytes.fromhex(vector["hex"])
    read = PkiCertificate.from_bytes(raw)
    assert ((read.trusted_name or b"").lower(), read.usage, read.signer_key_id) == (b"nft_info", 3, 2)
    assert (read.key_id, read.curve, read.device) == (4, 0x21, PkiDevice[vector["model"].upper()])
    assert read.to_bytes() == raw


@given(
    numbers=st.fixed_dictionaries(
        {},
        optional={
            "newest_os": st.integers(0, 2**32 - 1),
            "validity_index": st.integers(2, 2**32 - 1),
            "challenge": st.binary(max_size=16),
            "time": st.integers(0, 2**32 - 1),
            "trusted_name": st.binary(max_size=32),
            "device": st.integers(0, 255),
            "depth": st.integers(0, 255),
            "signer_key_id": st.integers(0, 2**16 - 1),
        },
    ),
    signature=st.binary(min_size=1, max_size=72),
)
def test_round_trip(numbers, signature):
    """Any certificate can be told."""
    made = dataclasses.replace(MADE, **numbers, signature=signature)
    assert PkiCertificate.from_bytes(made.to_bytes()) == made


def test_certificate_cut_or_continued_is_refused():
    """A part of a certificate is none, nor is one with something behind it."""
    raw = MADE.to_bytes()
    for end in range(len(raw)):
        with pytest.raises(RemoteProtocolError):
            PkiCertificate.from_bytes(raw[:end])
    for tail in (b"\0", Tlv(0x36, b"\1").to_bytes(), raw):
        with pytest.raises(RemoteProtocolError):
            PkiCertificate.from_bytes(raw + tail)


def elements(change):
    """Return the parts of a certificate, some of them changed: value by tag, None for one that is left out."""
    raw, parts, at = MADE.to_bytes(), {}, 0
    while at < len(raw):
        parts[raw[at]] = raw[at + 2 : at + 2 + raw[at + 1]]
        at += 2 + raw[at + 1]
    parts |= change
    order = sorted(parts, key=lambda tag: (tag == 0x15, tag))
    return b"".join(Tlv(tag, parts[tag]).to_bytes() for tag in order if parts[tag] is not None)


@pytest.mark.parametrize(
    ("tag", "value", "status"),
    [
        (0x01, b"\2", PkiStatus.STRUCTURE),
        (0x02, b"\3", PkiStatus.VERSION),
        (0x10, b"\1\2\3", PkiStatus.VALIDITY),
        (0x11, b"\0\0\0\1", PkiStatus.VALIDITY_INDEX),
        (0x13, b"\1", PkiStatus.SIGNER),
        (0x13, None, PkiStatus.SIGNER),
        (0x14, b"", PkiStatus.SIGNATURE_ALGORITHM),
        (0x16, b"\0", PkiStatus.TIME),
        (0x20, bytes(33), PkiStatus.NAME),
        (0x30, None, PkiStatus.KEY_ID),
        (0x31, b"\0\1", PkiStatus.USAGE),
        (0x32, None, PkiStatus.CURVE),
        (0x33, None, PkiStatus.BAD_KEY),
        (0x34, b"\1\1", PkiStatus.KEY_ALGORITHM),
        (0x35, b"", PkiStatus.DEVICE),
        (0x36, b"\1\1", PkiStatus.DEPTH),
        (0x37, b"\1", PkiStatus.UNKNOWN_TAG),
        (0x12, bytes(MAX_CERTIFICATE_BYTES), PkiStatus.UNKNOWN_TAG),
        (0x15, None, PkiStatus.SIGNATURE),
        (0x15, b"", PkiStatus.SIGNATURE),
    ],
)
def test_what_is_wrong_is_told_by_the_words_of_the_sdk(tag, value, status):
    """Each element that is wrong or missing has its own status."""
    with pytest.raises(RemoteProtocolError) as caught:
        PkiCertificate.from_bytes(elements({tag: value}))
    assert caught.value.status == status


def test_elements_have_one_order():
    """Elements out of order, or twice, are refused: a certificate has one encoding."""
    raw = MADE.to_bytes()
    assert raw[3:6] == b"\x02\x01\x02"
    for other in (raw[:6] + raw[3:6] + raw[6:], raw[:3] + raw[6:10] + raw[3:6] + raw[10:]):
        with pytest.raises(RemoteProtocolError) as caught:
            PkiCertificate.from_bytes(other)
        assert caught.value.status == PkiStatus.UNKNOWN_TAG


def test_value_that_does_not_fit_is_our_mistake():
    """A number larger than its element cannot be told."""
    with pytest.raises(LocalProtocolError):
        _ = dataclasses.replace(MADE, usage=256).message
