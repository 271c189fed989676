"""APDUs in gRPC messages: what is whole is taken, everything else is told apart and refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire import zemu

APDUS = st.binary(max_size=70_000).filter(lambda raw: len(raw) <= 7 + 0xFFFF)


def message(body):
    """Return `body` with the prefix of gRPC."""
    return bytes(1) + len(body).to_bytes(4, "big") + body


def test_a_request_is_what_protobuf_writes():
    """Five bytes of prefix, tag 0x0A, the length, the APDU (protobuf's encoding, bytes field)."""
    assert zemu.request(bytes.fromhex("00000000070a05b001000000")) == bytes.fromhex("b001000000")


@given(APDUS)
def test_what_is_replied_reads_as_a_request(raw):
    """Both messages have one field of the same kind, at every length."""
    assert zemu.request(zemu.reply(raw)) == raw


def test_nothing_is_left_out():
    """Protobuf does not write an empty field; the last of two counts."""
    assert zemu.request(message(b"")) == b""
    assert zemu.reply(b"") == message(b"")
    assert zemu.request(message(bytes.fromhex("0a01aa0a01bb"))) == b"\xbb"


@given(st.binary(min_size=1, max_size=300))
def test_a_message_cut_anywhere_is_refused(raw):
    """At every length, trailing bytes as well."""
    whole = zemu.reply(raw)
    for cut in range(len(whole)):
        with pytest.raises(RemoteProtocolError):
            zemu.request(whole[:cut])
    with pytest.raises(RemoteProtocolError):
        zemu.request(whole + b"\0")


@pytest.mark.parametrize(
    "body", [b"\x0a", b"\x0a\x02a", b"\x12\x01a", b"\x0a\x80\x80\x80\x01" + bytes(8), b"\x08\x01", b"\x0a\xff\xff\x7f"]
)
def test_what_is_no_field_of_bytes_is_refused(body):
    """Another field, another kind, a length that is too long or not all there."""
    with pytest.raises(RemoteProtocolError):
        zemu.request(message(body))


def test_a_compressed_message_is_told_apart():
    """Nobody offered it, and gRPC has a status of its own for it."""
    with pytest.raises(zemu.Compressed):
        zemu.request(b"\x01" + message(b"")[1:])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(raw):
    """No other exception."""
    try:
        zemu.request(raw)
    except RemoteProtocolError:
        return
    assert raw[0] == 0
