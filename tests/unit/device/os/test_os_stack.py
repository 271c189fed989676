"""The display stack: numbers, levels, owners, and one picture for all that happened."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.device.os.display.stack import Display, Level
from tallystick.device.os.task import Scheduler
from tallystick.device.silicon.clock import VirtualClock
from tallystick.errors import RemoteProtocolError
from tallystick.wire.events import Button, press
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Frame
from tallystick.wire.screen import Choice, Dismissed, Entry, Menu, Notice, PinEntry, Progress

HOME = Menu(title="Home", entries=(Entry("Home"), Entry("Settings")))


class Stage:
    """A display and what it showed."""

    def __init__(self, *, sequence: int = 0) -> None:
        self.scheduler = Scheduler(VirtualClock())
        self.frames: list[Frame] = []
        self.display = Display(model=MODELS["nanosp"], scheduler=self.scheduler, panel=self, sequence=sequence)
        self.chosen: list[int] = []
        self.display.idle(HOME, self.chosen.append)
        self.scheduler.run()

    def show(self, frame: Frame) -> None:
        """Note a frame."""
        self.frames.append(frame)

    def tell(self, status: dict[str, Any]) -> None:
        """Pass over the status."""
        del status

    @property
    def scene(self) -> str:
        """Return what kind of scene is on the screen."""
        return self.frames[-1].scene

    def push(self, button: Button) -> None:
        """Press and release a button."""
        for event in press(button):
            self.display.gesture(event)
        self.scheduler.run()


@pytest.fixture
def stage() -> Stage:
    """Give a display that shows its idle scene."""
    return Stage()


def test_numbers_grow_by_one_from_where_they_were() -> None:
    """Each frame has the next number, and a display after a reboot goes on from the last."""
    stage = Stage(sequence=41)
    for _ in range(5):
        stage.push(Button.RIGHT)
    assert [frame.sequence for frame in stage.frames] == list(range(42, 42 + len(stage.frames)))
    assert len(stage.frames) == 6


def test_nothing_new_is_no_frame(stage: Stage) -> None:
    """A gesture that leads nowhere shows nothing."""
    stage.display.ask(Notice(lines=("a",)))
    stage.scheduler.run()
    count = len(stage.frames)
    stage.scheduler.run()
    assert len(stage.frames) == count


def test_no_frame_between_two_questions(stage: Stage) -> None:
    """When an answer leads straight to the next question, the idle scene between the two is not shown."""

    async def two() -> None:
        await stage.display.ask(Notice(lines=("one",)))
        await stage.display.ask(Notice(lines=("two",)))

    stage.scheduler.spawn(two())
    stage.scheduler.run()
    shown = len(stage.frames)
    while "one" in stage.frames[-1].drawing.texts():
        stage.push(Button.BOTH if stage.frames[-1].drawing.actions[0].button is Button.BOTH else Button.RIGHT)
    assert all(frame.scene == "notice" for frame in stage.frames[shown - 1 :])
    assert "two" in stage.frames[-1].drawing.texts()


def test_question_lies_on_the_idle_scene_until_it_is_answered(stage: Stage) -> None:
    """The answer is that of the top, and what lay below comes back as it was."""
    before = stage.frames[-1].drawing
    promise = stage.display.ask(Choice(lines=("Yes?",), options=("Yes", "No")))
    stage.scheduler.run()
    assert (stage.scene, stage.display.is_asking) == ("choice", True)
    stage.push(Button.RIGHT)
    stage.push(Button.BOTH)
    assert promise.done
    assert stage.frames[-1].drawing == before
    assert not stage.chosen


def test_lock_lies_above_what_is_asked_later(stage: Stage) -> None:
    """A question asked while the lock is on is under it, and is there when the lock is gone."""
    lock = object()
    stage.display.ask(PinEntry(title="Enter PIN"), owner=lock, level=Level.LOCK)
    stage.scheduler.run()
    stage.display.ask(Notice(lines=("later",)))
    stage.display.idle(HOME, stage.chosen.append)
    stage.scheduler.run()
    assert stage.scene == "pinentry"
    stage.display.withdraw(lock)
    stage.scheduler.run()
    assert stage.scene == "notice"


def test_withdrawing_takes_off_the_owners_questions_alone(stage: Stage) -> None:
    """Wherever they lie, and nobody else's."""
    one, two = object(), object()
    for owner in (one, two, one):
        stage.display.ask(Notice(lines=("x",)), owner=owner)
    stage.display.withdraw(object())
    assert len(stage.display._layers) == 3
    stage.display.withdraw(one)
    assert [layer.owner for layer in stage.display._layers] == [two]
    stage.display.withdraw(two)
    stage.scheduler.run()
    assert stage.scene == "menu"


def test_withdrawn_question_is_never_answered(stage: Stage) -> None:
    """Its promise stays unkept, also when the person presses on."""
    owner = object()
    promise = stage.display.ask(Notice(lines=("x",)), owner=owner)
    stage.scheduler.run()
    stage.display.withdraw(owner)
    stage.push(Button.RIGHT)
    stage.push(Button.BOTH)
    assert not promise.done


def test_progress_asks_nothing(stage: Stage) -> None:
    """Its promise is kept at once, and it stays until it is withdrawn."""
    promise = stage.display.ask(Progress(text="busy", percent=1))
    stage.scheduler.run()
    assert promise.done
    assert stage.scene == "progress"


def test_scene_that_cannot_be_shown_changes_nothing(stage: Stage) -> None:
    """It is refused, and what was on the screen stays."""
    with pytest.raises(RemoteProtocolError):
        stage.display.ask(Choice(lines=(), options=()))
    stage.scheduler.run()
    assert (stage.scene, stage.display.is_asking) == ("menu", False)


def test_every_gesture_is_told(stage: Stage) -> None:
    """Who watches for idle time hears of each, whatever it does."""
    heard: list[None] = []
    stage.display.on_gesture = lambda: heard.append(None)
    stage.push(Button.LEFT)
    assert len(heard) == 2


def test_answer_resolves_with_what_the_person_did(stage: Stage) -> None:
    """A notice ends with Dismissed."""
    answers: list[object] = []

    async def ask() -> None:
        answers.append(await stage.display.ask(Notice(lines=("x",))))

    stage.scheduler.spawn(ask())
    stage.scheduler.run()
    for _ in range(3):
        stage.push(Button.BOTH)
        stage.push(Button.RIGHT)
    assert answers == [Dismissed()]
