"""Pixels as digits, and packed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.wire.raster import BITS, digits_of_stream, fewest_bits, pack, packed_size, unpack

#: the digits that a number of bits can tell
LEVELS = {1: b"0f", 2: b"05af", 4: b"0123456789abcdef"}


@pytest.mark.parametrize(
    ("bits", "packed", "digits"),
    [(1, "a0 80", b"f0ff00"), (2, "18 c0", b"05af00"), (4, "01 20 fe d0", b"012fed")],
)
def test_rows_are_padded_to_bytes_and_the_first_pixel_is_the_highest(bits, packed, digits):
    """Pixels written down by hand, three in a row: both ways."""
    raw = bytes.fromhex(packed)
    assert unpack(raw, width=3, height=2, bits=bits) == digits
    assert pack(digits, width=3, height=2, bits=bits) == raw


@given(st.sampled_from(BITS), st.integers(0, 20), st.integers(0, 9), st.data())
def test_what_is_packed_comes_back(bits, width, height, data):
    """Packing loses nothing where the levels are those of the bits, whatever the size."""
    digits = bytes(data.draw(st.lists(st.sampled_from(LEVELS[bits]), min_size=width * height, max_size=width * height)))
    raw = pack(digits, width=width, height=height, bits=bits)
    assert len(raw) == packed_size(width, height, bits)
    assert unpack(raw, width=width, height=height, bits=bits) == digits
    assert fewest_bits(digits) <= bits


def test_levels_between_are_rounded():
    """With one bit the upper half is light."""
    assert pack(b"0789", width=4, height=1, bits=1) == b"\x30"
    assert pack(b"37cd", width=4, height=1, bits=2) == bytes([0b01_01_10_11])


@given(st.lists(st.sampled_from(LEVELS[4]), min_size=1, max_size=40))
def test_without_greys_all_but_the_darkest_is_light(levels):
    """A screen of light and dark pixels shows every level but 0 as light."""
    raw = pack(bytes(levels), width=len(levels), height=1, bits=1, has_greys=False)
    digits = unpack(raw, width=len(levels), height=1, bits=1)
    assert digits == bytes(ord("0") if level == ord("0") else ord("f") for level in levels)


def test_stream_has_no_padding():
    """Pixels that follow each other go on in the next byte."""
    assert digits_of_stream(b"\xf0\x0f", 1) == b"ffff00000000ffff"
    assert digits_of_stream(b"", 1) == b""
    assert digits_of_stream(b"\x1b", 2) == b"05af"
    assert digits_of_stream(b"\x9c", 4) == b"9c"
