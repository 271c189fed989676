"""The screen as the OS uses it: one idle scene, questions stacked upon it, and numbered frames.

The top of the stack is what the person sees and answers. Each change of the picture is one new frame with the next
number. Questions have owners: those of one that are no longer wanted (the client went away, an app ended) are taken
off wherever they lie, and nobody else's are touched. What the lock asks lies above everything, whoever asks later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, unique

from tallystick.device.hil import Panel
from tallystick.device.os.display.canvas import CanvasView
from tallystick.device.os.display.factory import view_for
from tallystick.device.os.display.view import View
from tallystick.device.os.task import Promise, Scheduler, Timer
from tallystick.wire.call_canvas import CanvasEvent
from tallystick.wire.events import Gesture
from tallystick.wire.model import Model
from tallystick.wire.panel import Drawing, Frame
from tallystick.wire.screen import Answer, Menu, Progress, Scene


@unique
class Level(IntEnum):
    """How high a question lies: one of a higher level covers all of a lower one."""

    QUESTION = 0
    LOCK = 1


@dataclass(slots=True, eq=False)
class _Layer:
    scene: str
    view: View
    on_answer: Callable[[Answer], None]
    owner: object = None
    level: Level = Level.QUESTION


class Display:
    """Screen and buttons of one device.

    `sequence` is the number of the last frame of an earlier life of the device (after a reboot), so that numbers never
    go back.
    """

    def __init__(self, *, model: Model, scheduler: Scheduler, panel: Panel, sequence: int = 0) -> None:
        self._model = model
        self._scheduler = scheduler
        self._panel = panel
        self._layers: list[_Layer] = []
        self._base: _Layer | None = None
        self._drawn: Drawing | None = None
        self._shown: _Layer | None = None
        self._timer: Timer | None = None
        self._dirty = False
        scheduler.on_quiet = self.draw
        self.sequence = sequence
        #: told each time the person does something, for the automatic lock
        self.on_gesture: Callable[[], None] = lambda: None

    @property
    def is_asking(self) -> bool:
        """Whether a question lies on the idle scene."""
        return bool(self._layers)

    @property
    def has_canvas(self) -> bool:
        """Whether what is in front is an app's own picture."""
        top = self._top()
        return top is not None and isinstance(top.view, CanvasView)

    def idle(self, menu: Menu, on_choice: Callable[[int], None]) -> None:
        """Set the idle scene; `on_choice` hears the index of each entry chosen."""

        def answered(answer: Answer) -> None:
            on_choice(getattr(answer, "index", 0))

        self._base = _Layer(_name(menu), view_for(menu, self._model), answered)
        self._refresh()

    def canvas(self, on_input: Callable[[CanvasEvent], None]) -> CanvasView:
        """Return a picture for an app to paint, in place of the idle scene; `on_input` hears the person while it is in front."""
        view = CanvasView(self._model, sequence=lambda: self.sequence + 1, on_input=on_input)
        self._base = _Layer("canvas", view, lambda _answer: None)
        return view

    def repaint(self) -> None:
        """Draw what is in front once more, where it has changed."""
        self._refresh()

    def ask(self, scene: Scene, *, owner: object = None, level: Level = Level.QUESTION) -> Promise[Answer]:
        """Put `scene` above all of its level; the promise is kept when the person has answered.

        Raises:
            RemoteProtocolError: the scene cannot be shown; see `view_for`.

        """
        promise: Promise[Answer] = self._scheduler.promise()
        view = view_for(scene, self._model)
        layer = _Layer(_name(scene), view, lambda answer: self._answered(layer, promise, answer), owner, level)
        at = sum(other.level <= level for other in self._layers)
        self._layers.insert(at, layer)
        if isinstance(scene, Progress):
            promise.done = True  # asks nothing: shows until it is withdrawn
        self._refresh()
        return promise

    def withdraw(self, owner: object) -> None:
        """Take off all questions of `owner`; nobody hears of them again."""
        left = [layer for layer in self._layers if layer.owner is not owner]
        if len(left) < len(self._layers):
            self._layers = left
            self._refresh()

    def gesture(self, gesture: Gesture) -> None:
        """Take one gesture of the person."""
        self.on_gesture()
        top = self._top()
        if top is not None:
            self._react(top, top.view.gesture(gesture, now_s=self._scheduler.clock.now_s()))

    def _top(self) -> _Layer | None:
        return self._layers[-1] if self._layers else self._base

    def _react(self, layer: _Layer, answer: Answer | None) -> None:
        if answer is not None:
            layer.on_answer(answer)
        self._refresh()

    def _answered(self, layer: _Layer, promise: Promise[Answer], answer: Answer) -> None:
        if layer in self._layers:
            self._layers.remove(layer)
        promise.resolve(answer)

    def _refresh(self) -> None:
        """Draw once everything that is ready has run: the steps between two questions are not for the eye."""
        if not self._dirty:
            self._dirty = True
            self._scheduler.call_soon(_nothing)

    def draw(self) -> None:
        """Draw what changed, if anything did: else that waits until nothing more is ready to run."""
        top = self._top()
        if top is None or not self._dirty:
            return
        self._dirty = False
        if top is not self._shown:
            if self._shown is not None:
                self._shown.view.let_go()
            self._shown = top
        self._arm(top.view)
        drawing = top.view.draw()
        if drawing is not self._drawn:  # two pages may look alike; a turn of the page is a new frame all the same
            self._drawn = drawing
            self.sequence += 1
            self._panel.show(
                Frame(
                    sequence=self.sequence,
                    width=self._model.screen_width,
                    height=self._model.screen_height,
                    drawing=drawing,
                    scene=top.scene,
                )
            )

    def _arm(self, view: View) -> None:
        deadline_s = view.deadline_s()
        if self._timer is not None:
            if self._timer.deadline_s == deadline_s and self._timer.call is not None:
                return
            self._timer.cancel()
            self._timer = None
        if deadline_s is not None:
            self._timer = self._scheduler.call_at(deadline_s, self._advance)

    def _advance(self) -> None:
        self._timer = None
        top = self._top()
        if top is not None:
            self._react(top, top.view.advance(now_s=self._scheduler.clock.now_s()))


def _name(scene: Scene) -> str:
    """Return the name frames carry, so that a script can tell a menu from a question."""
    return type(scene).__name__.lower()


def _nothing() -> None:
    """Stand in the ready queue, so that the scheduler becomes quiet once more."""
