"""System calls of apps that draw: what is refused of a painting and of a wait."""

import pytest

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.call_canvas import MAX_INPUTS, MAX_LABEL, MAX_LABELS, Label, LabelKind, Paint, Wait
from tallystick.wire.call_report import MAX_REPORTS
from tallystick.wire.panel import Bitmap, Caption, Drawing, Frame, Text
from tallystick.wire.syscall import ReportEvent, request_from_bytes


def painting(**changes):
    """Return a painting of one row."""
    return Paint(**{"x": 0, "y": 0, "w": 8, "h": 1, "bits": 1, "data": b"\xff", "labels": None, **changes})


def label(text="x", **changes):
    """Return a line of text."""
    return Label(**{"x": 0, "y": 0, "w": 1, "h": 1, "text": text, **changes})


@pytest.mark.parametrize(
    "raw",
    [
        painting(bits=3).to_bytes(),
        painting(w=4096, h=4096).to_bytes(),
        painting(w=65535, h=65535, bits=4).to_bytes(),
        painting(labels=(label(),) * (MAX_LABELS + 1)).to_bytes(),
        painting(labels=(label("x" * (MAX_LABEL + 1)),)).to_bytes(),
        painting(labels=(label("a\nb"),)).to_bytes(),
        painting(labels=(label(),)).to_bytes()[:-1] + b"\xff",
        painting(labels=(label(),)).to_bytes().replace(b"\x01\x00\x01x", b"\x0b\x00\x01x"),
        b"\x12\x08",
        b"\x12\x04",
        Wait(painting=painting(bits=3)).to_bytes(),
        Wait(painting=painting(labels=(label(),))).to_bytes()[:-1],
        Wait(painting=painting(labels=())).to_bytes() + b"\0",
        b"\x12\x02\x90\x00\x00\x00\xff\xff",
    ],
)
def test_painting_beyond_the_limits_is_refused(raw):
    """Wrong bits, too many pixels or texts, texts that cannot be shown, flags there are not: an error, nothing else."""
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(raw)


@pytest.mark.parametrize("wrong", [painting(x=-1), painting(w=1 << 16), painting(labels=(label(y=-1),))])
def test_painting_that_lies_nowhere_is_not_written(wrong):
    """Who asks for a place that no field can tell has a bug."""
    with pytest.raises(LocalProtocolError):
        wrong.to_bytes()


@pytest.mark.parametrize("kind", list(LabelKind))
@pytest.mark.parametrize("fresh", [True, False])
def test_text_keeps_its_kind(kind, fresh):
    """Each kind of text comes back as it was, fresh or not."""
    request = painting(labels=(label(kind=kind, fresh=fresh),))
    assert request_from_bytes(request.to_bytes()) == request


def test_event_of_no_kind_is_refused():
    """What a wait brings is one of its events."""
    for raw in (
        b"\x07",
        b"\x08",
        b"\x08" + bytes(63),
        b"\x08" + bytes(65),
        b"\x09",
        b"",
        b"\x04",
        b"\x05\x00\x01\x00\x02",
        b"\x06\x00",
    ):
        with pytest.raises(RemoteProtocolError):
            Wait().unpack(raw)


@pytest.mark.parametrize("count", [0, 1, MAX_INPUTS + 1])
def test_inputs_that_come_together_are_a_few(count):
    """One alone is no list of inputs, and a list has its end."""
    with pytest.raises(RemoteProtocolError):
        Wait().unpack(bytes([7, count]) + b"\x04\x01" * count)


@pytest.mark.parametrize(
    "raw", [b"\x06\x06", b"\x04\x01\x06", b"\x07\x02\x04\x01", b"\x04\x01\x04", b"\x04\x01\x04\x01\x00"]
)
def test_only_what_a_hand_does_comes_together(raw):
    """Ticks and lists within the list, one that is cut and one with something behind it are errors."""
    with pytest.raises(RemoteProtocolError):
        Wait().unpack(b"\x07\x02" + raw)


def test_bitmap_tells_its_levels():
    """One bit is dark or light, four are sixteen even steps."""
    assert Bitmap(x=0, y=0, w=3, h=1, bpp=1, data=b"\xa0").levels() == bytes([255, 0, 255])
    assert Bitmap(x=0, y=0, w=3, h=1, bpp=4, data=b"\x01\xf0").levels() == bytes([0, 17, 255])


def test_captions_cross_to_the_panel():
    """Text that is in the picture, and text with the number of the frame that had it first, come back as they were."""
    elements = (
        Bitmap(x=0, y=0, w=8, h=1, bpp=1, data=b"\x0f"),
        Caption(x=1, y=2, w=3, h=4, text="in it", since=7),
        Text(x=1, y=2, w=3, h=4, text="on it", since=9),
    )
    frame = Frame(sequence=9, width=128, height=64, drawing=Drawing(elements=elements), scene="canvas")
    assert Frame.from_json(frame.to_json()) == frame
    assert frame.drawing.texts() == ("in it", "on it")


@pytest.mark.parametrize("count", [0, MAX_REPORTS + 1])
def test_reports_that_are_sent_together_are_some(count):
    """None at all is no call, and more than the longest message takes is refused."""
    with pytest.raises(RemoteProtocolError):
        request_from_bytes(b"\x05" + bytes(64 * count))


def test_report_is_an_event():
    """What comes by the HID interface for FIDO comes as it is."""
    event = ReportEvent(bytes(range(64)))
    assert Wait().unpack(Wait().pack(event)) == event
