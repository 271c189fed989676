"""The program that runs the native apps of many embedded devices, one emulated processor each.

It runs an app from the outcome of one request to its next one, and then waits for whichever is answered first. Its process
is locked, but for memory that may be run: every processor translates code into its own. Apps share the process, so nothing
but emulation is between them: for apps that are not trusted there are processes of their own (`worker`).
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import BinaryIO

from tallystick.device.native import worker
from tallystick.device.native.program import program
from tallystick.errors import TallyError
from tallystick.wire.engine import DIGEST_BYTES, HEADER_BYTES, EngineFrame, EngineKind, StartNative
from tallystick.wire.syscall import Outcome, Request

__all__ = ["Engine", "prepare"]


@dataclass(slots=True)
class _Running:
    cpu: worker.UnicornCpu
    program: Generator[Request, Outcome, None]
    request: Request | None = None


class Engine:
    """The apps of one process."""

    def __init__(self) -> None:
        self._apps: dict[int, _Running] = {}
        self._libraries: dict[bytes, bytes] = {bytes(DIGEST_BYTES): b""}

    def take(self, frame: EngineFrame) -> EngineFrame | None:
        """Take a frame of the device and return the answer, if there is to be one."""
        match frame.kind:
            case EngineKind.LIBRARY:
                self._libraries[hashlib.sha256(frame.payload).digest()] = frame.payload
                return None
            case EngineKind.KILL:
                self._forget(frame.app)
                return None
            case EngineKind.START:
                return self._start(frame)
            case EngineKind.OUTCOME if (
                running := self._apps.get(frame.app)
            ) is not None and running.request is not None:
                return self._resume(frame.app, running, Outcome.from_bytes(frame.payload, running.request))
            case _:
                return EngineFrame(EngineKind.END, frame.app, b"there is no such app")

    def _start(self, frame: EngineFrame) -> EngineFrame:
        start = StartNative.from_bytes(frame.payload)
        native = replace(start.native, library=self._libraries[start.library])
        cpu = worker.UnicornCpu()
        self._apps[frame.app] = running = _Running(cpu, program(cpu, native, start.info))
        return self._resume(frame.app, running, None)

    def _resume(self, number: int, running: _Running, outcome: Outcome | None) -> EngineFrame:
        try:
            # a generator that has not begun takes nothing
            running.request = next(running.program) if outcome is None else running.program.send(outcome)
        except StopIteration:
            reason = ""
        except TallyError as error:
            reason = error.message
        else:
            return EngineFrame(EngineKind.REQUEST, number, running.request.to_bytes())
        self._forget(number)
        return EngineFrame(EngineKind.END, number, reason.encode())

    def _forget(self, number: int) -> None:
        running = self._apps.pop(number, None)
        if running is not None:
            running.program.close()
            running.cpu.close()


def prepare(arguments: list[str]) -> Callable[[], int]:
    """Load the emulator; return the work. Argument: the descriptor of the socket."""
    link = socket.socket(fileno=int(arguments[0]))
    hashlib.sha256(b"").digest()  # the first hash reads the library's configuration
    worker.warm().close()
    stream = link.makefile("rb")

    def work() -> int:
        _serve(link, stream)
        return 0

    return work


def _serve(link: socket.socket, stream: BinaryIO) -> None:
    """Answer frames until the device lets go."""
    engine = Engine()
    while head := stream.read(HEADER_BYTES):
        kind, app, size = EngineFrame.head(head)
        answer = engine.take(EngineFrame(kind, app, stream.read(size)))
        if answer is not None:
            link.sendall(answer.to_bytes())
