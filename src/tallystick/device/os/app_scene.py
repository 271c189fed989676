"""What apps ask of the screen that the OS draws for them: scenes that a person answers, and the menu of an app that waits."""

from __future__ import annotations

from typing import Final

from tallystick.device.os.app_run import Run, Runner
from tallystick.device.os.display.stack import Display
from tallystick.device.os.task import Scheduler
from tallystick.errors import ProtocolError, RemoteProtocolError
from tallystick.wire.screen import Choice, Menu, Notice, Progress, Review, Scene
from tallystick.wire.syscall import CallStatus, MenuEvent, Outcome

__all__ = ["RUBBISH", "Scenes"]

#: what values of wrong types raise: on the embedded board no codec has looked at them
RUBBISH: Final = (AttributeError, TypeError, ValueError, ProtocolError)
#: scenes an app may ask for: PIN and recovery words are the OS's alone
_APP_SCENES: Final = (Menu, Choice, Review, Notice, Progress)
#: menu choices kept for an app that is busy
_MAX_EVENTS: Final = 8


class Scenes:
    """Shows what apps ask for, and gives them what the person answers."""

    def __init__(self, runner: Runner, *, scheduler: Scheduler, display: Display) -> None:
        self._runner = runner
        self._scheduler = scheduler
        self._display = display

    def ask(self, run: Run, scene: object) -> None:
        """Show a scene until it is answered; one that is none, or not for apps, is an error to the app."""
        if not isinstance(scene, _APP_SCENES):
            self._runner.answer(run, Outcome(CallStatus.BAD_ARGUMENT))
            return
        asking = self._scheduler.spawn(self._ask(run, scene))
        run.asking = None if asking.finished else asking

    def idle(self, run: Run, menu: object) -> None:
        """Make a menu the app's own, in the place of its picture; one that is none is an error to the app."""
        if not isinstance(menu, Menu):
            self._runner.answer(run, Outcome(CallStatus.BAD_ARGUMENT))
            return
        try:
            self.show(run, menu)
        except RemoteProtocolError:
            self._runner.answer(run, Outcome(CallStatus.BAD_ARGUMENT))
            return
        run.menu = menu
        run.canvas.view = None
        self._runner.answer(run, Outcome())

    def show(self, run: Run, menu: Menu) -> None:
        """Show an app's menu, whose last entry ends it; raise RemoteProtocolError for one that cannot be shown."""

        def chosen(index: int) -> None:
            if run is not self._runner.run:
                return
            if index == len(menu.entries) - 1:
                self._runner.close()
            elif len(run.events) < _MAX_EVENTS:
                self._runner.feed(run, MenuEvent(index), None)

        self._display.idle(menu, chosen)

    async def _ask(self, run: Run, scene: Scene) -> None:
        try:
            self._display.withdraw(run)
            answer = await self._display.ask(scene, owner=run)
        except RUBBISH:
            run.asking = None
            self._runner.answer(run, Outcome(CallStatus.BAD_ARGUMENT))
            return
        run.asking = None
        if run is self._runner.run:
            self._runner.answer(run, Outcome(value=answer))
