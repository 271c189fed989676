"""A native app's own picture on the screen of the OS."""

import pytest

from tallystick.device.os.display.canvas import PIXELS_PER_SECOND, CanvasView
from tallystick.errors import RemoteProtocolError
from tallystick.wire.call_canvas import ButtonsInput, FingerInput, Label, LabelKind, Paint
from tallystick.wire.events import Button, ButtonEvent, FingerEvent
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Bitmap, Caption, Style, Text


class Screen:
    """A view, and what it told the app."""

    def __init__(self, model="nanox"):
        self.number = 1
        self.heard = []
        self.view = CanvasView(MODELS[model], sequence=lambda: self.number, on_input=self.heard.append)

    def paint(self, *labels, now_s=0.0, **changes):
        """Paint eight pixels of the first row."""
        painting = {"x": 0, "y": 0, "w": 8, "h": 1, "bits": 1, "data": b"\xa5", "labels": labels, **changes}
        self.view.paint(Paint(**painting), now_s=now_s)

    @property
    def elements(self):
        """What is drawn now."""
        return self.view.draw().elements


def label(text, *, fresh=True, kind=LabelKind.IN_PICTURE):
    """Return a line of text."""
    return Label(x=1, y=2, w=3, h=4, text=text, fresh=fresh, kind=kind)


def test_picture_has_what_was_painted_on_a_dark_screen():
    """The frame is the whole screen with as few bits as it needs; the rest of it is dark."""
    screen = Screen()
    screen.paint()
    assert screen.elements == (Bitmap(x=0, y=0, w=128, h=64, bpp=1, data=b"\xa5" + bytes(1023)),)


WHOLE = bytes(range(256)) * 4


@pytest.mark.parametrize(
    ("whole", "bpp", "first"),
    [
        ({"bits": 1, "data": WHOLE}, 1, WHOLE[:16]),
        ({"bits": 2, "data": b"\xff\xf0" * 1024}, 1, b"\xfc" * 16),
        ({"bits": 4, "data": b"\x07" * 4096}, 4, b"\x07" * 64),
    ],
)
def test_picture_that_comes_as_a_whole_is_changed_in_part(whole, bpp, first):
    """All of the screen at once is what it was before, and what is painted into it later has it for its ground."""
    screen = Screen()
    screen.paint(data=b"\xff")
    screen.paint(w=128, h=64, now_s=1.0, **whole)
    (picture,) = screen.elements
    assert (picture.bpp, picture.data[: len(first)]) == (bpp, first)
    screen.paint(y=63, data=b"\x3c", now_s=2.0)
    (changed,) = screen.elements
    start, size = 63 * 16 * bpp, bpp
    assert changed.data[:start] + changed.data[start + size :] == picture.data[:start] + picture.data[start + size :]
    assert changed.data[start : start + size] == {1: b"\x3c", 4: b"\x00\xff\xff\x00"}[bpp]
    screen.paint(w=128, h=64, now_s=3.0, bits=1, data=WHOLE[::-1])
    assert screen.elements[0].data == WHOLE[::-1]


def test_screen_of_paper_is_light_at_first():
    """Touch screens begin white, and greys need four bits."""
    screen = Screen("stax")
    screen.paint(bits=4, w=2, data=b"\x37")
    (picture,) = screen.elements
    assert (picture.bpp, picture.data[:2], picture.data[-1]) == (4, b"\x37\xff", 0xFF)


def test_painting_without_texts_waits_for_the_one_with_them():
    """Parts of a large picture are not seen before the last one came."""
    screen = Screen()
    screen.paint()
    before = screen.view.draw()
    screen.paint(labels=None, data=b"\xff")
    assert screen.view.draw() is before
    screen.paint(x=8, now_s=1.0)
    assert screen.elements[0].data[:2] == b"\xff\xa5"


@pytest.mark.parametrize("place", [{"x": 121}, {"y": 64}, {"x": 65535}, {"w": 0, "h": 65, "data": b""}])
def test_painting_beside_the_screen_is_refused(place):
    """What does not lie on the screen changes nothing."""
    screen = Screen()
    screen.paint()
    with pytest.raises(RemoteProtocolError):
        screen.paint(**place)
    assert screen.elements[0].data[0] == 0xA5


def test_line_that_stays_keeps_the_number_of_its_first_frame():
    """Rules act on what is new: a picture that is repainted round a text does not tell it again."""
    screen = Screen()
    screen.number = 5
    screen.paint(label("a"))
    screen.number = 6
    screen.paint(label("a", fresh=False), label("b"), now_s=1.0)
    assert [(one.text, one.since) for one in screen.elements[1:]] == [("a", 5), ("b", 6)]


def test_text_without_pixels_is_drawn_by_the_panel():
    """A line that the app only names is a text of the frame; one that its pixels have is told and not drawn twice."""
    screen = Screen()
    screen.paint(label("in"), label("left", kind=LabelKind.LEFT), label("bold", kind=LabelKind.BOLD_CENTRED))
    _picture, first, second, third = screen.elements
    assert isinstance(first, Caption)
    assert (type(second), second.text, second.style) == (Text, "left", Style.REGULAR)
    assert (third.text, third.style) == ("bold", Style.BOLD)


def test_too_many_frames_are_put_off_and_the_last_one_comes():
    """An app that paints faster than the panel may be asked to draw: frames are left out, the last picture is not."""
    screen = Screen("stax")
    first = {id(screen.view.draw())}
    for number in range(100):
        screen.paint(data=bytes([number]))
        first.add(id(screen.view.draw()))
    assert len(first) <= 2 + PIXELS_PER_SECOND // (400 * 672)
    deadline = screen.view.deadline_s()
    assert deadline is not None
    screen.view.advance(now_s=deadline)
    assert screen.elements[0].data[:2] == bytes([99, 0xFF])
    assert screen.view.deadline_s() is None


def test_buttons_go_to_the_app_as_the_mask_of_those_that_are_down():
    """Press and release one by one; a finger is nothing on such a model."""
    screen = Screen()
    for button, pressed in ((Button.LEFT, True), (Button.RIGHT, True), (Button.LEFT, False), (Button.RIGHT, False)):
        screen.view.gesture(ButtonEvent(button=button, pressed=pressed), now_s=0.0)
    screen.view.gesture(FingerEvent(x=1, y=1, pressed=True), now_s=0.0)
    assert screen.heard == [ButtonsInput(1), ButtonsInput(3), ButtonsInput(2), ButtonsInput(0)]


def test_finger_goes_to_the_app_where_there_is_a_screen_to_touch():
    """Points on the screen alone, and no buttons."""
    screen = Screen("flex")
    screen.view.gesture(FingerEvent(x=479, y=599, pressed=True), now_s=0.0)
    screen.view.gesture(FingerEvent(x=480, y=0, pressed=True), now_s=0.0)
    screen.view.gesture(ButtonEvent(button=Button.LEFT, pressed=True), now_s=0.0)
    assert screen.heard == [FingerInput(x=479, y=599, pressed=True)]


def test_what_is_held_is_let_go_when_the_os_covers_the_picture():
    """The app hears a release once, though the person's own goes to another screen."""
    screen = Screen()
    screen.view.gesture(ButtonEvent(button=Button.BOTH, pressed=True), now_s=0.0)
    screen.view.let_go()
    screen.view.let_go()
    assert screen.heard == [ButtonsInput(3), ButtonsInput(0)]
    paper = Screen("stax")
    paper.view.gesture(FingerEvent(x=7, y=8, pressed=True), now_s=0.0)
    paper.view.let_go()
    paper.view.let_go()
    assert paper.heard[1:] == [FingerInput(x=7, y=8, pressed=False)]
