"""Native apps with a picture of their own, in processes of their own: who sees it, who is touched, and what floods come to."""

import struct

import pytest
from native_stage import NativeStage, lit_rows
from process_stage import Client, demo, stages
from tests.unit.device.native.native_program import END, FLASH, RAM, call, image

from tallystick.wire.call_canvas import ButtonsInput, Inputs, Paint
from tallystick.wire.events import Button, press
from tallystick.wire.screen import Notice

RECT, REFRESH, RECEIVE, SEND, REQUEST = 0x01FA0000, 0x03FA0003, 0x03000089, 0x04000088, 0x04F00001
WAIT = call(RECEIVE, RAM, 300, 0)
#: the last packet as an answer; its status is the end of the last APDU
ANSWER = call(SEND, 0x20, RAM, 8, 0)


def app(*steps):
    """Return the image of an app: numbers draw that many rows of the screen and show them, bytes are code."""
    areas = [struct.pack("<hhHHBB", 0, 0, 128, step, 3, 0) for step in steps if isinstance(step, int)]
    size = sum(
        len(call(RECT, 0)) + len(call(REFRESH, 0, 0, 0)) if isinstance(step, int) else len(step) for step in steps
    )
    code, at = b"", FLASH + size + len(END)
    for step in steps:
        if isinstance(step, int):
            code += call(RECT, at) + call(REFRESH, at, 0, 0)
            at += 10
        else:
            code += step
    return image(code + END + b"".join(areas))


@pytest.fixture
def stage():
    """Return a maker of stages that are closed at the end."""
    with stages(NativeStage, name="Demo") as make:
        yield make


def push(device, button):
    """Press and release a button."""
    for gesture in press(button):
        device.board.event(gesture)


#: shows a row; on an APDU two; when a button was pressed and released it answers and shows three
ASKING = app(1, WAIT, 2, WAIT, WAIT, ANSWER, 3, WAIT, ANSWER, WAIT)


async def test_picture_is_shown_and_the_person_answers_the_apdu(stage):
    """The app's picture takes the menu's place; an APDU stays in hand over a press and a release, and then has its answer."""
    device = stage(ASKING)
    await device.until(lambda: lit_rows(device) == 1)
    assert device.board.frame.scene == "canvas"
    device.client.send("e0010000009000")
    await device.until(lambda: lit_rows(device) == 2)
    assert device.client.answers == []
    push(device, Button.RIGHT)
    await device.until(lambda: device.client.answers)
    assert device.client.answers[0][:5] == bytes.fromhex("01 05 00 01 00")
    await device.until(lambda: lit_rows(device) == 3)


async def test_what_was_painted_is_shown_before_the_answer_leaves(stage):
    """Whoever hears an app's answer finds on the screen what the app painted before it answered."""
    device = stage(app(1, WAIT, 2, ANSWER, WAIT))
    await device.until(lambda: lit_rows(device) == 1)
    seen, heard = [], device.client.deliver
    device.client.deliver = lambda response: (seen.append(lit_rows(device)), heard(response))
    assert await device.client.exchange("e0010000009000") == bytes.fromhex("20 e0 01 00 00 00 9000")
    assert seen == [2]


async def test_gesture_that_is_made_at_once_is_heard_at_once(stage):
    """A press and its release reach the app in one piece, and each is one thing that it hears."""
    device = stage(app(1, WAIT, 2, WAIT, ANSWER, 3, WAIT, ANSWER, WAIT))
    await device.until(lambda: lit_rows(device) == 1)
    device.client.send("e0010000009000")
    await device.until(lambda: lit_rows(device) == 2)
    process, outcomes = device.process, []
    answer = process.answer
    process.answer = lambda outcome: (outcomes.append(outcome.value), answer(outcome))
    assert device.board.system.supervisor.is_waiting
    device.board.events(press(Button.RIGHT))
    await device.until(lambda: device.client.answers)
    assert lit_rows(device) == 3
    assert outcomes[0] == Inputs((ButtonsInput(2), ButtonsInput(0)))
    assert device.client.answers[0][:5] == bytes.fromhex("01 05 00 01 04")


async def test_two_gestures_are_not_one(stage):
    """What begins when nothing is held any more comes by itself, and a screen of the OS gets what is meant for it."""
    device = stage(app(1, WAIT, 2, WAIT, 3, WAIT, 4, WAIT, 5, WAIT))
    await device.until(lambda: lit_rows(device) == 1)
    assert device.board.system.supervisor.is_waiting
    device.board.events(press(Button.RIGHT) * 2)
    await device.until(lambda: lit_rows(device) == 5)
    device.board.system.session.display.ask(Notice(lines=("above",)))
    device.board.run()
    device.board.events(press(Button.BOTH) * 2)
    assert lit_rows(device) == 5


async def test_what_the_os_asks_covers_the_picture_and_its_buttons(stage):
    """While a screen of the OS lies above it the app hears nothing, and its picture comes back as it was."""
    device = stage(ASKING)
    await device.until(lambda: lit_rows(device) == 1)
    display = device.board.system.session.display
    display.ask(Notice(lines=("above",)))
    device.board.run()
    assert lit_rows(device) is None
    push(device, Button.BOTH)
    assert lit_rows(device) == 1
    device.client.send("e0010000009000")
    await device.until(lambda: lit_rows(device) == 2)


async def test_next_client_waits_until_the_app_has_answered_the_one_that_left(stage):
    """An app that asks for a client that is gone ends what it began; its answer goes to nobody else."""
    device = stage(ASKING)
    await device.until(lambda: lit_rows(device) == 1)
    device.client.send("e0010000009000")
    await device.until(lambda: lit_rows(device) == 2)
    device.client.leave()
    other = Client(device)
    other.send("e0020000009000")
    device.board.run()
    push(device, Button.RIGHT)
    await device.until(lambda: other.answers)
    assert other.answers[0][:5] == bytes.fromhex("20 e0 02 00 00")


async def test_time_comes_every_tenth_of_a_second_and_not_before(stage):
    """An app with a picture is told when 100 ms went by; the clock decides, and nothing is told twice."""
    device = stage(app(1, WAIT, 2, WAIT, 3, WAIT, WAIT))
    await device.until(lambda: lit_rows(device) == 1)

    def is_armed():
        return device.board.system.supervisor._run.canvas.ticker is not None

    await device.until(is_armed)
    device.turn(0.05)
    assert is_armed()
    for count in (2, 3):
        await device.until(is_armed)
        device.turn(0.1)
        await device.until(lambda count=count: lit_rows(device) == count)


async def test_flood_of_pictures_ends_the_app(stage):
    """Who paints without end is ended with a report; the dashboard is back, and the person can go on."""
    painting = Paint(x=0, y=0, w=128, h=64, bits=1, data=bytes(1024), labels=()).to_bytes()
    code = call(REQUEST, FLASH + 0x40, len(painting), RAM, 64)
    back = -(len(code) + 4) // 2
    code += struct.pack("<2H", 0xE000 | back & 0x7FF, 0xBF00)
    device = stage(image(code.ljust(0x40, b"\0") + painting))
    await device.gone()
    assert any("stopped working" in line for line in device.screen)


async def test_painting_beside_the_screen_is_an_error_to_the_app(stage):
    """The app is told, and its picture is as it was."""
    painting = Paint(x=127, y=0, w=8, h=1, bits=1, data=b"\xff", labels=()).to_bytes()
    start = app(
        1, WAIT, call(REQUEST, FLASH + 0x200, len(painting), RAM + 2, 64), call(SEND, 0x20, RAM + 2, 3, 0), WAIT
    )
    device = stage(image(start.code.ljust(0x200, b"\0") + painting))
    await device.until(lambda: lit_rows(device) == 1)
    answer = await device.client.exchange("e0019000")
    assert answer == bytes.fromhex("02 9000")
    assert lit_rows(device) == 1


async def test_python_apps_have_no_picture_of_their_own(stage):
    """Their screens are scenes: the calls of those that draw are not supported."""
    source = """
from types import coroutine
from tallystick.wire.call_canvas import ButtonsInput, Inputs, Paint, Wait
@coroutine
def say(request):
    outcome = yield request
    return outcome
async def run():
    paint = await say(Paint(x=0, y=0, w=8, h=1, bits=1, data=b"x", labels=()))
    wait = await say(Wait())
    response = None
    while True:
        await say(Exchange(response))
        response = Response(bytes([paint.status, wait.status]), 0x9000)
def start(info):
    return run()
"""
    device = stage(app(1, WAIT))
    device.board.system.session.registry.install(demo(source, name="Other"))
    device.open("Other")
    assert await device.client.exchange("8000000000") == bytes.fromhex("05 05 9000")
