"""Run apps inside the device's own process: for the embedded board, where thousands of devices share one process.

The same bundles and the same system calls as in a process of their own, but requests and outcomes are handed over as
values. An app that never awaits cannot be stopped from outside here; use processes for apps that are not trusted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from tallystick.app.app import Program
from tallystick.app.loader import load
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.bundle import Bundle
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import DeviceInfo, Outcome, Request


class InlineApp:
    """One running app."""

    def __init__(
        self, program: Program, *, on_request: Callable[[Request], None], on_end: Callable[[str], None]
    ) -> None:
        self._program: Program | None = program
        self._on_request = on_request
        self._on_end = on_end

    def answer(self, outcome: Outcome | None) -> None:
        """Resume the app with `outcome` (None to start it) up to its next request."""
        program = self._program
        if program is None:
            return
        try:
            request: object = program.send(outcome)
        except StopIteration:
            self._finish("")
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever an app raises ends the app, and nothing else
            self._finish(f"crashed: {type(error).__name__}")
        else:
            if isinstance(request, Request):
                self._on_request(request)
            else:
                self.kill()
                self._finish("it sent what is no system call")

    def kill(self) -> None:
        """End the app; `on_end` is not called."""
        program, self._program = self._program, None
        if program is not None:
            # an app that awaits, or raises, while it is being ended
            with contextlib.suppress(Exception, SystemExit):
                program.close()

    def _finish(self, reason: str) -> None:
        self._program = None
        self._on_end(reason)


class InlineHost:
    """Launches apps in this process."""

    #: whether an app that never calls the OS can be ended
    preemptive = False
    #: an emulated processor belongs into a process of its own
    runs_native = False

    def launch(
        self,
        bundle: Bundle | NativeImage,
        info: DeviceInfo,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> InlineApp:
        """Start the app of `bundle`; requests and its end are told to the callbacks. Raises UsageError for native code."""
        if isinstance(bundle, NativeImage):
            raise UsageError("native code does not run in this process", remedy="use the isolated board")
        try:
            program = load(bundle)(info)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- importing an app runs it for the first time
            program = _broken(type(error).__name__)
        app = InlineApp(program, on_request=on_request, on_end=on_end)
        app.answer(None)
        return app


async def _broken(name: str) -> None:
    raise RemoteProtocolError(f"the app cannot be loaded: {name}")
