"""One life of one app, as the supervisor keeps it: what the app asked, what it owes, and what waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tallystick.device.hil import RunningApp
from tallystick.device.os.app_canvas import AppCanvas
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.task import Promise, Task
from tallystick.wire.screen import Menu
from tallystick.wire.syscall import AppEvent, CallLibrary, DeviceInfo, Outcome, Request, Response


@dataclass(slots=True, eq=False)
class Run:
    """One life of one app."""

    app: InstalledApp
    link: RunningApp | None = None
    #: the request in hand; None while the app computes
    request: Request | None = None
    events: deque[tuple[AppEvent, Promise[Response] | None]] = field(default_factory=deque)
    #: reports of the HID interface for FIDO that wait for the app
    reports: deque[bytes] = field(default_factory=deque)
    #: whether one has come: nobody listens before
    has_listener: bool = False
    #: the APDU the app is working on
    owed: Promise[Response] | None = None
    menu: Menu | None = None
    calls: int = 0
    busy_since_s: float = 0.0
    #: the client of the APDU in work is gone: every call until the next Exchange ends with ABORTED
    aborted: bool = False
    asking: Task | None = None
    canvas: AppCanvas = field(default_factory=AppCanvas)
    info: DeviceInfo | None = None
    #: who called this app as a library, and with what
    caller: Run | None = None
    called: CallLibrary | None = None

    def chain(self) -> Iterator[Run]:
        """Yield this life, then its caller's, and so on to the app that the person opened."""
        run: Run | None = self
        while run is not None:
            yield run
            run = run.caller

    def begin(self, app: InstalledApp, call: CallLibrary, *, now_s: float) -> Run:
        """Return the life of a library that this app calls: it has the APDU in hand, what waits, and the picture."""
        run = Run(
            app,
            events=self.events,
            reports=self.reports,
            has_listener=self.has_listener,
            owed=self.owed,
            canvas=self.canvas,
            info=self.info,
            caller=self,
            called=call,
            busy_since_s=now_s,
        )
        self.owed = None
        return run

    @property
    def opened(self) -> Run:
        """The app that the person opened."""
        return list(self.chain())[-1]


class Runner(Protocol):
    """Runs at most one app."""

    @property
    def run(self) -> Run | None:
        """The life that is in front, a library's while one is called."""
        ...

    def answer(self, run: Run, outcome: Outcome) -> None:
        """Give a life what it asked for."""
        ...

    def feed(self, run: Run, event: AppEvent, promise: Promise[Response] | None) -> None:
        """Have an event wait for a life; the promise is its answer's."""
        ...

    def next(self, run: Run) -> None:
        """Hand a life its next event, if it waits for one."""
        ...

    def close(self, reason: str = "") -> None:
        """End the app."""
        ...
