"""Pictures of frames: size, content, cache, and frames made to hurt."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_double import RICH_EXTRA, frame
from PIL import Image

from tallystick.errors import UsageError
from tallystick.ui.asset import icon_shapes, is_inside, pixel_faces
from tallystick.ui.matrix import matrix_rows
from tallystick.ui.picture import LIT, PIXEL_WIDTH, Picture, draw_png, frame_document
from tallystick.wire.panel import Align, Bitmap, Box, Code, Drawing, Frame, Icon, Style, Text

SIZES = {"nanos": (128, 32), "nanosp": (128, 64), "stax": (400, 672), "flex": (480, 600), "apex_p": (300, 400)}


def picture(shown: Frame) -> Image.Image:
    """Return the decoded PNG of a frame in shades of grey, a lit pixel of a nano as 255."""
    image = Image.open(BytesIO(draw_png(shown)))
    assert image.mode == "RGB"
    most = LIT if shown.width <= PIXEL_WIDTH else 255
    return image.convert("L").point([min(level * 255 // most, 255) for level in range(256)])


def test_lit_pixels_of_a_nano_have_the_shade_of_speculos():
    """Pictures are of three colours a pixel and a nano's lit pixels are 221, as in the pictures that suites compare with."""
    image = Image.open(BytesIO(draw_png(frame(1, "Hello"))))
    assert {colour for _, colour in image.getcolors()} == {(0, 0, 0), (221, 221, 221)}


def drawn(*elements, size=(128, 64)) -> Image.Image:
    """Return the picture of some elements."""
    return picture(Frame(sequence=1, width=size[0], height=size[1], drawing=Drawing(elements=elements)))


def box_of(image: Image.Image, *, paper: bool = False) -> tuple[int, int, int, int] | None:
    """Return the box of what is drawn."""
    return image.point(lambda level: (level < 128 if paper else level > 127) * 255).getbbox()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_picture_has_the_size_of_the_screen_and_shows_something(size):
    """The PNG of each model decodes, is as large as its screen, and is not blank."""
    image = picture(frame(1, "Hello", size=size, extra=RICH_EXTRA))
    assert image.size == size
    assert len(image.getcolors(100_000)) > 1


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_picture_changes_when_the_frame_does(size):
    """Two texts draw two pictures, the same text draws the same one."""
    assert draw_png(frame(1, "Hello", size=size)) == draw_png(frame(2, "Hello", size=size))
    assert draw_png(frame(1, "Hello", size=size)) != draw_png(frame(1, "Hallo", size=size))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_screen_that_is_not_lit_is_dark(size):
    """Nothing shows of a frame that is not lit."""
    assert picture(frame(1, "Hello", size=size, lit=False)).getextrema() == (0, 0)


def test_nano_screens_have_lit_and_dark_pixels_only():
    """A nano picture without bitmaps of an app has two levels."""
    assert picture(frame(1, "Hello", "World", extra=RICH_EXTRA)).getcolors() is not None
    assert {level for _, level in picture(frame(1, "Hello", extra=RICH_EXTRA)).getcolors()} == {0, 255}


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize(
    "text", ["W" * 17, "cosmos15yk64u7zc9", "ÄÖÜ g|{}~@", "\N{REPLACEMENT CHARACTER}漢字 \N{BULLET}"]
)
def test_line_of_a_nano_screen_fits_its_box(style, text):
    """Seventeen characters, however wide, in whatever style, are drawn whole inside their box of 112 pixels."""
    left, top, right, bottom = box_of(drawn(Text(x=8, y=20, w=112, h=12, text=text, style=style)))
    assert 8 <= left < right <= 120
    assert 18 <= top < bottom <= 34


@pytest.mark.parametrize("style", Style)
def test_line_of_a_touch_screen_fits_its_box(style):
    """A line too wide at its usual size is drawn smaller, not cut."""
    element = Text(x=24, y=100, w=352, h=32, text="W" * 40, style=style)
    left, top, right, bottom = box_of(drawn(element, size=(400, 672)), paper=True)
    assert 23 <= left < right <= 377
    assert 98 <= top < bottom <= 134


@pytest.mark.parametrize("size", [(128, 64), (400, 672)])
def test_alignment_places_a_line(size):
    """A line aligned left begins at its box, a centred one has its middle there."""
    is_paper = size[0] > 128
    left = box_of(drawn(Text(x=8, y=20, w=112, h=16, text="HiH", align=Align.LEFT), size=size), paper=is_paper)
    centre = box_of(drawn(Text(x=8, y=20, w=112, h=16, text="HiH"), size=size), paper=is_paper)
    assert left[0] in range(8, 11)
    assert abs((centre[0] + centre[2]) / 2 - 64) <= 1.5


def test_bar_is_filled_by_its_percentage():
    """Forty percent of a box are lit, the rest is an outline."""
    image = drawn(Box(x=8, y=20, w=100, h=7, filled=40))
    assert [image.getpixel((x, 23)) for x in (8, 30, 47, 48, 90, 107)] == [255, 255, 255, 0, 0, 255]


def test_inverted_text_is_dark_on_a_lit_box():
    """The box of an inverted line is lit, its letters are not."""
    image = drawn(Text(x=8, y=20, w=112, h=12, text="HIDE", inverted=True))
    assert image.getpixel((9, 21)) == 255
    assert 0 in [image.getpixel((x, 26)) for x in range(8, 120)]


@pytest.mark.parametrize("size", [(128, 64), (400, 672)])
@pytest.mark.parametrize("name", [*icon_shapes(), "cosmos", ""])
def test_every_icon_is_drawn_inside_its_box(size, name):
    """Known icons show their shape, unknown ones a box with their first letter."""
    image = drawn(Icon(x=40, y=20, w=14, h=14, name=name), size=size)
    left, top, right, bottom = box_of(image, paper=size[0] > 128)
    assert 40 <= left < right <= 54
    assert 20 <= top < bottom <= 34


@pytest.mark.parametrize("bpp", [1, 2, 4])
@pytest.mark.parametrize("size", [(128, 64), (400, 672)])
def test_bitmap_shows_its_levels(bpp, size):
    """The first pixel has the highest level, the last of the row the lowest, whatever the depth."""
    width = 10
    stride = (width * bpp + 7) // 8
    row = bytes([0xFF << (8 - bpp) & 0xFF, *bytes(stride - 1)])
    image = drawn(Bitmap(x=5, y=6, w=width, h=2, bpp=bpp, data=row * 2), size=size)
    assert [image.getpixel((x, 7)) for x in (5, 6, 14)] == [255, 0, 0]


@pytest.mark.parametrize("size", [(128, 64), (400, 672)])
def test_code_is_drawn_module_by_module(size):
    """The QR code on the picture has the modules of the encoder, at a whole scale."""
    side = 60 if size[0] == 128 else 240
    rows = matrix_rows("cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7" if side > 60 else "A")
    text = "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7" if side > 60 else "A"
    image = drawn(Code(x=2, y=2, w=side, h=side, text=text), size=size)
    margin = 2 if side == 60 else 0
    scale = side // (len(rows) + margin)
    left = 2 + (side - scale * (len(rows) + margin)) // 2 + scale * margin // 2
    middle = [left + scale * number + scale // 2 for number in range(len(rows))]
    read = ["".join("0" if image.getpixel((x, y)) else "1" for x in middle) for y in middle]
    assert read == list(rows)


def test_text_too_long_for_a_code_has_no_modules():
    """More than a QR code can hold is no error, and draws nothing."""
    assert matrix_rows("x" * 5000) == ()
    for size in ((128, 64), (400, 672)):
        drawn(Code(x=2, y=2, w=60, h=60, text="x" * 1000 + "é" * 1000), size=size)


def test_document_of_a_frame_carries_the_modules_of_its_codes():
    """The page has no encoder: the JSON of a code has its modules, and is a frame all the same."""
    shown = frame(3, "Address", extra=[Code(x=0, y=0, w=60, h=60, text="A")])
    document = frame_document(shown)
    assert document["elements"][-1]["modules"] == list(matrix_rows("A"))
    assert Frame.from_json(document) == shown


def test_picture_is_drawn_once_for_each_frame(monkeypatch):
    """A second request for the same frame gets the same bytes without drawing."""
    drawings = []
    monkeypatch.setattr("tallystick.ui.picture.draw_png", lambda shown: drawings.append(shown) or b"png")
    cache, first, second = Picture(), frame(1, "a"), frame(2, "b")
    assert cache.png(first) == cache.png(first) == b"png"
    cache.png(second)
    assert drawings == [first, second]


@pytest.mark.parametrize("size", [(0, 64), (-1, 10), (65535, 65535), (2000, 10)])
def test_screen_larger_than_any_model_is_refused(size):
    """A frame cannot make the panel draw gigapixels."""
    with pytest.raises(UsageError):
        draw_png(frame(1, "a", size=size))


numbers = st.integers(-1, 700) | st.sampled_from([4095, 65535])
texts = st.text(max_size=20)
boxes = {"x": numbers, "y": numbers, "w": numbers, "h": numbers}
elements = st.one_of(
    st.builds(Text, **boxes, text=texts, style=st.sampled_from(Style), inverted=st.booleans()),
    st.builds(Icon, **boxes, name=st.sampled_from(["left", "warning", "", "unknown"])),
    st.builds(Box, **boxes, filled=st.integers(0, 100), radius=numbers),
    st.builds(Code, **boxes, text=texts),
    st.builds(
        Bitmap, x=numbers, y=numbers, w=st.just(8), h=st.just(2), bpp=st.just(1), data=st.binary(min_size=2, max_size=2)
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(elements, max_size=6), st.sampled_from(list(SIZES.values())))
def test_any_elements_draw_a_picture_of_the_right_size(shown, size):
    """Elements beside, beyond or larger than the screen neither fail nor change its size."""
    assert drawn(*shown, size=size).size == size


def test_pixel_font_has_the_characters_of_review_screens():
    """Every printable ASCII character and those the OS draws have a glyph in the proportional faces."""
    needed = {chr(code) for code in range(0x20, 0x7F)} | set(
        "\N{BULLET}\N{HORIZONTAL ELLIPSIS}\N{REPLACEMENT CHARACTER}"
    )
    for face in ("regular", "bold"):
        assert needed <= set(pixel_faces()[face])
    assert {chr(code) for code in range(0x20, 0x7F)} <= set(pixel_faces()["narrow"])
    assert {glyph.advance for glyph in pixel_faces()["narrow"].values()} == {6}


def test_glyphs_of_the_pixel_font_can_be_told_apart():
    """No two printable ASCII characters look the same, so an address cannot be misread."""
    for face in pixel_faces().values():
        shapes = [(face[chr(code)].top, face[chr(code)].rows) for code in range(0x21, 0x7F)]
        assert len(set(shapes)) == len(shapes)


def test_point_inside_two_polygons_is_a_hole():
    """Where two polygons overlap there is no ink."""
    outer, inner = (0, 0, 10, 0, 10, 10, 0, 10), (4, 4, 6, 4, 6, 6, 4, 6)
    assert is_inside(2, 2, (outer, inner))
    assert not is_inside(5, 5, (outer, inner))
    assert not is_inside(11, 5, (outer, inner))
