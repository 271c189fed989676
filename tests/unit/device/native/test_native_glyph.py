"""Text by the pictures of its letters, and what becomes of lines that are painted over."""

import struct

import pytest
from tests.unit.device.native.test_native_framebuffer import area

from tallystick.device.native.bagl_font import find_glyphs
from tallystick.device.native.cpu import Access
from tallystick.device.native.generation import generation_of
from tallystick.device.native.glyph import Texts
from tallystick.device.native.memory import BadPointer, Memory
from tallystick.device.native.worker import UnicornCpu
from tallystick.wire.call_canvas import LabelKind

PLACE = 0x00400000
#: of a font with the letters A to C, whose pixels have 4 bytes each; B has none
LETTERS = {"A": 0, "B": 4, "C": 4}


def memory_with(data):
    """Return an app's memory that begins with `data`."""
    memory = Memory(UnicornCpu(), generation_of("nanox", 26))
    memory.add(PLACE, data, size_bytes=len(data), access=Access.READ)
    return memory


def font(*, first=0x41, last=0x43):
    """Return a font by hand: its head, its characters, its pixels, at the begin of flash."""
    characters = b"".join(struct.pack("<II", offset, 0) for offset in LETTERS.values())
    head = struct.pack("<I9B3xII", 8, 8, 0, 14, 14, 0, 0, 0, first, last, PLACE + 24, PLACE + 48)
    return head + characters + bytes(8)


def early_font(level):
    """Return flash with a font of an API level before 15: its head, its characters from 24 on, its pixels from 48 on."""
    if level <= 6:
        head = struct.pack("<8B", 0, 1, 14, 0, 14, 0, 0x41, 0x43)
        characters = b"".join(struct.pack("<BBH", 6, 4, offset) for offset in LETTERS.values())
    else:
        head = struct.pack("<I4B", 8, 0, 1, 14, 14) + bytes(3 if level == 14 else 2) + b"\x41\x43"
        # the bits around a letter's place say how it is drawn
        characters = b"".join(struct.pack("<I", 0xFFFF8001 | offset << 1) for offset in LETTERS.values())
    head += bytes(-len(head) % 4) + struct.pack("<II", PLACE + 24, PLACE + 48)
    return head.ljust(24, b"\0") + characters.ljust(24, b"\0") + bytes(8)


@pytest.mark.parametrize("level", [5, 6, 7, 13, 14])
def test_fonts_of_early_levels_have_forms_of_their_own(level):
    """The head grew twice, and what is said of a letter was bytes, then bits of one word: the same letters are found in all."""
    found = Texts(memory_with(early_font(level)), model="stax")
    found.learn_font(PLACE, level=level)
    found.drawn(area(10, 5, 6, 8), PLACE + 48)
    found.drawn(area(16, 5, 6, 8), PLACE + 52)
    assert [line[0] for line in lines(found)] == ["AC"]


@pytest.fixture
def texts():
    """Return the texts of a screen whose font is known."""
    found = Texts(memory_with(font()), model="nanox")
    found.learn_font(PLACE)
    return found


def lines(texts):
    """Return what a screen says."""
    return [(label.text, label.x, label.y, label.w, label.h) for label in texts.labels()]


def test_letters_side_by_side_are_one_line(texts):
    """Each picture is the letter whose pixels it has; a space has none."""
    texts.drawn(area(10, 5, 6, 8), PLACE + 48)
    texts.drawn(area(16, 5, 3, 8), 0, is_empty=True)
    texts.drawn(area(19, 3, 6, 12), PLACE + 52)
    assert lines(texts) == [("A C", 10, 3, 15, 12)]


def test_space_above_its_letters_goes_on_with_their_line(texts):
    """Fonts of letters cut to their rows have spaces that begin higher, without rows: the line begins there, and is no higher below."""
    texts.drawn(area(10, 5, 6, 8), PLACE + 48)
    texts.drawn(area(16, 2, 3, 12), 0, is_empty=True)
    texts.drawn(area(19, 6, 6, 6), PLACE + 48)
    assert lines(texts) == [("A A", 10, 2, 15, 11)]


@pytest.mark.parametrize("place", [(10, 13), (40, 5), (10, -4)])
def test_letter_below_or_far_away_begins_another_line(texts, place):
    """A line ends where the next letter is not beside it."""
    texts.drawn(area(10, 5, 6, 8), PLACE + 48)
    texts.drawn(area(*place, 6, 8), PLACE + 48)
    assert [line[0] for line in lines(texts)] == ["A", "A"]


def test_line_is_fresh_once(texts):
    """A line that stays is told again, but not as news."""
    texts.drawn(area(10, 5, 6, 8), PLACE + 48)
    assert [label.fresh for label in texts.labels()] == [True]
    assert [label.fresh for label in texts.labels()] == [False]


def test_letters_drawn_each_on_its_own_ground_are_one_line(texts):
    """What is painted beside a line does not end it: keyboards clear the place of each letter before they draw it."""
    for x in (10, 16, 22):
        texts.covered(area(x, 2, 6, 14))
        texts.drawn(area(x, 5, 6, 8), PLACE + 48)
    assert lines(texts) == [("AAA", 10, 5, 18, 8)]


def test_line_that_is_painted_over_is_gone(texts):
    """Half of it is enough; a rule beside it, or its edge, is not."""
    texts.drawn(area(10, 5, 20, 8), PLACE + 48)
    texts.covered(area(0, 0, 128, 6))
    texts.covered(area(0, 20, 128, 1))
    assert len(lines(texts)) == 1
    texts.drawn(area(0, 0, 128, 10), 0x1234)
    assert lines(texts) == []


def test_new_line_in_its_place_takes_the_old_one_away(texts):
    """A text drawn over another one without clearing stands alone."""
    texts.tell("old", area(0, 0, 50, 10))
    texts.labels()
    texts.tell("new", area(5, 1, 50, 10), kind=LabelKind.CENTRED)
    assert [(label.text, label.kind) for label in texts.labels()] == [("new", LabelKind.CENTRED)]


def test_lines_that_tell_themselves_are_not_read_from_letters(texts):
    """Once a library tells its texts, its letters add none."""
    texts.tell("told", area(0, 0, 50, 10))
    texts.drawn(area(10, 30, 6, 8), PLACE + 48)
    assert [line[0] for line in lines(texts)] == ["told"]


def test_flood_of_lines_is_bounded(texts):
    """However much is written, what is told has a limit, and what cannot be printed is a question mark."""
    for number in range(500):
        texts.tell("\x01" + "x" * 1000, area(0, 10 * number, 50, 10))
    labels = texts.labels()
    assert len(labels) <= 64
    assert {label.text for label in labels} == {"?" + "x" * 255}


@pytest.mark.parametrize(
    "damaged",
    [font(first=0x43, last=0x41), font()[:16] + struct.pack("<II", 0x10, PLACE + 48), font(last=0xFF)[:24]],
)
def test_damaged_font_is_a_bad_pointer(damaged):
    """A font that points elsewhere, or has its letters in the wrong order, is not learned."""
    found = Texts(memory_with(damaged.ljust(1024, b"\xff")[:1024]), model="nanox")
    with pytest.raises(BadPointer):
        found.learn_font(PLACE if damaged[13:15] != b"\x41\xff" else PLACE + 1020)


def test_library_without_fonts_has_none():
    """No symbols, no fonts, no error."""
    found = Texts(memory_with(b"\0" * 16), model="nanox")
    found.learn({})
    found.learn({"C_nbgl_fonts": 0xFFFFFFF0, "C_nbgl_fonts_count": PLACE})
    found.drawn(area(0, 0, 8, 8), PLACE)
    assert found.labels() == ()


def bagl_font(*, is_old, shift=0):
    """Return a font of BAGL by hand, 0x20 to 0x7E, three bytes a letter, at the begin of flash."""
    count = 0x7F - 0x20
    head_bytes = 20 if is_old else 16
    characters, bitmap = PLACE + head_bytes, PLACE + head_bytes + 4 * count
    if is_old:
        head = struct.pack("<IBBBBHHII", 8, 1, 12, 9, 0, 0x20, 0x7E, characters, bitmap + shift)
        words = [(3 * number) << 16 for number in range(count)]
    else:
        head = struct.pack("<HBBBBBBII", 3 * count, 10, 1, 12, 9, 0x20, 0x7E, characters, bitmap + shift)
        words = [(3 * number) << 2 for number in range(count)]
    return head + struct.pack(f"<{count}I", *words) + bytes(3 * count), bitmap


@pytest.mark.parametrize("is_old", [True, False])
def test_fonts_are_found_by_their_form(is_old):
    """Both forms of a font are found in an app's flash, wherever no name leads to them."""
    code, bitmap = bagl_font(is_old=is_old)
    glyphs = find_glyphs(memory_with(code), code)
    assert glyphs[bitmap + 3 * (ord("A") - 0x20)] == "A"
    assert len(glyphs) == 0x7F - 0x20


def test_what_only_looks_like_a_font_is_none():
    """Pointers beside the app's memory, or offsets that go back, make it something else."""
    code, _bitmap = bagl_font(is_old=False, shift=0x1000000)
    assert find_glyphs(memory_with(code), code) == {}
    code, _bitmap = bagl_font(is_old=False)
    mixed = code[:16] + code[20:24] + code[16:20] + code[24:]
    assert find_glyphs(memory_with(mixed), mixed) == {}


def rust_font(*, height=12, before=b""):
    """Return a font as apps in Rust have them, all letters 7 pixels wide, I and l with the same pixels."""
    pixels = PLACE + len(before) + 8 * 96 + 97
    places = [pixels + 11 * (number if chr(0x20 + number) != "I" else ord("l") - 0x20) for number in range(96)]
    slices = b"".join(struct.pack("<II", place, 11) for place in places)
    return before + slices + bytes([7] * 96 + [height]) + bytes(11 * 96), pixels


@pytest.mark.parametrize("before", [b"", struct.pack("<II", PLACE, 5)])
def test_fonts_of_rust_are_found_by_their_slices(before):
    """Pointers and lengths that fit the sizes behind them are a font, whatever stands before; the later letter counts."""
    flash, pixels = rust_font(before=before)
    glyphs = find_glyphs(memory_with(flash), flash)
    assert glyphs[pixels] == " "
    assert glyphs[pixels + 11 * (ord("A") - 0x20)] == "A"
    assert glyphs[pixels + 11 * (ord("l") - 0x20)] == "l"
    assert len(glyphs) == 95


@pytest.mark.parametrize("height", [0, 11])
def test_slices_that_do_not_fit_their_sizes_are_no_font(height):
    """Other lengths than width and height ask for, and a table at the end of flash, are something else."""
    flash, _pixels = rust_font(height=height)
    assert find_glyphs(memory_with(flash), flash) == {}
    cut = rust_font()[0][: 8 * 96 + 96]
    assert find_glyphs(memory_with(cut), cut) == {}
