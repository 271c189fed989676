"""APDUs in HTTP bodies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import MAX_APDU_BYTES, ResponseApdu
from tallystick.wire.http import (
    MAX_BODY_BYTES,
    decode_answer,
    decode_bridge_request,
    decode_rest_request,
    encode_answer,
    encode_bridge_request,
    encode_error,
    encode_rest_request,
)


def test_samples_both_ways():
    """The bodies of wire-protocol A.6, as two public proxies use them."""
    apdu = bytes.fromhex("b001000000")
    assert json.loads(encode_bridge_request(apdu)) == {"apduHex": "b001000000"}
    assert decode_bridge_request(b'{"apduHex":"B001000000"}') == apdu
    assert json.loads(encode_rest_request(apdu)) == {"data": "b001000000"}
    assert decode_rest_request(b'{"data": "b001000000", "tick_timeout": 5}') == apdu
    assert json.loads(encode_answer(ResponseApdu(b"\x01", 0x9000))) == {"data": "019000"}
    assert decode_answer(b'{"data":"019000"}') == ResponseApdu(b"\x01", 0x9000)


@given(st.binary(max_size=300))
def test_round_trip(raw):
    """Any APDU and any answer survive."""
    assert decode_bridge_request(encode_bridge_request(raw)) == raw
    assert decode_rest_request(encode_rest_request(raw)) == raw
    assert decode_answer(encode_answer(raw + b"\x90\x00")) == ResponseApdu(raw, 0x9000)


BODY = encode_bridge_request(bytes.fromhex("b001000000"))


@pytest.mark.parametrize("size", range(len(BODY)))
def test_truncation_at_each_length_is_refused(size):
    """A body cut short is no request."""
    with pytest.raises(RemoteProtocolError):
        decode_bridge_request(BODY[:size])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"apduHex":5}',
        b'{"apduHex":null}',
        b'{"apduHex":"b0 01"}',
        b'{"apduHex":"b00"}',
        b'{"apduHex":"0xb001"}',
        b'{"apduHex":"zz"}',
        b'{"apduHex":"b001"} trailing',
        '{"apduHex":"٠٠"}'.encode(),
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"apduHex":"' + b"00" * (MAX_APDU_BYTES + 1) + b'"}',
        b" " * (MAX_BODY_BYTES + 1),
        b'{"apduHex":' + b"9" * 5000 + b"}",
    ],
)
def test_anything_else_is_refused(body):
    """Hexadecimal is strict, sizes are limited, and depth or huge numbers do no harm."""
    with pytest.raises(RemoteProtocolError):
        decode_bridge_request(body)


def test_the_longest_apdu_passes():
    """The limit on bodies leaves room for the longest APDU."""
    assert len(decode_bridge_request(encode_bridge_request(bytes(MAX_APDU_BYTES)))) == MAX_APDU_BYTES


def test_a_proxys_error_is_told():
    """The host sees what the proxy said, escaped and shortened."""
    with pytest.raises(RemoteProtocolError, match="no device"):
        decode_answer(encode_error("no device"))
    with pytest.raises(RemoteProtocolError) as caught:
        decode_answer(encode_error("\x1b[2J" * 100))
    assert "\x1b" not in str(caught.value)
    with pytest.raises(RemoteProtocolError):
        decode_answer(b'{"error":{"name":"x"}}')


def test_too_long_to_encode_is_a_local_error():
    """What no peer would take is not sent."""
    with pytest.raises(LocalProtocolError):
        encode_rest_request(bytes(MAX_APDU_BYTES + 1))
