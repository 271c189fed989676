"""`tally up --usb`: the socket on which the device speaks USB/IP, and the cable that brings it to a USB controller.

A cable is a program of its own, because it needs the rights of root and nothing else does: it runs as root does if we are
root, else through sudo or pkexec, and is told each time the device has come up. The password is asked for once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tallystick.device.cable.line import PLUG, complaint
from tallystick.device.normal.listener import bind, bind_private
from tallystick.errors import PermissionDenied, TallyError, TransportError, UsageError
from tallystick.wire.usbip import DEFAULT_PORT

#: the ways: into this machine, to whoever asks by TCP, out of a board's USB port, a HID device without USB
KINDS = ("vhci", "tcp", "gadget", "uhid")
#: seconds a cable may take to end when it is let go of; a gadget is taken apart, which takes a moment
_END_S = {"gadget": 10.0}
_END_ELSE_S = 0.1
#: bytes of what a cable says that are kept
_CHUNK = 1 << 16


class Device(Protocol):
    """A running device, as far as a cable needs it."""

    on_power: Callable[[], None]

    def fail(self, reason: Exception) -> None:
        """End with `reason`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What `--usb` asks for; `port` is that of TCP, 0 for any free one."""

    kind: str
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str) -> Way:
        """Read ``vhci``, ``tcp``, ``tcp:PORT``, ``gadget`` or ``uhid``; raise UsageError for anything else."""
        kind, colon, port = text.partition(":")
        if kind not in KINDS or (colon and kind != "tcp"):
            raise UsageError(f"there is no way to USB called {text!r}", remedy="use --usb, or --usb tcp[:PORT]")
        if not colon:
            return cls(kind=kind)
        if not (port.isascii() and port.isdigit()) or int(port[:6]) > 0xFFFF:
            raise UsageError(f"{port!r} is not a port", remedy="write it like --usb tcp:3240")
        return cls(kind=kind, port=int(port))


def cable_command(kind: str, address: str) -> list[str]:
    """Return the command line of a cable's program, with what gives it the rights of root.

    Raises PermissionDenied when nothing here does.
    """
    command = [sys.executable, "-I", "-m", f"tallystick.device.cable.{kind}", address]
    if os.geteuid() == 0:
        return command
    for program in ("sudo", "pkexec"):
        found = shutil.which(program)
        if found is not None:
            return [found, *command]
    raise PermissionDenied(
        "to plug in a virtual USB device needs root, and there is neither sudo nor pkexec here",
        remedy="run it as root, or serve USB/IP with --usb tcp",
    )


class Usb:
    """The device's USB socket, and what is plugged into it."""

    def __init__(self, way: Way) -> None:
        self._kind = way.kind
        self._process: subprocess.Popen[bytes] | None = None
        #: what it said and no line end has come for
        self._said = b""
        self._descriptor = -1
        self._then: Callable[[], None] | None = None
        self._is_plugged = False
        self._device: Device | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        if way.kind == "tcp":
            #: where the device listens for USB hosts
            self.listener = bind(way.port, what="USB/IP", flag="--usb tcp:PORT")
            return
        self.listener, self._descriptor = bind_private()
        try:
            self._process = _start(cable_command(way.kind, f"/proc/{os.getpid()}/fd/{self._descriptor}"))
        except TallyError:
            self.close()
            raise

    @property
    def facts(self) -> dict[str, Any]:
        """Where the device is: the kind of cable, and the port where that is TCP."""
        port = self.listener.getsockname()[1] if self.listener.family is socket.AF_INET else None
        return {"kind": self._kind, "port": port}

    def follow(self, device: Device) -> None:
        """Plug `device` in each time it has come up; must be called inside the event loop."""
        if self._process is None or self._process.stdout is None:
            self._is_plugged = True
            return
        self._device = device
        device.on_power = self._plug
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
        """Let go of the cable."""
        self.listener.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._stop_hearing()
        process, self._process = self._process, None
        if process is not None:
            _let_go(process, _END_S.get(self._kind, _END_ELSE_S))

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
            self._fail(TransportError("the USB cable's program ended", remedy="start again"))
            return
        *lines, self._said = (self._said + said)[-_CHUNK:].split(b"\n")
        for line in lines:
            try:
                _plugged(line)
            except TallyError as error:
                self._fail(error)
                return
            then, self._then, self._is_plugged = self._then, None, True
            if then is not None:
                then()

    def _fail(self, reason: TallyError) -> None:
        self._stop_hearing()
        if self._device is not None:
            self._device.fail(reason)

    def _stop_hearing(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed() and self._process is not None and self._process.stdout is not None:
            loop.remove_reader(self._process.stdout.fileno())


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a cable's program and wait until it is ready; a password may be asked for."""
    process = subprocess.Popen(  # noqa: S603 -- our own module, by way of the system's own sudo
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    line = process.stdout.readline() if process.stdout is not None else b""
    try:
        if not line:
            raise PermissionDenied(
                "the USB cable's program could not be started as root",
                remedy="run it as root, or serve USB/IP with --usb tcp",
            )
        _plugged(line)
    except TallyError:
        _let_go(process, _END_ELSE_S)
        raise
    return process


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


def _plugged(line: bytes) -> dict[str, Any]:
    """Read a line of a cable; raise what it complains of."""
    try:
        document = json.loads(line)
    except ValueError:
        document = None
    match document:
        case {"error": dict() as error}:
            raise complaint(error)
        case {"ready": dict() as facts} | {"plugged": dict() as facts}:
            return facts
    raise TransportError("the USB cable's program said what nobody understands")
