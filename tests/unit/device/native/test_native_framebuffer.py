"""The screen of an app: what is drawn, cut off, refreshed and sent."""

from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.native.framebuffer import Area, Framebuffer
from tallystick.wire.call_canvas import MAX_PAINTED
from tallystick.wire.raster import packed_size, unpack


class NoTexts:
    """A screen without texts."""

    def labels(self):
        """Return none."""
        return ()


def area(x, y, w, h):
    """Return an area."""
    return Area(x=x, y=y, w=w, h=h)


def shown(screen):
    """Return the rows of what is sent, as digits, and where it lies."""
    (painting,) = screen.show(NoTexts())
    digits = unpack(painting.data, width=painting.w, height=painting.h, bits=painting.bits)
    return (painting.x, painting.y), [digits[at : at + painting.w] for at in range(0, len(digits), painting.w)]


def test_nothing_is_sent_before_it_is_refreshed():
    """Drawing alone shows nothing; a refresh shows its area, once."""
    screen = Framebuffer(width=4, height=3)
    screen.fill(area(0, 0, 4, 3), 15)
    assert list(screen.show(NoTexts())) == []
    screen.refresh(area(1, 1, 2, 1))
    assert shown(screen) == ((1, 1), [b"ff"])
    assert list(screen.show(NoTexts())) == []


def test_what_was_not_refreshed_is_not_shown_with_its_neighbours():
    """Two refreshed areas are sent as the rectangle round both, in which the rest is as it was shown before."""
    screen = Framebuffer(width=3, height=3)
    screen.fill(area(0, 0, 3, 3), 15)
    screen.refresh(area(0, 0, 1, 1))
    screen.refresh(area(2, 2, 1, 1))
    assert shown(screen) == ((0, 0), [b"f00", b"000", b"00f"])


def test_columns_and_rows_are_cut_at_the_edges():
    """What lies beside the screen is not drawn, and does not come in at the other side."""
    screen = Framebuffer(width=3, height=3)
    screen.columns(0, -1, [(0, 0, b"123")])
    screen.columns(2, 2, [(0, 0, b"456")])
    screen.columns(3, 0, [(0, 0, b"777")])
    screen.columns(-1, 0, [(0, 0, b"777")])
    screen.rows(-1, 2, [(0, 0, b"89a")])
    screen.rows(2, 1, [(0, 0, b"bc")])
    screen.rows(0, 3, [(0, 0, b"777")])
    screen.rows(0, -1, [(0, 0, b"777")])
    screen.refresh(area(-5, -5, 99, 99))
    assert shown(screen) == ((0, 0), [b"200", b"30b", b"9a4"])


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 20), st.integers(0, 20))
def test_filling_lights_exactly_what_is_on_the_screen(x, y, w, h):
    """Whatever the area, the pixels that change are those within both it and the screen."""
    screen = Framebuffer(width=5, height=4)
    screen.fill(area(x, y, w, h), 15)
    screen.refresh(area(0, 0, 5, 4))
    _place, rows = shown(screen)
    for row in range(4):
        expected = bytes(b"0f"[x <= column < x + w and y <= row < y + h] for column in range(5))
        assert rows[row] == expected


def test_large_pictures_are_sent_in_parts_and_the_last_one_tells_the_texts():
    """No part is larger than a call may carry; together they are the whole screen."""
    screen = Framebuffer(width=400, height=672, level=15)
    screen.fill(area(0, 0, 1, 1), 7)
    screen.refresh(area(0, 0, 400, 672))
    parts = list(screen.show(NoTexts()))
    assert [part.labels for part in parts] == [None] * (len(parts) - 1) + [()]
    assert sum(part.h for part in parts) == 672
    assert all(packed_size(part.w, part.h, part.bits) <= MAX_PAINTED for part in parts)


def test_screen_without_greys_lights_all_that_is_not_dark():
    """Grey on such a screen is light."""
    screen = Framebuffer(width=2, height=1, has_greys=False)
    screen.rows(0, 0, [(0, 0, b"05")])
    screen.refresh(area(0, 0, 2, 1))
    assert shown(screen)[1] == [b"0f"]
