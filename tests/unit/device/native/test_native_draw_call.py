"""Apps that draw, by calls assembled by hand: what the OS is told, and what hostile calls come to."""

import struct
from dataclasses import replace

import pytest
from tests.unit.device.native.native_program import END, FLASH, INFO, RAM, call, native
from tests.unit.device.native.test_native_program import Run

from tallystick.device.native.handler import HANDLERS
from tallystick.device.native.machine import Machine
from tallystick.device.native.worker import UnicornCpu
from tallystick.wire.call_canvas import ButtonsInput, FingerInput, Inputs, Label, Paint, TickInput, Wait
from tallystick.wire.syscall import Answer, ApduEvent, Outcome, Response

RECT, LINE, IMAGE, REFRESH, FILE, RLE = 0x01FA0000, 0x03FA0001, 0x04FA0002, 0x03FA0003, 0x05FA0004, 0x05FA0010
RECEIVE, SEND, TOUCH = 0x03000089, 0x04000088, 0x01FA000B
BUTTONS = 0x0000008F
SEPH_SEND, SEPH_RECEIVE, SEPH_SENT = 0x02000083, 0x03000085, 0x00000084
BAGL_RECT, BAGL_BITMAP, UPDATE, CLEAR = 0x0500007D, 0x0900007C, 0x0000007A, 0x00000079
WAIT = call(RECEIVE, RAM, 300, 0)


def area(x, y, w, h, *, color=3, bits=0):
    """Return an area of NBGL as an app has it."""
    return struct.pack("<hhHHBB", x, y, w, h, color, bits)


class Drawn(Run):
    """An app whose code is `steps`, with `things` behind it: a step names one by its number in a tuple."""

    def __init__(self, steps, *things, answers=(), **options):
        size = sum(len(step) if isinstance(step, bytes) else 16 + 4 * (len(step) - 1) for step in steps) + len(END)
        places, at = [], FLASH + size
        for thing in things:
            places.append(at)
            at += len(thing)
        code = b"".join(
            step
            if isinstance(step, bytes)
            else call(step[0], *(places[one[0]] if isinstance(one, tuple) else one for one in step[1:]))
            for step in steps
        )
        super().__init__(code + END + b"".join(things), *answers, **options)

    @property
    def paintings(self):
        """What was painted, by itself or with the wait that followed."""
        asked = [request.painting if isinstance(request, Wait) else request for request in self.requests]
        return [request for request in asked if isinstance(request, Paint)]


def test_what_is_drawn_is_told_when_the_app_waits():
    """A rectangle is one painting of what changed, told with the wait; afterwards time is told."""
    run = Drawn([(RECT, (0,)), (REFRESH, (1,), 0, 0), WAIT], area(8, 0, 8, 2), area(0, 0, 128, 64))
    (wait,) = run.requests
    painting = wait.painting
    assert (painting.x, painting.y, painting.w, painting.h, painting.bits) == (0, 0, 128, 64, 1)
    assert painting.data[:32] == (b"\x00\xff" + bytes(14)) * 2
    assert not any(painting.data[32:])
    assert painting.labels == ()
    assert wait == Wait(None, True, painting)


def test_inputs_that_came_together_are_heard_one_after_the_other():
    """The app waits three times and the OS is asked once; what it draws and answers in between is told at once."""
    drawing = [(RECT, (0,)), (REFRESH, (0,), 0, 0)]
    together = Inputs((ButtonsInput(1), ButtonsInput(3), ButtonsInput(0)))
    run = Drawn(
        [WAIT, WAIT, (BUTTONS,), *drawing, (SEND, 0x20, RAM, 5, 0), WAIT, WAIT],
        area(0, 0, 128, 64),
        answers=[Outcome(value=together), Outcome(), Outcome()],
    )
    assert [type(request) for request in run.requests] == [Wait, Paint, Answer, Wait]
    assert run.requests[2].response == Response(bytes.fromhex("010500"), 0x0106)
    assert run.requests[3] == Wait(None, True)
    assert run.ram(0, 5) == bytes.fromhex("01 05 0001 00")


@pytest.mark.parametrize(("size", "kinds"), [(2 + 31 * 1024, [Wait, Wait]), (2 + 32 * 1024, [Wait, Paint, Wait])])
def test_painting_and_answer_that_are_long_go_one_after_the_other(size, kinds):
    """A painting goes with the wait as long as it and the answer are 32 KiB at most together; else it is told first."""
    drawing = [(RECT, (0,)), (REFRESH, (0,), 0, 0)]
    run = Drawn(
        [WAIT, *drawing, (SEND, 0x20, FLASH, size, 0), WAIT],
        area(0, 0, 128, 64),
        bytes(size),
        answers=[Outcome(value=ApduEvent(b"")), Outcome()][: len(kinds) - 1],
    )
    assert [type(request) for request in run.requests] == kinds
    assert len(run.requests[-1].response.data) == size - 2
    assert len(run.paintings) == 1


def test_app_that_draws_nothing_is_not_told_the_time():
    """Ticks are for apps with a picture."""
    assert Drawn([WAIT]).requests == [Wait()]


def test_pictures_and_lines_are_drawn():
    """A picture of one bit, a packed one, one from a file, and a line, each where it belongs."""
    run = Drawn(
        [
            (IMAGE, (0,), (1,), 4, 3),
            (RLE, (2,), (3,), 2, 3, 0),
            (FILE, (4,), (5,), 3, 0, 0),
            (LINE, (6,), 0, 3),
            (REFRESH, (7,), 0, 0),
            WAIT,
        ],
        area(0, 0, 8, 1, color=0),
        b"\xa5",
        area(0, 1, 1, 8, color=0),
        b"\x13\x40",
        area(0, 9, 0, 0, color=0),
        struct.pack("<HHB3s", 4, 1, 0x00, bytes(3)) + b"\x50",
        area(0, 12, 16, 1),
        area(0, 0, 128, 64),
    )
    rows = [run.paintings[0].data[at : at + 16] for at in range(0, 1024, 16)]
    assert rows[0][0] == 0xA5
    assert [row[0] >> 7 for row in rows[1:9]] == [0, 1, 1, 1, 0, 0, 0, 0]
    assert rows[9][0] == 0xA0
    assert rows[12][:2] == b"\xff\xff"


@pytest.mark.parametrize(
    "step",
    [
        (RECT, 0x30000000),
        (RECT, RAM + 28 * 1024 - 4),
        (IMAGE, (0,), 0x30000000, 0, 3),
        (RLE, (0,), 0x30000000, 4, 3, 0),
        (RLE, (0,), FLASH, 0x20000, 3, 0),
        (FILE, (0,), 0x30000000, 3, 0, 0),
        (REFRESH, 0, 0, 0),
        (TOUCH, FLASH),
        (BAGL_BITMAP, 0, 0, 8, 8, 2, 0x30000000, 1, FLASH, 64),
        (BAGL_BITMAP, 0, 0, 8, 8, 2, FLASH, 1, 0x30000000, 64),
    ],
)
def test_pointer_that_is_not_the_apps_is_an_exception(step):
    """A wild pointer in any drawing call is told to the app as such, and nothing is drawn."""
    run = Drawn([step], area(0, 0, 8, 8))
    assert run.result == (0, 0x02)
    assert run.paintings == []


@pytest.mark.parametrize(
    "step",
    [
        (IMAGE, (0,), FLASH, 0, 3),
        (IMAGE, (1,), FLASH, 0, 3),
        (IMAGE, (2,), FLASH, 5, 3),
        (RLE, (0,), FLASH, 4, 3, 0),
        (RLE, (2,), FLASH, 0xFFFFFFFF, 3, 0),
        (FILE, (2,), (3,), 3, 0, 0),
        (FILE, (2,), (4,), 3, 0, 0),
        (BAGL_BITMAP, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 2, FLASH, 1, FLASH, 64),
        (BAGL_BITMAP, 0, 0, 8, 8, 0xFFFF, FLASH, 8, FLASH, 64),
    ],
)
def test_picture_beyond_all_sizes_is_not_drawn(step):
    """Pictures larger than any screen, of no bits there are, or lying in no way there is: no work, no end of the app."""
    run = Drawn(
        [step, (REFRESH, (5,), 0, 0), WAIT],
        area(0, 0, 65535, 65535),
        area(0, 0, 8, 8, bits=9),
        area(0, 0, 8, 8),
        struct.pack("<HHB3s", 65535, 65535, 0x21, b"\xff\xff\xff"),
        struct.pack("<HHB3s", 8, 8, 0x01, b"\xff\xff\xff"),
        area(0, 0, 128, 64),
    )
    assert isinstance(run.requests[-1], Wait)
    assert [any(painting.data) for painting in run.paintings] == [False]


def test_areas_beside_the_screen_are_cut():
    """Coordinates below zero and far away are no error."""
    run = Drawn(
        [(RECT, (0,)), (RECT, (1,)), (BAGL_RECT, 0xFFFFFF, 0xFFFFFFFF, 0, 2, 1), (REFRESH, (2,), 0, 0), WAIT],
        area(-4, 1, 8, 1),
        area(32767, 32767, 65535, 65535),
        area(-32768, -32768, 65535, 65535),
    )
    assert [run.paintings[0].data[at] for at in (0, 16, 32)] == [0x80, 0xF0, 0]


def test_person_and_time_are_packets():
    """Buttons, finger and ticks come as what the other chip used to send."""
    answers = [Outcome(), *(Outcome(value=event) for event in (ButtonsInput(2), TickInput()))]
    answers.append(Outcome(value=FingerInput(x=258, y=3, pressed=True)))
    draw = [(RECT, (0,)), (REFRESH, (0,), 0, 0)]
    for count, packet in ((1, "01 05 0001 04"), (2, "01 0e 0000"), (3, "01 0c 0005 01 0102 0003")):
        run = Drawn([*draw, *[WAIT] * count, (TOUCH, RAM + 64)], area(0, 0, 8, 8), answers=answers)
        raw = bytes.fromhex(packet)
        assert run.ram(0, len(raw)) == raw
        assert run.ram(64, 5) == (struct.pack("<HHB", 258, 3, 1) if count == 3 else bytes(4) + b"\x02")


def test_text_that_tells_itself_is_told_with_its_box():
    """A library's packet of text, in pieces, is one line of the painting."""
    pieces = (b"\x5a\x00\x0a", b"hi", b"\x00\x01\x00\x02", b"\x00\x03\x00\x04")
    steps = [(SEND, 1, (number,), len(piece), 0) for number, piece in enumerate(pieces)]
    run = Drawn([*steps, (REFRESH, (4,), 0, 0), WAIT], *pieces, area(0, 0, 128, 64))
    assert run.paintings[0].labels == (Label(x=1, y=2, w=3, h=4, text="hi"),)


def test_packets_bring_an_apdu_and_take_its_answer():
    """Up to level 24 an APDU comes as a packet, the same one until a status was sent, and its answer is one."""
    apdu, status = b"\xb0\x01\x00\x00\x00", b"\x60\x00\x02\x00\x00"
    answer = b"\x53\x00\x03\x07\x90\x00"
    receive = call(SEPH_RECEIVE, RAM, 128, 0)
    run = Drawn(
        [receive, call(SEPH_RECEIVE, RAM + 200, 128, 0), (SEPH_SEND, (0,), 6), (SEPH_SEND, (1,), 5), receive],
        answer,
        status,
        answers=[Outcome(value=ApduEvent(apdu)), Outcome(value=ApduEvent(b"xy"))],
        level=22,
    )
    assert run.requests == [Wait(), Wait(Response(b"\x07", 0x9000))]
    assert run.ram(0, 5) == b"\x16\x00\x02xy"
    assert run.ram(200, 4) == bytes(4)


def test_apdu_that_does_not_fit_the_apps_buffer_is_answered_for_it():
    """A packet larger than the app's room would be cut: the client hears 6700, and the app nothing."""
    run = Drawn(
        [call(SEPH_RECEIVE, RAM, 20, 0)],
        answers=[Outcome(value=ApduEvent(bytes(30))), Outcome(value=ApduEvent(b"ok"))],
        level=22,
    )
    assert run.requests == [Wait(), Wait(Response(b"", 0x6700))]
    assert run.ram(0, 5) == b"\x16\x00\x02ok"


def component(kind, *, x=0, y=0, w=8, h=8, fill=0, front=0xFFFFFF, back=0, font=0, icon=0, rest=b""):
    """Return the packet that displays one component."""
    body = struct.pack("<BBhhHHBBB3xIIHBx", kind, 0, x, y, w, h, 1, 0, fill, front, back, font, icon) + rest
    return b"\x65" + len(body).to_bytes(2, "big") + body


def displayed(model, *packets):
    """Return the machine of an app that has sent packets, and what its screen was told."""
    level = None if model == "nanos" else 22
    machine = Machine(UnicornCpu(), native(END * 2, level=level), replace(INFO, model=model))
    place = machine.generation.ram
    for packet in packets:
        machine.memory.write(place, packet)
        HANDLERS["io_seph_send"](machine, (place, len(packet)))
        machine.window.is_status_sent = False  # as when the app has heard of something
    return machine, list(machine.window.show())


def test_components_of_a_nano_s_are_drawn_and_acknowledged():
    """A frame, a picture with its colours, and a centred line; each is followed by the packet that it was displayed."""
    frame = component(3, w=8, h=3)
    picture = component(5, x=16, w=8, h=1, rest=b"\x01" + bytes(4) + b"\x00\xff\xff\xff" + b"\x81")
    text = component(7, y=20, w=128, font=0x8008, rest=b"Hello\0")
    machine, paintings = displayed("nanos", frame, picture, text)
    rows = [paintings[0].data[at : at + 16] for at in range(0, 48, 16)]
    assert [row[0] for row in rows] == [0xFF, 0x81, 0xFF]
    assert rows[0][2] == 0x81
    assert [(label.text, label.y, label.kind.name) for label in paintings[0].labels] == [("Hello", 11, "BOLD_CENTRED")]
    assert list(machine.window.events) == [b"\x0d\x00\x00"] * 3


@pytest.mark.parametrize("model", ["nanox", "nanosp"])
@pytest.mark.parametrize("tag", [b"\x65", b"\x5e"])
def test_components_of_an_app_that_paints_itself_are_only_acknowledged(model, tag):
    """Apps for these models that were built for debugging tell what they paint by calls as well: it is not drawn twice."""
    text = tag + component(7, y=20, w=128, font=0x8008, rest=b"Hello\0")[1:]
    machine, paintings = displayed(model, text)
    assert not paintings
    assert list(machine.window.events) == [b"\x0d\x00\x00"]


@pytest.mark.parametrize("rest", [b"", b"\x09", b"\x01\x00", b"\x02" + bytes(16)])
def test_component_that_is_cut_is_passed_over(rest):
    """Pictures without their colours, packets shorter than a component: nothing is drawn, the app goes on."""
    _machine, paintings = displayed("nanos", component(5, rest=rest), b"\x65\x00\x03abc")
    assert not any(painting.labels or any(painting.data) for painting in paintings)


@pytest.mark.parametrize("light", [0xFFFFFF, 0x800000, 1])
def test_bagl_draws_bitmaps_and_shows_them_at_once(light):
    """Pixels from the left, lowest bit first, light in every colour but black; cleared and updated by their calls."""
    colors, pixels = struct.pack("<2I", 0, light), b"\x0f\x01"
    run = Drawn(
        [
            (CLEAR,),
            (BAGL_BITMAP, 4, 0, 8, 3, 2, (0,), 1, (1,), 16),
            (BAGL_RECT, light, 120, 1, 8, 1),
            (UPDATE,),
            WAIT,
        ],
        colors,
        pixels,
    )
    data = run.paintings[0].data
    assert (data[:2], data[16:18], data[31], data[32:34]) == (b"\x0f\x00", b"\x08\x00", 0xFF, b"\x00\x00")


@pytest.mark.parametrize("down", [0, 1, 2, 3])
def test_buttons_that_are_down_can_be_read(down):
    """An app that polls is told what it heard last; before that nothing is down."""
    run = Drawn([(BUTTONS,)])
    assert run.result == (0, 0)
    events = [Outcome(value=ButtonsInput(3)), Outcome(value=ButtonsInput(down))]
    assert Drawn([WAIT, WAIT, (BUTTONS,)], answers=events).result == (down, 0)
