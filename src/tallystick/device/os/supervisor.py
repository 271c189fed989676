"""The running app: launched, fed with events, served, watched, and ended.

The supervisor trusts nothing an app sends. One request is in hand at a time; an app that sends another before it got
its outcome, calls too often, computes too long or dies is ended, the APDU it owed is answered 6F00, and the dashboard
returns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from tallystick.device.hil import AppHost
from tallystick.device.os.app_picture import Pictures
from tallystick.device.os.app_run import Run
from tallystick.device.os.app_scene import RUBBISH, Scenes
from tallystick.device.os.display.stack import Display
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.syscalls import Syscalls
from tallystick.device.os.task import Promise, Scheduler, Timer
from tallystick.errors import UsageError
from tallystick.wire.bundle import Bundle
from tallystick.wire.call_library import MAX_LIBRARY_DEPTH, LibraryEntry
from tallystick.wire.image import AppFlag
from tallystick.wire.native import NativeImage
from tallystick.wire.status import StatusWord
from tallystick.wire.syscall import (
    MAX_LOG,
    MAX_REPLY,
    Answer,
    ApduEvent,
    AppEvent,
    Ask,
    CallLibrary,
    CallStatus,
    DeviceInfo,
    EndorsementCall,
    Exchange,
    Exit,
    Idle,
    LeaveLibrary,
    LibraryResult,
    Outcome,
    Paint,
    Request,
    ResetEvent,
    Response,
    SendReports,
    Wait,
)

_LOGGER = logging.getLogger(__name__)
#: seconds an app may work on one event without waiting for the person
WATCHDOG_S = 10.0
#: system calls an app may make for one event
MAX_CALLS = 20_000
#: what starting a library counts for among the calls of an event
_LIBRARY_COST = 63
#: reports that wait for an app, beyond which one more is lost: the longest message there can be takes 129
_MAX_REPORTS = 256
_CRASHED = Response(b"", StatusWord.TECHNICAL_PROBLEM)


class Supervisor:
    """Runs at most one app."""

    def __init__(self, *, host: AppHost, scheduler: Scheduler, display: Display, syscalls: Syscalls) -> None:
        self._host = host
        self._scheduler = scheduler
        self._display = display
        self._syscalls = syscalls
        self._run: Run | None = None
        self._watchdog: Timer | None = None
        #: what native apps paint, and when they hear of what
        self.pictures = Pictures(self, scheduler=scheduler, display=display)
        self._scenes = Scenes(self, scheduler=scheduler, display=display)
        #: finds an app that another one calls as its library
        self.find: Callable[[str], InstalledApp | None] = lambda _name: None
        #: told when an app is gone, with the reason (empty: it ended as it should)
        self.on_closed: Callable[[InstalledApp, str], None] = lambda _app, _reason: None
        #: told of each report that an app sends, 64 bytes
        self.on_report: Callable[[bytes], None] = lambda _report: None

    @property
    def app(self) -> InstalledApp | None:
        """The app that is open, or None."""
        return self._run.opened.app if self._run else None

    @property
    def run(self) -> Run | None:
        """The life that is in front, a library's while one is called, or None."""
        return self._run

    @property
    def is_waiting(self) -> bool:
        """Whether no app computes: each waits for an event or a person, or none is open."""
        return self._run is None or isinstance(self._run.request, Wait | Exchange | Ask)

    def open(self, app: InstalledApp, info: DeviceInfo) -> None:
        """Launch `app`, in place of the one that is open; raise UsageError for native code where nothing runs it."""
        if app.bundle is None and not self._host.runs_native:
            raise UsageError(f"{app.name} is native code", remedy="install the extra tallystick[native]")
        self.close()
        run = self._run = Run(app, info=info, busy_since_s=self._scheduler.clock.now_s())
        self._launch(run, info, NativeImage(image=app.record.image) if app.bundle is None else app.bundle)

    def _launch(self, run: Run, info: DeviceInfo, bundle: Bundle | NativeImage) -> None:
        run.link = self._host.launch(
            bundle,
            info,
            on_request=lambda request: self._scheduler.call_soon(lambda: self._serve(run, request)),
            on_end=lambda reason: self._scheduler.call_soon(lambda: self._ended(run, reason)),
        )
        self._watch()

    def close(self, reason: str = "") -> None:
        """End the open app, if any, and tell `on_closed`."""
        run, self._run = self._run, None
        if run is None:
            return
        for each in run.chain():
            self._drop(each)
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        for promise in (run.owed, *(promise for _, promise in run.events)):
            if promise is not None:
                promise.resolve(_CRASHED)
        if reason:
            _LOGGER.warning("the app %s was ended: %s", run.app.name, reason)
        self.on_closed(run.opened.app, reason)

    def _drop(self, run: Run) -> None:
        if run.link is not None:
            run.link.kill()
        if run.asking is not None:
            run.asking.cancel()
        run.canvas.stop()
        self._display.withdraw(run)

    def deliver(self, raw: bytes) -> Promise[Response]:
        """Give the open app an APDU; the promise is its answer."""
        promise: Promise[Response] = self._scheduler.promise()
        run = self._run
        if run is None:
            promise.resolve(_CRASHED)
        else:
            self.feed(run, ApduEvent(raw), promise)
        return promise

    def report(self, raw: bytes) -> None:
        """Give the open app a report of the HID interface for FIDO; without an app that could hear of it, it is lost."""
        run = self._run
        if run is not None and run.app.bundle is None and len(run.reports) < _MAX_REPORTS:
            run.reports.append(raw)
            for each in run.chain():
                each.has_listener = True
            self.next(run)

    def reset(self) -> None:
        """Tell the open app that its client is gone; what it was doing for it ends."""
        run = self._run
        if run is None:
            return
        for entry in [entry for entry in run.events if entry[1] is not None]:
            run.events.remove(entry)
        working = run.owed is not None
        run.owed = None
        if working and run.canvas.view is not None and run.asking is None:
            run.canvas.is_in_debt = True
            return
        if not working:
            if not any(isinstance(event, ResetEvent) for event, _ in run.events):
                self.feed(run, ResetEvent(), None)
            return
        run.aborted = True
        if run.asking is not None:
            run.asking.cancel()
            run.asking = None
            self._display.withdraw(run)
            self.answer(run, Outcome(CallStatus.ABORTED))

    def feed(self, run: Run, event: AppEvent, promise: Promise[Response] | None) -> None:
        """Have an event wait for an app; the promise is its answer's."""
        run.events.append((event, promise))
        self.next(run)

    def next(self, run: Run) -> None:
        """Hand the app its next event, if it waits for one."""
        if isinstance(run.request, Wait):
            self.pictures.next(run, ticks=run.request.ticks)
        elif isinstance(run.request, Exchange) and run.events:
            event, run.owed = run.events.popleft()
            run.calls = 0
            run.aborted = False
            self.answer(run, Outcome(value=event))

    def answer(self, run: Run, outcome: Outcome) -> None:
        """Give a life what it asked for; it computes from now on."""
        run.request = None
        run.busy_since_s = self._scheduler.clock.now_s()
        self._watch()
        if run.link is not None:
            run.link.answer(outcome)

    def _serve(self, run: Run, request: Request) -> None:
        if run is not self._run:
            return
        run.calls += 1
        if run.request is not None or run.calls > MAX_CALLS:
            self.close("it broke the rules of system calls" if run.request else "it flooded the system with calls")
            return
        run.request = request
        try:
            self._carry_out(run, request)
        except RUBBISH:
            self.close("it sent what is no system call")

    def _carry_out(self, run: Run, request: Request) -> None:
        match request:
            case Exchange(response):
                self._take_response(run, response)
            case Wait() if run.app.bundle is None:
                self._wait(run, request)
            case Paint() if run.app.bundle is None:
                status = self.pictures.paint(run, request)
                if status is not None:
                    self.answer(run, Outcome(status))
            case Answer(response) if run.app.bundle is None:
                run.canvas.is_in_debt = False
                if self._settle(run, response):
                    self._display.withdraw(run)
                    self.answer(run, Outcome())
            case SendReports(reports) if run.app.bundle is None:
                self._display.draw()  # whoever hears them looks at the screen next
                for report in reports if run.has_listener else ():
                    self.on_report(report)
                self.answer(run, Outcome())
            case Exit(reason):
                self.close("".join(char if char.isprintable() else "?" for char in reason[:MAX_LOG]))
            case LeaveLibrary() if run.caller is not None:
                self._leave_library(run, run.caller, request)
            case _ if run.aborted:
                self.answer(run, Outcome(CallStatus.ABORTED))
            case Ask(scene):
                self._scenes.ask(run, scene)
            case Idle(menu):
                self._scenes.idle(run, menu)
            case CallLibrary() if run.app.bundle is None:
                self._call_library(run, request)
            case EndorsementCall():  # a library speaks for the app that called it (attestation 5)
                self.answer(run, self._syscalls.handle(run.opened.app, request))
            case _:
                self.answer(run, self._syscalls.handle(run.app, request))

    def _wait(self, run: Run, wait: Wait) -> None:
        """Show what the app painted, take its answer, and give it what comes next."""
        if wait.painting is not None:
            status = self.pictures.paint(run, wait.painting)
            if status is not CallStatus.OK:
                if status is not None:
                    self.answer(run, Outcome(status))
                return
        response = wait.response
        run.canvas.is_in_debt &= response is None
        if response is None:
            self.next(run)
            return
        if wait.painting is not None:
            self._display.draw()  # whoever is answered looks at the screen next
        self._take_response(run, response)

    def _take_response(self, run: Run, response: Response | None) -> None:
        if self._settle(run, response):
            self._display.withdraw(run)
            self.next(run)

    def _settle(self, run: Run, response: Response | None) -> bool:
        """Answer the APDU that `run` works on; an answer that is none ends the app, and gives False."""
        if response is not None and (
            memoryview(response.data).nbytes > MAX_REPLY or not 0x4000 <= response.status <= 0xFFFF
        ):
            self.close("its answer is no answer")
            return False
        owed, run.owed = run.owed, None
        if owed is not None:
            owed.resolve(response or _CRASHED)
        return True

    def _call_library(self, run: Run, call: CallLibrary) -> None:
        """Run another native app in a process of its own, on the caller's RAM; the caller waits."""
        app, depth = self.find(call.name), len(list(run.chain()))
        run.calls += _LIBRARY_COST
        if app is None or run.info is None:
            self.answer(run, Outcome(CallStatus.EMPTY))
        elif app.bundle is not None or not app.flags & AppFlag.LIBRARY or depth > MAX_LIBRARY_DEPTH:
            self.answer(run, Outcome(CallStatus.NOT_PERMITTED))
        elif call.response is None or self._settle(run, call.response):
            callee = self._run = run.begin(app, call, now_s=self._scheduler.clock.now_s())
            entry = LibraryEntry(
                argument=call.argument, stack=call.stack, depth=depth, ram=call.ram, code=run.app.record.image.code
            )
            self._launch(callee, run.info, NativeImage(image=app.record.image, entry=entry))
            self._watch()

    def _leave_library(self, run: Run, caller: Run, leave: LeaveLibrary) -> None:
        """End a library; its caller goes on with what it left in RAM."""
        if run.called is None or len(leave.ram) != len(run.called.ram):
            self.close("it gave another RAM back")
        elif leave.response is None or self._settle(run, leave.response):
            self._drop(run)
            caller.owed, caller.aborted = run.owed, run.aborted
            self._run = caller
            if run.menu is not None and caller.menu is not None:
                self._scenes.show(caller, caller.menu)
            self.answer(caller, Outcome(value=LibraryResult(leave.thrown, leave.ram)))

    def _ended(self, run: Run, reason: str) -> None:
        if self._run is not None and run in self._run.chain():
            self.close(reason)

    def _watch(self) -> None:
        """Keep one timer running while the app computes."""
        if self._watchdog is None and self._run is not None:
            self._watchdog = self._scheduler.call_at(self._run.busy_since_s + WATCHDOG_S, self._bark)

    def _bark(self) -> None:
        self._watchdog = None
        run = self._run
        if run is None or run.request is not None:
            return
        if self._scheduler.clock.now_s() - run.busy_since_s >= WATCHDOG_S:
            self.close("it did not come back")
        else:
            self._watch()
