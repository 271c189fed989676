"""Pictures of NBGL: their order, mirrors, colours and packings. All by hand, from the rules of native-apps 4."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.device.native.test_native_framebuffer import area, shown

from tallystick.device.native.framebuffer import Framebuffer
from tallystick.device.native.nbgl_image import (
    Image,
    Transformation,
    decompress,
    draw_image,
    expand_rle,
)

WHITE, BLACK = 3, 0


def drawn(image, data, *, skipped=0, width=3, height=2):
    """Return the rows of a screen on which a picture was drawn."""
    screen = Framebuffer(width=width, height=height, level=8)
    draw_image(screen, image, data, skipped=skipped)
    screen.refresh(area(0, 0, width, height))
    return shown(screen)[1]


@pytest.mark.parametrize(
    ("transformation", "rows"),
    [
        (Transformation.NONE, [b"531", b"642"]),
        (Transformation.HORIZONTAL_MIRROR, [b"642", b"531"]),
        (Transformation.VERTICAL_MIRROR, [b"135", b"246"]),
        (Transformation.BOTH_MIRRORS, [b"246", b"135"]),
        (Transformation.QUARTER_TURN, [b"123", b"456"]),
    ],
)
def test_pixels_run_down_the_columns_from_the_right(transformation, rows):
    """Six pixels numbered in the order they come, each way a picture may lie."""
    image = Image(area=area(0, 0, 3, 2), bits=4, map=BLACK, background=WHITE, transformation=transformation)
    assert drawn(image, bytes.fromhex("123456")) == rows


@pytest.mark.parametrize(
    ("front", "background", "pixels"), [(WHITE, BLACK, b"f00ff0"), (BLACK, WHITE, b"0ff00f"), (1, 2, b"5aa55a")]
)
def test_one_bit_is_foreground_or_background(front, background, pixels):
    """A set bit has the colour of the map, any other that of the area."""
    image = Image(
        area=area(0, 0, 3, 2), bits=1, map=front, background=background, transformation=Transformation.QUARTER_TURN
    )
    assert b"".join(drawn(image, bytes([0b100110_00]))) == pixels


def test_two_bits_are_a_colour_or_an_entry_of_the_map():
    """Without a map the four colours are themselves; with one each is looked up."""
    image = Image(area=area(0, 0, 3, 1), bits=2, map=0, background=WHITE, transformation=Transformation.QUARTER_TURN)
    assert drawn(image, bytes([0b00_01_11_00]), height=1) == [b"05f"]
    turned = Image(
        area=area(0, 0, 3, 1), bits=2, map=0b00_01_10_11, background=0, transformation=Transformation.QUARTER_TURN
    )
    assert drawn(turned, bytes([0b00_01_11_00]), height=1) == [b"fa0"]


@pytest.mark.parametrize(
    ("front", "background", "first", "last"), [(0, 3, "0", "f"), (3, 0, "f", "0"), (1, 3, "5", "f"), (2, 0, "a", "0")]
)
def test_four_bits_are_steps_from_foreground_to_background(front, background, first, last):
    """The lowest value is the foreground, the highest the background, and no step goes back."""
    image = Image(
        area=area(0, 0, 16, 1),
        bits=4,
        map=front,
        background=background,
        transformation=Transformation.QUARTER_TURN,
    )
    (row,) = drawn(image, bytes.fromhex("0123456789abcdef"), width=16, height=1)
    steps = [int(chr(digit), 16) for digit in row]
    assert (row[:1].decode(), row[-1:].decode()) == (first, last)
    assert steps in (sorted(steps), sorted(steps, reverse=True))


def test_pixels_that_are_missing_leave_what_was_there():
    """A picture may end early; what is skipped at its begin is background."""
    image = Image(area=area(0, 0, 3, 2), bits=4, map=BLACK, background=WHITE)
    assert drawn(image, b"\x12", skipped=1) == [b"81f", b"82f"]


@pytest.mark.parametrize(
    ("bits", "packed", "digits"),
    [
        (1, "23 01", "001111"),
        (1, "00 f0 0f", "0" * 15 + "1" * 9),
        (4, "c1 90 12 35 37", "ff 0123 7777"),
        (4, "84 56 2f", "456 fff"),
    ],
)
def test_runs_are_expanded(bits, packed, digits):
    """Runs and copies by hand: zeros and ones by nibbles; white, copied and repeated nibbles."""
    wanted = digits.replace(" ", "")
    raw = expand_rle(bytes.fromhex(packed), bits=bits, pixels=len(wanted))
    found = f"{int.from_bytes(raw, 'big'):0{8 * len(raw)}b}" if bits == 1 else raw.hex()
    assert found[: len(wanted)] == wanted


@given(st.binary(max_size=64), st.sampled_from([1, 4]), st.integers(0, 500))
def test_runs_never_give_more_than_asked_for(data, bits, pixels):
    """Whatever the bytes, there are at most as many pixels as the area has."""
    assert len(expand_rle(data, bits=bits, pixels=pixels)) <= (pixels * bits + 7) // 8


def test_chunks_are_decompressed_up_to_the_limit():
    """Chunks follow each other; a picture that would be larger than its area ends there, a damaged one is nothing."""
    chunks = b"".join(
        len(part).to_bytes(2, "little") + part for part in (gzip.compress(b"ab"), gzip.compress(b"c" * 99))
    )
    assert decompress(chunks, limit=5) == b"abccc"
    assert decompress(chunks[:-1], limit=500)[:2] == b"ab"
    assert decompress(b"\x04\x00abcd", limit=5) == b""
    assert decompress(b"\xff", limit=5) == b""
