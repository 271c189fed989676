"""Bech32 and Bech32m: the vectors of both BIPs, strictness, and an independent library."""

import json
from pathlib import Path

import bech32 as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import bech32
from tallystick.crypto.bech32 import Encoding
from tallystick.errors import UsageError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "crypto_bech32.json").read_text())
VALID = [(Encoding.BECH32, text) for text in VECTORS["bech32"]["valid"]]
VALID += [(Encoding.BECH32M, text) for text in VECTORS["bech32m"]["valid"]]
INVALID = [(Encoding.BECH32, text) for text in VECTORS["bech32"]["invalid"]]
INVALID += [(Encoding.BECH32M, text) for text in VECTORS["bech32m"]["invalid"]]

bounded = settings(max_examples=60, deadline=None)
hrps = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20).map(str.lower)
payloads = st.binary(max_size=36)
encodings = st.sampled_from(Encoding)


@pytest.mark.parametrize(("encoding", "text"), VALID)
def test_valid_text_is_read_and_written_back(encoding, text):
    """Each valid text of the BIPs is read as its own encoding and written back in lower case."""
    decoded = bech32.decode(text)
    assert decoded.encoding is encoding
    assert bech32.encode(decoded.hrp, decoded.data, encoding=encoding) == text.lower()


@pytest.mark.parametrize(("encoding", "text"), INVALID)
def test_invalid_text_is_refused(encoding, text):
    """Each invalid text of the BIPs is refused, whatever its fault."""
    with pytest.raises(UsageError):
        bech32.decode_bytes(text, encoding=encoding)
    with pytest.raises(UsageError):
        bech32.decode(text)


@pytest.mark.parametrize("sample", VECTORS["bech32m"]["segwit_valid"])
def test_segwit_program_is_regrouped_to_bytes(sample):
    """The witness programs of BIP-350 come out of the 5-bit values as its scripts say."""
    decoded = bech32.decode(sample["address"])
    program = bech32.convert_bits(decoded.data[1:], from_bits=5, to_bits=8, pad=False)
    assert sample["script"][4:] == program.hex()
    assert bech32.convert_bits(program, from_bits=8, to_bits=5, pad=True) == decoded.data[1:]


@pytest.mark.parametrize("address", VECTORS["bech32m"]["bad_padding"])
def test_bad_padding_is_refused(address):
    """Left-over bits that are too many, or not zero, are refused."""
    decoded = bech32.decode(address)
    with pytest.raises(UsageError, match="padding"):
        bech32.convert_bits(decoded.data[1:], from_bits=5, to_bits=8, pad=False)


@given(hrps, payloads, encodings)
@bounded
def test_bytes_make_the_round_trip(hrp, payload, encoding):
    """Bytes come back from their text, in small letters and in capitals."""
    text = bech32.encode_bytes(hrp, payload, encoding=encoding)
    assert bech32.decode_bytes(text, encoding=encoding) == (hrp, payload)
    assert bech32.decode_bytes(text.upper(), encoding=encoding) == (hrp, payload)


@given(hrps, payloads)
@bounded
def test_bech32_agrees_with_an_independent_library(hrp, payload):
    """Our text is the one an independent library writes, and it reads ours."""
    text = bech32.encode_bytes(hrp, payload)
    values = oracle.convertbits(payload, 8, 5)
    assert text == oracle.bech32_encode(hrp, values)
    assert oracle.bech32_decode(text) == (hrp, values)


@given(hrps, payloads, encodings, st.data())
@bounded
def test_one_changed_character_is_noticed(hrp, payload, encoding, draw):
    """A text with one character of its data part changed is refused."""
    text = bech32.encode_bytes(hrp, payload, encoding=encoding)
    place = draw.draw(st.integers(len(hrp) + 1, len(text) - 1))
    other = draw.draw(st.sampled_from([c for c in bech32._CHARSET if c != text[place]]))
    with pytest.raises(UsageError, match="checksum"):
        bech32.decode(text[:place] + other + text[place + 1 :])


def test_truncated_text_is_refused_at_each_length():
    """An address cut anywhere is refused."""
    text = bech32.encode_bytes("cosmos", bytes(range(20)))
    for length in range(len(text)):
        with pytest.raises(UsageError):
            bech32.decode(text[:length])


def test_trailing_character_is_refused():
    """A character after the checksum is refused, white space included."""
    text = bech32.encode_bytes("cosmos", bytes(range(20)))
    for trailing in ("q", " ", "\n", "\0"):
        with pytest.raises(UsageError):
            bech32.decode(text + trailing)


def test_mixed_case_is_refused():
    """A text with both capitals and small letters is refused."""
    text = bech32.encode_bytes("cosmos", bytes(range(20)))
    with pytest.raises(UsageError, match="mixes"):
        bech32.decode("C" + text[1:])


def test_foreign_letter_that_lowers_to_ascii_is_refused():
    """A letter beyond ASCII that becomes ASCII in lower case (the Kelvin sign) is not taken for it."""
    text = bech32.encode_bytes("k", b"\x01").upper()
    with pytest.raises(UsageError, match="outside"):
        bech32.decode("\u212a" + text[1:])


def test_length_limit_is_kept_and_can_be_raised():
    """Texts beyond 90 characters are neither written nor read, unless the caller allows more."""
    with pytest.raises(UsageError, match="90"):
        bech32.encode_bytes("a" * 83, bytes(20))
    text = bech32.encode_bytes("a" * 83, bytes(20), limit=122)
    assert len(text) == 122
    with pytest.raises(UsageError, match="90"):
        bech32.decode(text)
    assert bech32.decode_bytes(text, limit=122) == ("a" * 83, bytes(20))


@pytest.mark.parametrize("hrp", ["", "a" * 84, "Cosmos", "cos mos", "cosm\u00f6s", "\x7f"])
def test_bad_hrp_is_not_written(hrp):
    """An hrp that is empty, too long, with capitals, or outside its characters is refused by the writer."""
    with pytest.raises(UsageError, match="human-readable"):
        bech32.encode(hrp, b"", limit=200)


def test_value_over_31_is_not_written():
    """Data that are not 5-bit values are refused by the writer."""
    with pytest.raises(UsageError, match="five bits"):
        bech32.encode("a", b"\x20")


def test_other_encoding_is_refused_by_name():
    """A Bech32m text is refused where Bech32 is wanted, and the other way round."""
    for wanted, other in ((Encoding.BECH32, Encoding.BECH32M), (Encoding.BECH32M, Encoding.BECH32)):
        with pytest.raises(UsageError, match=f"not {wanted.name.lower()}"):
            bech32.decode_bytes(bech32.encode_bytes("a", b"x", encoding=other), encoding=wanted)


@pytest.mark.parametrize(("from_bits", "to_bits"), [(0, 5), (9, 5), (8, 0), (8, 9)])
def test_group_sizes_outside_one_to_eight_are_refused(from_bits, to_bits):
    """Groups of no bits, or of more than a byte, are refused."""
    with pytest.raises(UsageError, match="1 to 8"):
        bech32.convert_bits(b"\0", from_bits=from_bits, to_bits=to_bits, pad=True)


def test_value_too_wide_for_its_group_is_refused():
    """A value that does not fit in the source group is refused."""
    with pytest.raises(UsageError, match="5 bits"):
        bech32.convert_bits(b"\x20", from_bits=5, to_bits=8, pad=True)
