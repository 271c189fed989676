"""The program of a native app that is watched: by gdb, by a trace, or both. It is locked as `worker` is, with one socket more.

Arguments: descriptors of the OS's socket, of the image, and of gdb's socket if there is gdb; then the word ``trace`` if calls
are to be told, on standard error.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import sys
from collections.abc import Callable, Generator
from typing import Any, Final

from tallystick.device.native import worker
from tallystick.device.native.cpu import Cpu
from tallystick.device.native.debugged_cpu import CodeCpu, DebuggedCpu, Killed
from tallystick.device.native.generation import generation_of
from tallystick.device.native.program import program
from tallystick.device.native.traced_cpu import TracedCpu
from tallystick.errors import TallyError
from tallystick.wire.install import InstallParameters
from tallystick.wire.native import MAX_NATIVE, NativeImage
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Exit, Outcome, ReadRecord, Request

__all__ = ["SocketCable", "prepare"]

_CHUNK: Final = 4096
#: a call that changes nothing, by which a stopped app shows the OS that it is not lost
_SIGN_OF_LIFE: Final = ReadRecord("gdb")
#: how long a receive waits, in microseconds: for gdb while the app stands still, and for the OS between two looks at gdb
_GDB_WAIT_US: Final = 2_000_000
_OS_WAIT_US: Final = 20_000
_TIMEVAL: Final = struct.Struct("@ll")


class SocketCable:
    """A stream socket that leads to gdb; `while_waiting` is called every two seconds while nothing comes.

    A process that may open nothing may not poll either, so the kernel is told beforehand how long to wait.
    """

    def __init__(self, link: socket.socket, while_waiting: Callable[[], None] = lambda: None) -> None:
        self._link = link
        self._while_waiting = while_waiting

    def hear(self, *, waits: bool) -> bytes | None:
        """Return what came, b"" when the other end is closed, None when there is nothing and nobody waits."""
        while True:
            try:
                return self._link.recv(_CHUNK, 0 if waits else socket.MSG_DONTWAIT)
            except BlockingIOError:
                if not waits:
                    return None
                self._while_waiting()
            except OSError:
                return b""

    def say(self, data: bytes) -> None:
        """Send bytes, if anybody is there."""
        try:
            self._link.sendall(data)
        except OSError:
            return


def prepare(arguments: list[str]) -> Callable[[], int]:
    """Read the image and start up the processor; return the app's work."""
    link_fd, image_fd, *gdb_fds = (int(argument) for argument in arguments if argument.isdecimal())
    with os.fdopen(image_fd, "rb") as file:
        raw = file.read(MAX_NATIVE + 1)
    hashlib.sha256(b"").digest()  # the first hash reads the library's configuration
    link = socket.socket(fileno=link_fd)
    gdb = socket.socket(fileno=gdb_fds[0]) if gdb_fds else None
    if gdb is not None:
        for end, wait_us in ((gdb, _GDB_WAIT_US), (link, _OS_WAIT_US)):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(*divmod(wait_us, 1_000_000)))
    cpu = worker.warm()

    def work() -> int:
        _Watched(link, gdb).serve(cpu, NativeImage.from_bytes(raw), is_traced="trace" in arguments)
        return 0

    return work


class _Watched:
    """One life of a watched app, between the OS and gdb."""

    def __init__(self, link: socket.socket, gdb: socket.socket | None) -> None:
        self._link = link
        self._gdb = gdb
        self._debugged: DebuggedCpu | None = None
        self._waits_for_os = False

    def serve(self, cpu: CodeCpu, image: NativeImage, *, is_traced: bool) -> None:
        """Run the app until it ends or the OS hangs up."""
        info = DeviceInfo.from_bytes(self._receive())
        last = Exit()
        try:
            if not self._drive(program(self._watch(cpu, image, info, is_traced=is_traced), image, info)):
                return
        except TallyError as error:
            last = Exit(error.message)
        except Killed:
            last = Exit("gdb killed it")
        self._link.send(last.to_bytes())
        self._receive()  # the OS ends it: a process that is gone cannot be looked at

    def _watch(self, cpu: CodeCpu, image: NativeImage, info: DeviceInfo, *, is_traced: bool) -> Cpu:
        app, depth = image.image, 0 if image.entry is None else image.entry.depth
        generation = generation_of(info.model, app.create.api_level, code=app.code, depth=depth)
        watched: Cpu = cpu
        if self._gdb is not None:
            moved = generation.flash - generation.flash_link, generation.ram - generation.ram_link
            cable = SocketCable(self._gdb, self._show_life)
            code = range(generation.flash, generation.flash + generation.flash_bytes)
            watched = self._debugged = DebuggedCpu(cpu, cable, moved=moved, code=code)
        name = InstallParameters.from_bytes(app.parameters).name
        return TracedCpu(watched, generation, _tell, name=name) if is_traced else watched

    def _drive(self, running: Generator[Request, Any, None]) -> bool:
        """Answer the app's calls; gdb is heard meanwhile. Return False when the OS hung up."""
        outcome: Outcome | None = None
        while True:
            try:
                request = running.send(outcome)
            except StopIteration:
                return True
            answer = self._ask(request)
            if not answer:
                running.close()
                return False
            outcome = Outcome.from_bytes(answer, request)

    def _ask(self, request: Request) -> bytes:
        """Make a call and return its outcome, b"" when the OS hung up; gdb is heard meanwhile."""
        self._link.send(request.to_bytes())
        self._waits_for_os = True
        answer = self._receive()
        self._waits_for_os = False
        return answer

    def _receive(self) -> bytes:
        while True:
            try:
                return self._link.recv(MAX_MESSAGE + 1)
            except BlockingIOError:
                if self._debugged is not None and self._waits_for_os:
                    self._debugged.attend()

    def _show_life(self) -> None:
        """Make a call, so that the OS does not take the app for lost; it has one call in hand at a time."""
        if not self._waits_for_os:
            self._link.send(_SIGN_OF_LIFE.to_bytes())
            if not self._receive():
                raise Killed


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
