"""The one TLV codec."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.tlv import Tlv, TlvWriter, iterate_tlv

# (bytes before the value, length): the three forms at their edges, wire-protocol E.4
FORMS = [("0500", 0), ("057f", 0x7F), ("058180", 0x80), ("0581ff", 0xFF), ("05820100", 0x100), ("0582ffff", 0xFFFF)]


@pytest.mark.parametrize(("head", "length"), FORMS)
def test_each_form_of_length_both_ways(head, length):
    """The length takes the shortest form, and only that."""
    raw = bytes.fromhex(head) + bytes(length)
    assert Tlv(5, bytes(length)).to_bytes() == raw
    assert list(iterate_tlv(raw)) == [Tlv(5, bytes(length))]


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=5))
def test_round_trip(elements):
    """Any sequence of elements survives in order."""
    writer = TlvWriter()
    for tag, value in elements:
        writer.add(tag, value)
    assert [(element.tag, element.value) for element in iterate_tlv(writer.to_bytes())] == elements


@pytest.mark.parametrize("head", ["05", "0501", "0581", "058180", "0582", "058201", "05820100", "058201000000"])
def test_truncation_is_refused(head):
    """An element cut short is 6700, or whatever the caller says."""
    with pytest.raises(RemoteProtocolError) as caught:
        list(iterate_tlv(bytes.fromhex(head), status=0x6A80))
    assert caught.value.status == 0x6A80


@pytest.mark.parametrize(
    "raw", ["058100", "05817f" + "00" * 127, "05820000", "058200ff" + "00" * 255, "0580", "0583000001aa"]
)
def test_non_minimal_and_unknown_lengths_are_refused(raw):
    """A value has one encoding."""
    with pytest.raises(RemoteProtocolError):
        list(iterate_tlv(bytes.fromhex(raw)))


def test_what_does_not_fit_is_a_local_error():
    """65,536 bytes and a second byte of tag have no form."""
    for element in (Tlv(5, bytes(65_536)), Tlv(256, b"")):
        with pytest.raises(LocalProtocolError):
            element.to_bytes()
