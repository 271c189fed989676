"""Pictures of the lock screen: both compressions, every cut, and nothing that swells (wire-protocol C.7)."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.lock_image import CHUNK_BYTES, MAX_IMAGE_BYTES, LockImage
from tallystick.wire.model import MODELS


@st.composite
def images(draw: st.DrawFn) -> LockImage:
    """Draw a small picture."""
    width, height, bits = draw(st.integers(1, 80)), draw(st.integers(1, 80)), draw(st.sampled_from([1, 2, 4]))
    seed = draw(st.binary(min_size=1, max_size=40))
    size = (width * height * bits + 7) // 8
    return LockImage(width=width, height=height, bits=bits, pixels=(seed * (size // len(seed) + 1))[:size])


def test_header_is_laid_out_as_the_reference_says() -> None:
    """Width and height u16 LE, depth and compression in one byte, size u24 LE, data."""
    image = LockImage(width=400, height=2, bits=4, pixels=bytes(range(200)) * 2)
    raw = image.to_bytes(compressed=False)
    assert raw[:8].hex() == "9001" + "0200" + "20" + "900100"
    assert raw[8:] == image.pixels
    packed = image.to_bytes()
    assert packed[4] == 0x21
    assert int.from_bytes(packed[8:10], "little") == len(packed) - 10
    assert gzip.decompress(packed[10:]) == image.pixels


@given(image=images(), compressed=st.booleans())
def test_picture_comes_back(image: LockImage, compressed: bool) -> None:
    """Bytes and back, and equal pictures give equal bytes."""
    raw = image.to_bytes(compressed=compressed)
    assert LockImage.from_bytes(raw) == image
    assert raw == image.to_bytes(compressed=compressed)


@pytest.mark.parametrize("compressed", [False, True])
def test_cut_picture_is_refused_at_every_length(compressed: bool) -> None:
    """Cut anywhere or longer than announced: 681F in the header, 6820 behind it."""
    raw = LockImage(width=16, height=16, bits=1, pixels=bytes(range(32))).to_bytes(compressed=compressed)
    for size in range(len(raw)):
        with pytest.raises(RemoteProtocolError) as refused:
            LockImage.from_bytes(raw[:size])
        assert refused.value.status == (0x681F if size < 8 else 0x6820)
    with pytest.raises(RemoteProtocolError):
        LockImage.from_bytes(raw + b"\x00")


@given(noise=st.binary(max_size=200))
def test_noise_is_no_picture(noise: bytes) -> None:
    """Random bytes are read or refused with one of the two status words, and nothing else happens."""
    image, status = None, 0
    try:
        image = LockImage.from_bytes(noise)
    except RemoteProtocolError as refused:
        status = refused.status
    assert (status in {0x681F, 0x6820}) is (image is None)
    assert image is None or len(image.pixels) == (image.width * image.height * image.bits + 7) // 8


def _with_data(data: bytes, *, width: int = 400, height: int = 672, kind: int = 0x21) -> bytes:
    head = width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes([kind])
    return head + len(data).to_bytes(3, "little") + data


def _chunk(pixels: bytes) -> bytes:
    packed = gzip.compress(pixels, mtime=0)
    return len(packed).to_bytes(2, "little") + packed


def test_part_that_swells_is_refused() -> None:
    """A part that unpacks to more than 2048 bytes is no part of a picture, however small it is packed."""
    with pytest.raises(RemoteProtocolError) as refused:
        LockImage.from_bytes(_with_data(_chunk(bytes(10_000_000))))
    assert refused.value.status == 0x681F


def test_more_parts_than_pixels_are_refused() -> None:
    """Unpacking stops where the picture is full."""
    with pytest.raises(RemoteProtocolError) as refused:
        LockImage.from_bytes(_with_data(_chunk(bytes(CHUNK_BYTES)) * 100))
    assert refused.value.status == 0x6820


@pytest.mark.parametrize(
    "broken",
    [
        b"\x00\x00",
        _chunk(bytes(32))[:-1],
        _chunk(bytes(32)) + b"\x01",
        b"\x05\x00hello",
        (len(gzip.compress(bytes(32), mtime=0)) + 1).to_bytes(2, "little") + gzip.compress(bytes(32), mtime=0) + b"x",
    ],
)
def test_part_that_is_no_gzip_is_refused(broken: bytes) -> None:
    """Cut, with something behind it, or something else altogether."""
    with pytest.raises(RemoteProtocolError):
        LockImage.from_bytes(_with_data(broken, width=16, height=16, kind=0x01))


@pytest.mark.parametrize("kind", [0x30, 0xF0, 0x02, 0x2F])
def test_unknown_depth_or_compression_is_refused(kind: int) -> None:
    """Depths are 0 to 2, compressions 0 and 1."""
    with pytest.raises(RemoteProtocolError) as refused:
        LockImage.from_bytes(_with_data(b"", width=1, height=1, kind=kind))
    assert refused.value.status == 0x681F


def test_largest_picture_of_every_model_fits() -> None:
    """The bound leaves room for a picture that gzip cannot shrink."""
    import hashlib

    for model in MODELS.values():
        if not model.touch:
            continue
        size = model.screen_width * model.screen_height // 2
        noise = b"".join(hashlib.sha256(at.to_bytes(4, "big")).digest() for at in range(size // 32 + 1))[:size]
        image = LockImage(width=model.screen_width, height=model.screen_height, bits=4, pixels=noise)
        assert len(image.to_bytes()) <= MAX_IMAGE_BYTES
