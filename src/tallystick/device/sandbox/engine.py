"""Native apps of embedded devices: one process emulates the processors of all of them, and is spoken to as it is needed.

Nothing runs by itself: an app goes on when its request is answered, and the call returns with its next one. So an embedded
device stays one deterministic object. For whoever needs walls between apps there is `app_process`.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable
from typing import Final

from tallystick.device.sandbox.program import Programs
from tallystick.device.sandbox.role import Role
from tallystick.device.sandbox.shared_library import find_shared_library, speculos_folder
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.engine import DIGEST_BYTES, HEADER_BYTES, EngineFrame, EngineKind, StartNative
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import DeviceInfo, Outcome, Request, request_from_bytes

__all__ = ["EngineApp", "EngineProcess", "engine_of_this_thread"]

#: known to this room by name alone
_PROGRAM: Final = "tallystick.device.native.engine"
_GONE: Final = "the process that emulates processors has ended"
_local = threading.local()


class EngineProcess:
    """One process with the processors of many apps; it ends with the thread that made it."""

    def __init__(self, *, speculos: str | None = None) -> None:
        self._speculos = speculos_folder() if speculos is None else speculos
        self._libraries: dict[tuple[str, int | None], bytes] = {}
        self._count = 0
        self._link, outer = socket.socketpair()
        with outer:
            try:
                self.process = Programs.of_installation().start(Role.ENGINE, _PROGRAM, (outer.fileno(),))
            except OSError as error:
                self._link.close()
                raise UsageError(f"no app can be started: {error.strerror}") from error
        self._stream = self._link.makefile("rb")

    @property
    def is_alive(self) -> bool:
        """Whether apps can be started here."""
        return self._link.fileno() >= 0

    def launch(
        self,
        native: NativeImage,
        info: DeviceInfo,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> EngineApp:
        """Start an app up to its first request, which is told to `on_request`, or its end to `on_end`."""
        self._count += 1
        app = EngineApp(self, self._count, on_request=on_request, on_end=on_end)
        library = self._library(info.model, native.image.create.api_level)
        start = StartNative(info=info, library=library, native=NativeImage(image=native.image))
        app.hear(self.ask(EngineFrame(EngineKind.START, self._count, start.to_bytes())))
        return app

    def ask(self, frame: EngineFrame) -> EngineFrame | None:
        """Send a frame that is answered, and return the answer; None when the process is gone."""
        try:
            self._link.sendall(frame.to_bytes())
            kind, app, size = EngineFrame.head(self._stream.read(HEADER_BYTES))
            payload = self._stream.read(size)
        except (OSError, ValueError, RemoteProtocolError):
            self.end()
            return None
        return EngineFrame(kind, app, payload)

    def tell(self, frame: EngineFrame) -> None:
        """Send a frame that is not answered."""
        with contextlib.suppress(OSError):
            self._link.sendall(frame.to_bytes())

    def end(self) -> None:
        """End the process; apps that run there are over when they are answered next."""
        self._stream.close()
        self._link.close()
        self.process.kill()
        self.process.wait()

    def _library(self, model: str, level: int | None) -> bytes:
        """Return the digest of a library that the process has by then; 32 zeros for none."""
        key = model, level
        if key not in self._libraries:
            library = find_shared_library(self._speculos, model=model, level=level)
            if library:
                self.tell(EngineFrame(EngineKind.LIBRARY, 0, library))
            self._libraries[key] = hashlib.sha256(library).digest() if library else bytes(DIGEST_BYTES)
        return self._libraries[key]


class EngineApp:
    """One app that runs there."""

    def __init__(
        self,
        engine: EngineProcess,
        number: int,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._engine: EngineProcess | None = engine
        self._number = number
        self._on_request = on_request
        self._on_end = on_end
        self._request: Request | None = None

    def answer(self, outcome: Outcome | None) -> None:
        """Go on with the outcome of the request in hand, up to the next one."""
        request, self._request = self._request, None
        if self._engine is None or request is None or outcome is None:
            return
        self.hear(self._engine.ask(EngineFrame(EngineKind.OUTCOME, self._number, outcome.to_bytes(request))))

    def kill(self) -> None:
        """Forget the app."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.tell(EngineFrame(EngineKind.KILL, self._number))

    def hear(self, frame: EngineFrame | None) -> None:
        """Take what the app did: a request, or its end."""
        if frame is None or frame.kind is not EngineKind.REQUEST:
            self._engine = None
            self._on_end(_GONE if frame is None else frame.payload.decode("utf-8", "replace"))
            return
        try:
            self._request = request_from_bytes(frame.payload)
        except RemoteProtocolError:
            self.kill()
            self._on_end("it sent what is no system call")
        else:
            self._on_request(self._request)


def engine_of_this_thread() -> EngineProcess:
    """Return the process that runs apps for this thread, started when it is needed first, or again when it has ended."""
    engine: EngineProcess | None = getattr(_local, "engine", None)
    if engine is None or not engine.is_alive:
        engine = _local.engine = EngineProcess()
        atexit.register(_end, engine)
    return engine


def _end(engine: EngineProcess) -> None:
    if engine.is_alive:
        engine.end()
