"""A cable's program, held by `tally up`: started, told each time the device has come up, heard, and let go of.

A cable is a program of its own, because what it needs nothing else does: the rights of root, or the system's D-Bus. It speaks
the lines of `tallystick.device.cable.line`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import Callable
from typing import Any, Protocol

from tallystick.device.cable.line import PLUG, complaint
from tallystick.errors import TallyError, TransportError

#: seconds a cable may take to end when it is let go of
END_S = 0.1
#: bytes of what a cable says that are kept
_CHUNK = 1 << 16


class Device(Protocol):
    """A running device, as far as a cable needs it."""

    on_power: Callable[[], None]

    def fail(self, reason: Exception) -> None:
        """End with `reason`."""
        ...


class Follower(Protocol):
    """Is plugged in each time a device has come up."""

    def follow(self, device: Device) -> None:
        """Follow `device`; must be called inside the event loop."""
        ...


class Cable:
    """The program `command`, which is called `what`; it is given `end_s` seconds to end. `hear` is given what it says unasked.

    Raises the error that the program tells of when it cannot begin, and `refusal` when it says nothing at all.
    """

    def __init__(
        self,
        command: list[str],
        *,
        what: str,
        refusal: TallyError,
        end_s: float = END_S,
        hear: Callable[[dict[str, Any]], None] = lambda _message: None,
    ) -> None:
        self._what = what
        self._end_s = end_s
        self._hear_message = hear
        #: what it said and no line end has come for
        self._said = b""
        self._then: Callable[[], None] | None = None
        self._is_plugged = False
        self._device: Device | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: subprocess.Popen[bytes] | None = self._start(command, refusal)

    def follow(self, device: Device) -> None:
        """Plug `device` in each time it has come up; must be called inside the event loop."""
        if self._process is None or self._process.stdout is None:
            return
        self._device = device
        before = device.on_power

        def plug() -> None:
            before()
            self._plug()

        device.on_power = plug
        os.set_blocking(self._process.stdout.fileno(), False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._process.stdout.fileno(), self._hear)

    def when_plugged(self, then: Callable[[], None]) -> None:
        """Call `then` when the device is plugged in for the first time; at once if it is."""
        if self._is_plugged:
            then()
        else:
            self._then = then

    def close(self) -> None:
        """Let go of the program."""
        self._stop_hearing()
        process, self._process = self._process, None
        if process is not None:
            _let_go(process, self._end_s)

    def _start(self, command: list[str], refusal: TallyError) -> subprocess.Popen[bytes]:
        """Start the program and wait until it is ready; a password may be asked for."""
        process = subprocess.Popen(  # noqa: S603 -- our own module, by way of the system's own sudo
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        line = process.stdout.readline() if process.stdout is not None else b""
        try:
            if not line:
                raise refusal
            self._read(line)
        except TallyError:
            _let_go(process, END_S)
            raise
        return process

    def _plug(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(PLUG.encode() + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                pass  # it has ended; what it said last is heard

    def _hear(self) -> None:
        if self._process is None or self._process.stdout is None or self._device is None:
            return
        try:
            said = os.read(self._process.stdout.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not said:
            self._fail(TransportError(f"the {self._what}'s program ended", remedy="start again"))
            return
        *lines, self._said = (self._said + said)[-_CHUNK:].split(b"\n")
        for line in lines:
            try:
                is_plugged = self._read(line)
            except TallyError as error:
                self._fail(error)
                return
            if not is_plugged:
                continue
            then, self._then, self._is_plugged = self._then, None, True
            if then is not None:
                then()

    def _read(self, line: bytes) -> bool:
        """Read a line of the program and return whether the device is plugged in by it; raise what it complains of."""
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        match document:
            case {"error": dict() as error}:
                raise complaint(error)
            case {"ready": dict()}:
                return False
            case {"plugged": dict()}:
                return True
            case dict():
                self._hear_message(document)
                return False
        raise TransportError(f"the {self._what}'s program said what nobody understands")

    def _fail(self, reason: TallyError) -> None:
        self._stop_hearing()
        if self._device is not None:
            self._device.fail(reason)

    def _stop_hearing(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed() and self._process is not None and self._process.stdout is not None:
            loop.remove_reader(self._process.stdout.fileno())


def _let_go(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """End a cable's program: its input ends, and so does it. One that runs as root by sudo cannot be killed by us."""
    if process.stdin is not None and process.stdout is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience_s)
    if process.poll() is None:
        with contextlib.suppress(PermissionError):
            process.kill()
            process.wait()
