"""Icons that apps carry among their install parameters."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.app_icon import MAX_SIDE, AppIcon, icon_or_none

PICTURE = [
    "......#.......",
    ".....##.......",
    "....##........",
    "...##.........",
    "..############",
    ".#############",
    "..############",
    "...##.........",
    "....##........",
    ".....##.......",
    "......#.......",
    "..............",
    "#.............",
    "##............",
]


def newer(width: int, height: int, form: int, data: bytes) -> bytes:
    """Return an icon of the newer form."""
    head = width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes((form,))
    return head + len(data).to_bytes(3, "little") + data


def of_picture() -> bytes:
    """Return the picture as files for a Nano X have it: bits run down the columns, from the right one to the left."""
    bits = "".join("1" if PICTURE[row][column] == "#" else "0" for column in range(13, -1, -1) for row in range(14))
    return newer(14, 14, 0x00, int(f"{bits:0<200}", 2).to_bytes(25, "big"))


ARROW = of_picture()


def rows(icon: AppIcon) -> list[str]:
    """Return the rows of an icon, lit pixels as #."""
    text = icon.digits.decode().replace("f", "#").replace("0", ".")
    return [text[at : at + icon.width] for at in range(0, len(text), icon.width)]


def test_a_newer_icon_is_read_column_by_column_from_the_right():
    """The newer form of a Nano X is the picture that the app's maker drew."""
    icon = AppIcon.from_bytes(ARROW)
    assert (icon.width, icon.height) == (14, 14)
    assert rows(icon) == PICTURE


def test_an_older_icon_is_read_row_by_row_from_the_lowest_bit():
    """The older form has a palette, rows from the top, and the first pixel in the lowest bit."""
    raw = bytes.fromhex("01 00000000 ffffff00") + bytes((0x01, 0x00)) + bytes(28) + bytes((0x00, 0x80))
    icon = AppIcon.from_bytes(raw)
    assert rows(icon) == ["#" + "." * 15, *["." * 16] * 14, "." * 15 + "#"]


def test_the_zero_of_a_color_may_be_at_either_end():
    """One of the vendor's tools writes colors from the other end: white is white."""
    pixels = bytes((0x01,)) + bytes(24)
    one, other = (
        AppIcon.from_bytes(bytes.fromhex(f"01 00000000 {white}") + pixels) for white in ("ffffff00", "00ffffff")
    )
    assert one == other
    assert rows(one)[0] == "#" + "." * 13


def test_the_palette_of_an_older_icon_says_what_is_light():
    """With the palette turned round, dark pixels are light ones."""
    raw = bytes.fromhex("01 ffffff00 00000000") + bytes(25)
    assert set(rows(AppIcon.from_bytes(raw))) == {"#" * 14}


def test_packed_forms_give_the_same_picture():
    """Plain, gzip and runs of four bits are three ways to write one picture."""
    plain = bytes.fromhex("0f0f")
    chunk = gzip.compress(plain)
    wanted = AppIcon.from_bytes(newer(2, 2, 0x20, plain))
    assert wanted.digits == b"00ff"
    assert AppIcon.from_bytes(newer(2, 2, 0x21, len(chunk).to_bytes(2, "little") + chunk)) == wanted
    assert AppIcon.from_bytes(newer(2, 2, 0x22, bytes.fromhex("000f000f"))) == wanted


def test_packed_rows_are_those_of_the_panel():
    """A picture goes to the panel with no more bits than it needs, its rows padded."""
    assert AppIcon(width=3, height=2, digits=b"0f0fff").packed() == (1, bytes((0b01000000, 0b11100000)))
    assert AppIcon(width=1, height=1, digits=b"7").packed() == (4, b"\x70")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x03" + bytes(60),
        bytes.fromhex("01 00000000 ffffff00"),
        bytes.fromhex("01 00000000 ffffff00") + bytes(26),
        bytes.fromhex("01 00000000 ffffff00") + bytes(64 * 64 // 8 + 200),
        newer(0, 14, 0x00, b""),
        newer(14, 0, 0x00, b""),
        newer(MAX_SIDE + 1, 1, 0x00, bytes(64)),
        newer(0xFFFF, 0xFFFF, 0x01, b"\x02\x00\x1f\x8b"),
        newer(14, 14, 0x30, bytes(25)),
        newer(14, 14, 0x03, bytes(25)),
        newer(14, 14, 0x12, bytes(49)),
        newer(14, 14, 0x00, bytes(24)),
        newer(14, 14, 0x01, bytes(24)),
        ARROW + b"\x00",
    ],
)
def test_what_is_no_icon_is_refused_and_shown_as_none(raw):
    """Sizes of nothing, sizes too large, unknown forms, too few pixels and trailing bytes are errors; an app goes without."""
    with pytest.raises(RemoteProtocolError):
        AppIcon.from_bytes(raw)
    assert icon_or_none(raw) is None


@pytest.mark.parametrize("length", range(len(ARROW)))
def test_an_icon_that_is_cut_is_refused(length):
    """An icon is refused wherever it ends early."""
    with pytest.raises(RemoteProtocolError):
        AppIcon.from_bytes(ARROW[:length])


def test_a_small_file_that_unpacks_to_much_is_bounded():
    """What would unpack to megabytes is unpacked as far as the picture goes."""
    chunk = gzip.compress(bytes(1 << 22), 9)
    icon = AppIcon.from_bytes(newer(64, 64, 0x21, len(chunk).to_bytes(2, "little") + chunk))
    assert icon.digits == b"0" * 64 * 64


@given(
    st.binary(max_size=700) | st.binary(max_size=90).map(lambda data: newer(9, 8, data[0] & 0x23 if data else 0, data))
)
def test_any_bytes_are_an_icon_or_an_error(raw):
    """Whatever a file says, the icon is as large as it claims, or there is an error."""
    try:
        icon = AppIcon.from_bytes(raw)
    except RemoteProtocolError:
        return
    assert 1 <= icon.width <= MAX_SIDE
    assert 1 <= icon.height <= MAX_SIDE
    assert len(icon.digits) == icon.width * icon.height
    bits, data = icon.packed()
    assert len(data) == (icon.width * bits + 7) // 8 * icon.height
