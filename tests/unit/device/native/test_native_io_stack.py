"""Apps of newer API levels that bring an IO stack of their own: packets by turns, their kind first, results told."""

import pytest
from tests.unit.device.native.native_program import RAM, call
from tests.unit.device.native.test_native_draw_call import Drawn

from tallystick.wire.call_canvas import Wait
from tallystick.wire.syscall import ApduEvent, Outcome, Response

SEND, RECEIVE, OF_OS = 0x03000082, 0x05000083, 0x03000089
STATUS, ANSWER = b"\x60\x00\x02\x00\x00", b"\x53\x00\x03\x07\x90\x00"
#: the command that plugs in the cable; time, as it is told
PLUG, TICK = b"\x4f\x00\x01\x01", b"\x01\x0e\x00\x00"
APDU = bytes.fromhex("b001000000")
HEARD = b"\x01\x16\x00\x05" + APDU
NOT_NOW, NO_PLACE, AGAIN = 0xFFFFFFFF, 0xFFFFFFEA, 1


def receive(place=RAM, *, room=273, flags=0):
    """Return the call that receives a packet."""
    return call(RECEIVE, place, room, 0, 1, flags)


def events(count=1):
    """Return what comes: APDUs."""
    return [Outcome(value=ApduEvent(APDU))] * count


def test_apdu_comes_as_a_packet_and_its_answer_goes_as_one():
    """After a status an APDU is received, kind first; its answer, in two parts, goes out with the next wait."""
    run = Drawn(
        [
            (SEND, (3,), 4, 0),
            *((SEND, (0,), 5, 0), receive()),
            *((SEND, (1,), 3, 0), (SEND, (2,), 3, 0)),
            *((SEND, (0,), 5, 0), receive()),
        ],
        STATUS,
        ANSWER[:3],
        ANSWER[3:],
        PLUG,
        answers=events(),
    )
    assert run.requests == [Wait(), Wait(Response(b"\x07", 0x9000))]
    assert run.ram(0, len(HEARD)) == HEARD


def test_sending_tells_how_many_bytes_were_taken():
    """A part of a packet counts as much as a whole one; a status behind another one is passed over."""
    assert Drawn([(SEND, (0,), 3, 0)], ANSWER).result == (3, 0)
    assert Drawn([(SEND, (0,), 5, 0), (SEND, (0,), 5, 0)], STATUS).result == (5, 0)


def test_whose_turn_it_is_is_told():
    """Nothing is received before a status was sent, and nothing but a status is taken after it."""
    assert Drawn([receive()]).result == (NOT_NOW, 0)
    run = Drawn([(SEND, (0,), 5, 0), (SEND, (1,), 6, 0)], STATUS, ANSWER)
    assert run.result == (NOT_NOW, 0)
    run = Drawn([(SEND, (0,), 5, 0), receive(), (SEND, (1,), 6, 0)], STATUS, ANSWER, answers=events())
    assert run.result == (6, 0)
    run = Drawn([(SEND, (0,), 5, 0), receive(), receive()], STATUS, answers=events(2))
    assert (run.result, run.requests) == ((NOT_NOW, 0), [Wait()])


def test_last_packet_is_given_once_more():
    """The flag that asks for it asks nobody; before there was any it is empty."""
    assert Drawn([receive(flags=AGAIN)]).result == (0, 0)
    steps = [(SEND, (1,), 4, 0), (SEND, (0,), 5, 0), receive(), receive(RAM + 64, flags=AGAIN)]
    run = Drawn(steps, STATUS, PLUG, answers=events())
    assert (run.result, run.requests) == ((len(HEARD), 0), [Wait()])
    assert run.ram(64, len(HEARD)) == HEARD


@pytest.mark.parametrize("turns", [1, 3, 16])
def test_apdu_waits_until_the_cable_is_plugged_in(turns):
    """An app that starts refuses APDUs: it is told that time passes, and given the APDU as soon as it has plugged in."""
    turn = ((SEND, (0,), 5, 0), receive())
    run = Drawn([*turn * turns], STATUS, answers=events())
    assert (run.ram(0, len(TICK)), run.requests) == (TICK, [Wait()])
    run = Drawn([*turn * turns, (SEND, (1,), 4, 0), *turn], STATUS, PLUG, answers=events())
    assert (run.ram(0, len(HEARD)), run.requests) == (HEARD, [Wait()])


def test_app_that_never_plugs_in_is_given_the_apdu_in_the_end():
    """Some have no cable: sixteen times they are told the time, then the APDU comes."""
    run = Drawn([(SEND, (0,), 5, 0), receive()] * 17, STATUS, answers=events())
    assert (run.ram(0, len(HEARD)), run.requests) == (HEARD, [Wait()])


def test_call_of_the_oss_stack_is_a_turn_as_well():
    """An app that receives by the OS's stack may send packets afterwards, status or not."""
    run = Drawn([(SEND, (0,), 5, 0), call(OF_OS, RAM, 300, 0), (SEND, (1,), 6, 0)], STATUS, ANSWER, answers=events())
    assert run.result == (6, 0)


@pytest.mark.parametrize(
    "step",
    [
        receive(0),
        receive(room=0),
        receive(room=3),
        call(SEND, 0, 5, 0),
        call(SEND, RAM, 0, 0),
        call(SEND, RAM, 0x10000, 0),
    ],
)
def test_no_place_and_no_bytes_are_told(step):
    """A pointer to nowhere, no room, no length: an error to the app, and nobody is asked."""
    run = Drawn([step])
    assert (run.result, run.requests) == ((NO_PLACE, 0), [])


@pytest.mark.parametrize(
    "step", [receive(0x1000, flags=AGAIN), call(SEND, 0x1000, 5, 0), call(SEND, RAM + 0x6FFE, 5, 0)]
)
def test_pointer_that_is_not_the_apps_is_refused(step):
    """What the app does not own is neither read nor written."""
    run = Drawn([(SEND, (0,), 5, 0), receive(), step], STATUS, answers=events())
    assert run.result == (0, 2)
