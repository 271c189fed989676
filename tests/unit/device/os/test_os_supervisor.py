"""The supervisor with an app that does only what the test says: time, order and queues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tallystick import apps
from tallystick.device.os.display.stack import Display
from tallystick.device.os.identity import VERSIONS
from tallystick.device.os.registry import InstalledApp, Registry
from tallystick.device.os.storage import Storage
from tallystick.device.os.supervisor import MAX_CALLS, WATCHDOG_S, Supervisor
from tallystick.device.os.syscalls import Syscalls
from tallystick.device.os.task import Promise, Scheduler
from tallystick.device.secure.endorsement import EndorsementKeys
from tallystick.device.secure.keychain import Keychain
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.wire.call_canvas import ButtonsInput, Inputs, Paint, Wait
from tallystick.wire.events import Button, press
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Bitmap, Frame
from tallystick.wire.screen import Entry, Item, Menu, Progress, Review
from tallystick.wire.syscall import (
    ApduEvent,
    Ask,
    CallStatus,
    DeviceInfo,
    Exchange,
    Exit,
    Idle,
    MenuEvent,
    Outcome,
    Random,
    ReportEvent,
    Request,
    ResetEvent,
    Response,
    SendReports,
)

MODEL = MODELS["nanosp"]
INFO = DeviceInfo(
    model=MODEL.name, target_id=MODEL.target_id, os_version="1.1.1", mcu_version="4.03", touch=False, page_width=38
)
REVIEW = Review(items=(Item("To", ("somebody",)),))
MENU = Menu(title="App", entries=(Entry("One"), Entry("Quit")))


class Stage:
    """A supervisor, and in place of an app the test itself."""

    runs_native = True

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.scheduler = Scheduler(self.clock)
        self.frame: Frame | None = None
        self.display = Display(model=MODEL, scheduler=self.scheduler, panel=self)
        storage = Storage(MemoryFlash())
        keychain, rng = Keychain(), RepeatableRng(0)
        endorsement = EndorsementKeys(flash=MemoryFlash(), rng=rng, keychain=keychain, serial="")
        syscalls = Syscalls(keychain=keychain, endorsement=endorsement, storage=storage, rng=rng, clock=self.clock)
        self.supervisor = Supervisor(host=self, scheduler=self.scheduler, display=self.display, syscalls=syscalls)
        self.closed: list[str] = []
        self.supervisor.on_closed = lambda _app, reason: self.closed.append(reason)
        registry = Registry(storage=storage, model=MODEL, os_version=VERSIONS[MODEL.name].os)
        self.app: InstalledApp = registry.install(apps.bundle("cosmos"))
        self.display.idle(Menu(title="Home", entries=(Entry("Home"),)), lambda _index: None)
        self.outcomes: list[Outcome] = []
        self.killed = False
        self._request: Callable[[Request], None] = lambda _request: None
        self.end: Callable[[str], None] = lambda _reason: None
        self.supervisor.open(self.app, INFO)

    def launch(self, bundle: Any, info: Any, *, on_request: Any, on_end: Any) -> Stage:
        """Be launched as the app."""
        del bundle, info
        self._request, self.end = on_request, on_end
        return self

    def answer(self, outcome: Outcome | None) -> None:
        """Note an outcome."""
        assert outcome is not None
        self.outcomes.append(outcome)

    def kill(self) -> None:
        """Note the end."""
        self.killed = True

    def show(self, frame: Frame) -> None:
        """Note a frame."""
        self.frame = frame

    def tell(self, status: dict[str, Any]) -> None:
        """Pass over the status."""
        del status

    def say(self, *requests: Request) -> None:
        """Let the app send requests, all before it hears an answer."""
        for request in requests:
            self._request(request)
        self.scheduler.run()

    def deliver(self, raw: bytes = b"apdu") -> Promise[Response]:
        """Have an APDU delivered to the app."""
        promise = self.supervisor.deliver(raw)
        self.scheduler.run()
        return promise

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.turn(seconds)
        self.scheduler.advance()


@pytest.fixture
def stage() -> Stage:
    """Give an app that was launched and has said nothing yet."""
    return Stage()


def answered(promise: Promise[Response]) -> Response:
    """Return what a kept promise holds."""
    assert promise.done
    value = promise._value
    assert isinstance(value, Response)
    return value


def test_apdu_goes_to_the_app_once_it_waits(stage: Stage) -> None:
    """What comes before the app is ready waits; its answer is that of the next exchange."""
    promise = stage.deliver()
    assert not stage.outcomes
    stage.say(Exchange())
    assert stage.outcomes[-1].value == ApduEvent(b"apdu")
    stage.say(Exchange(Response(b"x", 0x9000)))
    assert answered(promise) == Response(b"x", 0x9000)


def test_app_that_does_not_come_back_is_ended(stage: Stage) -> None:
    """Ten seconds of silence at work end the app, and its APDU is answered 6F00."""
    stage.say(Exchange())
    promise = stage.deliver()
    stage.turn(WATCHDOG_S - 0.1)
    assert not promise.done
    stage.turn(0.2)
    assert answered(promise).status == 0x6F00
    assert stage.killed
    assert stage.closed == ["it did not come back"]
    assert stage.supervisor.app is None


def test_app_that_never_speaks_is_ended(stage: Stage) -> None:
    """An app that hangs while it starts is ended too."""
    stage.turn(WATCHDOG_S + 0.1)
    assert stage.closed == ["it did not come back"]


def test_app_that_waits_may_wait(stage: Stage) -> None:
    """Neither idling nor a person who reads for an hour is a hang."""
    stage.say(Exchange())
    stage.turn(3600)
    promise = stage.deliver()
    stage.say(Ask(REVIEW))
    stage.turn(3600)
    assert stage.closed == []
    assert not promise.done


def test_each_call_gives_the_app_its_time_anew(stage: Stage) -> None:
    """The watch is on silence, not on the whole of the work."""
    stage.say(Exchange())
    stage.deliver()
    for _ in range(5):
        stage.turn(WATCHDOG_S - 1)
        stage.say(Random(1))
    assert stage.closed == []
    stage.turn(WATCHDOG_S + 0.1)
    assert stage.closed == ["it did not come back"]


def test_second_request_before_the_outcome_ends_the_app(stage: Stage) -> None:
    """One call at a time: an app that speaks out of turn is ended."""
    stage.say(Exchange(), Exchange())
    assert stage.closed == ["it broke the rules of system calls"]


def test_flood_of_calls_ends_the_app(stage: Stage) -> None:
    """More than so many calls for one event are too many; the count begins anew with the next event."""
    for _ in range(2):
        stage.say(Exchange(Response(b"", 0x9000)))
        stage.deliver()
        for _ in range(MAX_CALLS - 1):
            stage.say(Random(1))
    assert stage.closed == []
    stage.say(Random(1))
    stage.say(Random(1))
    assert stage.closed == ["it flooded the system with calls"]


def test_menu_choices_of_a_busy_app_are_few(stage: Stage) -> None:
    """A person who presses on while the app is busy fills a queue of eight and no more; Quit always works."""
    stage.say(Idle(MENU))
    stage.say(Exchange())
    stage.deliver()
    for _ in range(50):
        for event in press(Button.BOTH):
            stage.display.gesture(event)
        stage.scheduler.run()
    run = stage.supervisor._run
    assert run is not None
    assert len(run.events) == 8
    stage.say(Exchange(Response(b"", 0x9000)))
    assert stage.outcomes[-1].value == MenuEvent(0)
    for event in (*press(Button.RIGHT), *press(Button.BOTH)):
        stage.display.gesture(event)
    stage.scheduler.run()
    assert stage.closed == [""]


def test_reset_while_the_app_computes_aborts_each_call_until_it_comes_back(stage: Stage) -> None:
    """The client is gone: calls end with ABORTED, the late answer goes nowhere, and the next APDU gets its own."""
    stage.say(Exchange())
    first = stage.deliver(b"first")
    stage.supervisor.reset()
    second = stage.deliver(b"second")
    for request in (Random(1), Ask(REVIEW), Idle(MENU)):
        stage.say(request)
        assert stage.outcomes[-1].status is CallStatus.ABORTED
    stage.say(Exchange(Response(b"late", 0x9000)))
    assert stage.outcomes[-1].value == ApduEvent(b"second")
    stage.say(Exchange(Response(b"right", 0x9000)))
    assert answered(second).data == b"right"
    assert not first.done


def test_reset_while_the_app_asks_takes_the_question_off(stage: Stage) -> None:
    """The review vanishes, its call ends with ABORTED, once."""
    stage.say(Exchange())
    stage.deliver()
    stage.say(Ask(REVIEW))
    assert stage.display.is_asking
    count = len(stage.outcomes)
    stage.supervisor.reset()
    stage.scheduler.run()
    assert not stage.display.is_asking
    assert [outcome.status for outcome in stage.outcomes[count:]] == [CallStatus.ABORTED]


def test_reset_after_progress_answers_no_call_that_was_not_made(stage: Stage) -> None:
    """An app that shows progress and computes on is aborted at its next call, and not before."""
    stage.say(Exchange())
    stage.deliver()
    stage.say(Ask(Progress(text="busy")))
    count = len(stage.outcomes)
    stage.supervisor.reset()
    stage.scheduler.run()
    assert len(stage.outcomes) == count


def test_reset_of_a_waiting_app_is_an_event(stage: Stage) -> None:
    """An app that waits is told once, and forgets."""
    stage.say(Exchange())
    stage.supervisor.reset()
    stage.scheduler.run()
    assert stage.outcomes[-1].value == ResetEvent()
    stage.supervisor.reset()
    stage.supervisor.reset()
    run = stage.supervisor._run
    assert run is not None
    assert [event for event, _ in run.events] == [ResetEvent()]


def test_requests_of_an_app_that_was_ended_are_not_served(stage: Stage) -> None:
    """What an app sends after its end reaches nobody."""
    stage.supervisor.close()
    count = len(stage.outcomes)
    stage.say(Random(1), Exit(), Idle(MENU))
    stage.end("late")
    stage.scheduler.run()
    assert len(stage.outcomes) == count
    assert stage.closed == [""]


def test_app_that_dies_answers_6f00_to_all_that_wait(stage: Stage) -> None:
    """The APDU in work and those in the queue are answered."""
    stage.say(Exchange())
    first, second = stage.deliver(b"1"), stage.deliver(b"2")
    stage.end("crashed")
    stage.scheduler.run()
    assert {answered(promise).status for promise in (first, second)} == {0x6F00}
    assert stage.closed == ["crashed"]
    assert answered(stage.deliver()).status == 0x6F00


def test_exit_in_the_middle_of_work_owes_6f00(stage: Stage) -> None:
    """An app that leaves without an answer has it given for it."""
    stage.say(Exchange())
    promise = stage.deliver()
    stage.say(Exit())
    assert answered(promise).status == 0x6F00
    assert stage.closed == [""]


def test_exchange_without_answer_while_one_is_owed_is_6f00(stage: Stage) -> None:
    """An app that goes on waiting without an answer has failed its client, and lives."""
    stage.say(Exchange())
    promise = stage.deliver()
    stage.say(Exchange())
    assert answered(promise).status == 0x6F00
    assert stage.closed == []


WHOLE = Paint(x=0, y=0, w=128, h=64, bits=1, data=b"\xff" * 1024, labels=())


@pytest.fixture
def native(stage: Stage) -> Stage:
    """Give an app of native code that was launched and has said nothing yet."""
    stage.app = replace(stage.app, bundle=None)
    stage.supervisor.open(stage.app, INFO)
    stage.closed.clear()
    return stage


def test_painting_that_came_with_the_wait_is_shown(native: Stage) -> None:
    """The picture is there, and the app goes on waiting: a painting has no outcome of its own."""
    native.say(Wait(painting=WHOLE))
    assert native.frame is not None
    picture = native.frame.drawing.elements[0]
    assert isinstance(picture, Bitmap)
    assert picture.data == WHOLE.data
    assert native.outcomes == []


def test_painting_beside_the_screen_ends_the_wait(native: Stage) -> None:
    """The app is told what was wrong; neither its answer nor its picture was taken."""
    promise = native.deliver()
    native.say(Wait())
    native.say(Wait(Response(b"", 0x9000), painting=replace(WHOLE, y=1)))
    assert [outcome.status for outcome in native.outcomes] == [CallStatus.OK, CallStatus.BAD_ARGUMENT]
    assert not promise.done
    native.say(Wait(Response(b"", 0x9000)))
    assert answered(promise) == Response(b"", 0x9000)


def test_reports_come_one_by_one_and_beside_an_apdu(native: Stage) -> None:
    """An app hears of each, in order, before the APDU that came with them; what it has in hand is still answered."""
    native.say(Wait())
    promise = native.deliver()
    for number in range(2):
        native.supervisor.report(bytes((number,)) * 64)
    for _ in range(2):
        native.say(Wait())
    native.say(Wait(Response(b"", 0x9000)))
    assert [type(outcome.value) for outcome in native.outcomes] == [ApduEvent, ReportEvent, ReportEvent]
    assert [outcome.value.raw[0] for outcome in native.outcomes[1:]] == [0, 1]
    assert answered(promise) == Response(b"", 0x9000)


def test_reports_that_wait_have_a_limit(native: Stage) -> None:
    """While an app computes 256 of them are kept for it."""
    for number in range(300):
        native.supervisor.report(number.to_bytes(2, "big") + bytes(62))
    for _ in range(257):
        native.say(Wait())
    assert len(native.outcomes) == 256
    assert native.outcomes[-1].value.raw[:2] == b"\x00\xff"


def test_reports_of_an_app_go_out_once_somebody_listens(native: Stage) -> None:
    """An app that talks to nobody is taken at its word, and nothing of it leaves; then all of it does, in order."""
    heard: list[bytes] = []
    native.supervisor.on_report = heard.append
    native.say(SendReports((bytes(64),)))
    native.supervisor.report(bytes(64))
    native.say(SendReports((b"\x01" * 64, b"\x02" * 64)))
    assert heard == [b"\x01" * 64, b"\x02" * 64]
    assert [outcome.status for outcome in native.outcomes] == [CallStatus.OK] * 2


def test_python_apps_have_no_reports(stage: Stage) -> None:
    """They hear of none, and send none."""
    heard: list[bytes] = []
    stage.supervisor.on_report = heard.append
    stage.supervisor.report(bytes(64))
    stage.say(SendReports((bytes(64),)))
    assert (heard, [outcome.status for outcome in stage.outcomes]) == ([], [CallStatus.NOT_SUPPORTED])


def test_paintings_that_come_with_waits_are_counted(native: Stage) -> None:
    """Who paints without end is ended, however the paintings come."""
    for _ in range(10_000):
        if native.closed:
            break
        native.display.gesture(press(Button.LEFT)[0])
        native.say(Wait(painting=WHOLE))
    assert native.closed == ["it flooded the screen"]


def test_gesture_is_one_outcome_and_the_next_one_another(native: Stage) -> None:
    """What the person does while the app computes comes by gestures: until nothing is held any more."""
    native.say(Wait(painting=WHOLE))
    for event in press(Button.BOTH) + press(Button.LEFT):
        native.display.gesture(event)
    native.scheduler.run()
    both = Inputs((ButtonsInput(1), ButtonsInput(3), ButtonsInput(2), ButtonsInput(0)))
    assert [outcome.value for outcome in native.outcomes] == [both]
    native.say(Wait())
    assert native.outcomes[1].value == Inputs((ButtonsInput(1), ButtonsInput(0)))
    native.say(Wait())
    native.display.gesture(press(Button.LEFT)[0])
    native.scheduler.run()
    assert native.outcomes[2].value == ButtonsInput(1)
