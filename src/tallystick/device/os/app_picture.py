"""Native apps with a picture of their own: what they paint is shown, and they hear of the person, of APDUs and of the time.

It is the supervisor's part about `AppCanvas`: the person comes first, then a report of the HID interface
for FIDO, then an APDU unless one is in hand, then time.
"""

from __future__ import annotations

from tallystick.device.os.app_run import Run, Runner
from tallystick.device.os.display.stack import Display
from tallystick.device.os.task import Scheduler
from tallystick.device.os.ticker import Ticker
from tallystick.errors import RemoteProtocolError
from tallystick.wire.call_canvas import Inputs
from tallystick.wire.events import TickerAction
from tallystick.wire.syscall import CallStatus, CanvasEvent, NativeEvent, Outcome, Paint, ReportEvent

__all__ = ["Pictures"]


class Pictures:
    """What native apps paint and hear, one app at a time."""

    def __init__(self, runner: Runner, *, scheduler: Scheduler, display: Display) -> None:
        self._runner = runner
        self._scheduler = scheduler
        self._display = display
        self.ticker = Ticker()

    def tick(self, action: TickerAction) -> None:
        """Stop or start the time of native apps, or let the open one have a tick now."""
        run = self._runner.run
        self.ticker.is_paused = action is TickerAction.PAUSE or (action is TickerAction.STEP and self.ticker.is_paused)
        if action is not TickerAction.RESUME:
            self.ticker.asked += 1
        if run is None:
            return
        run.canvas.stop()
        if action is TickerAction.STEP and not run.canvas.inputs and run.canvas.view is not None:
            run.canvas.tick(self._scheduler.clock.now_s())
        self._runner.next(run)

    def next(self, run: Run, *, ticks: bool) -> None:
        """Hand an app what comes next; `ticks` tells whether it is to hear of the time."""
        canvas = run.canvas
        event: NativeEvent | Inputs | None = None
        if canvas.inputs:
            event = canvas.take()
        elif run.reports:
            event = ReportEvent(run.reports.popleft())
        elif run.events and run.owed is None and not canvas.is_in_debt:
            event, run.owed = run.events.popleft()
        if event is not None:
            run.calls, run.aborted = 0, False
            canvas.stop()
            self._runner.answer(run, Outcome(value=event))
        elif ticks and canvas.ticker is None and not self.ticker.is_paused:
            canvas.ticker = self._scheduler.call_at(
                canvas.next_tick_s(self._scheduler.clock.now_s()), lambda: self._tick(run)
            )

    def paint(self, run: Run, painting: Paint) -> CallStatus | None:
        """Change the app's picture, which takes the place of its menu; return how that went, None if it ended the app."""
        canvas, now_s = run.canvas, self._scheduler.clock.now_s()
        if canvas.is_flooded(painting, now_s=now_s):
            self._runner.close("it flooded the screen")
            return None

        def entered(event: CanvasEvent) -> None:
            front = self._runner.run
            if front is not None and front.canvas is canvas:
                canvas.inputs.append(event)
                # with what else the person does meanwhile
                self._scheduler.call_soon(lambda: self._hand_over(front))

        if canvas.view is None:
            canvas.view = self._display.canvas(entered)
        try:
            canvas.view.paint(painting, now_s=now_s)
        except RemoteProtocolError:
            return CallStatus.BAD_ARGUMENT
        self._display.repaint()
        return CallStatus.OK

    def _hand_over(self, run: Run) -> None:
        if run is self._runner.run:
            self._runner.next(run)

    def _tick(self, run: Run) -> None:
        run.canvas.tick(self._scheduler.clock.now_s())
        self._hand_over(run)
