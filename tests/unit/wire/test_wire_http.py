"""APDUs in HTTP bodies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import MAX_APDU_BYTES, ResponseApdu
from tallystick.wire.http import MAX_BODY_BYTES, decode_answer, encode_bridge_request, encode_rest_request


def answer(raw: bytes) -> bytes:
    """Return the body in which a proxy gives an answer with its status word."""
    return json.dumps({"data": raw.hex()}).encode()


def test_samples_both_ways():
    """The bodies of wire-protocol A.6, as two public proxies use them."""
    apdu = bytes.fromhex("b001000000")
    assert json.loads(encode_bridge_request(apdu)) == {"apduHex": "b001000000"}
    assert json.loads(encode_rest_request(apdu)) == {"data": "b001000000"}
    assert decode_answer(b'{"data":"019000"}') == ResponseApdu(b"\x01", 0x9000)
    assert decode_answer(b'{"data": "AB9000", "error": null}') == ResponseApdu(b"\xab", 0x9000)


@given(st.binary(max_size=300))
def test_round_trip(raw):
    """Any APDU and any answer survive."""
    assert bytes.fromhex(json.loads(encode_bridge_request(raw))["apduHex"]) == raw
    assert bytes.fromhex(json.loads(encode_rest_request(raw))["data"]) == raw
    assert decode_answer(answer(raw + b"\x90\x00")) == ResponseApdu(raw, 0x9000)


BODY = answer(bytes.fromhex("b0019000"))


@pytest.mark.parametrize("size", range(len(BODY)))
def test_truncation_at_each_length_is_refused(size):
    """A body cut short is no answer."""
    with pytest.raises(RemoteProtocolError):
        decode_answer(BODY[:size])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"data":5}',
        b'{"data":null}',
        b'{"data":""}',
        b'{"data":"90 00"}',
        b'{"data":"900"}',
        b'{"data":"0x9000"}',
        b'{"data":"zz"}',
        b'{"data":"9000"} trailing',
        '{"data":"٠٠٠٠"}'.encode(),
        b"\xff\xfe",
        b"[" * 100_000,
        answer(bytes(65_539)),
        b" " * (MAX_BODY_BYTES + 1),
        b'{"data":' + b"9" * 5000 + b"}",
    ],
)
def test_anything_else_is_refused(body):
    """Hexadecimal is strict, sizes are limited, and depth or huge numbers do no harm."""
    with pytest.raises(RemoteProtocolError):
        decode_answer(body)


def test_the_longest_answer_passes():
    """The limit on bodies leaves room for the longest answer."""
    assert len(decode_answer(answer(bytes(65_536) + b"\x90\x00")).data) == 65_536


def test_a_proxys_error_is_told():
    """The host sees what the proxy said, escaped and shortened."""
    with pytest.raises(RemoteProtocolError, match="no device"):
        decode_answer(b'{"error": "no device"}')
    with pytest.raises(RemoteProtocolError) as caught:
        decode_answer(json.dumps({"error": "\x1b[2J" * 100}).encode())
    assert "\x1b" not in str(caught.value)
    with pytest.raises(RemoteProtocolError):
        decode_answer(b'{"error":{"name":"x"}}')


def test_too_long_to_encode_is_a_local_error():
    """What no peer would take is not sent."""
    for encode in (encode_bridge_request, encode_rest_request):
        with pytest.raises(LocalProtocolError):
            encode(bytes(MAX_APDU_BYTES + 1))
