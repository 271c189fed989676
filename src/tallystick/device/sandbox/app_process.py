"""Apps in processes of their own, each with nothing but a socket to the OS.

The bundle goes over in a sealed memfd, so what runs is what was measured. The child gets a fresh interpreter, an empty
environment and no other descriptor, and locks itself in before it looks at the bundle. It is heard only once the kernel
says that it is locked. It dies with its parent. Whatever it sends is read here and nowhere trusted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

from tallystick.device.hil import RunningApp
from tallystick.device.sandbox.app_start import NATIVE_PROGRAM, PROGRAM, WATCHED_PROGRAM, StartedApp
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.error_pipe import ErrorPipe, Watcher
from tallystick.device.sandbox.inspect import ProcessEnded, require_confined
from tallystick.device.sandbox.program import Programs
from tallystick.device.sandbox.shared_library import find_shared_library, speculos_folder
from tallystick.device.sandbox.watch import TRACE_LIMIT, Watch
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire.bundle import Bundle
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Outcome, Request, request_from_bytes

_ENGINE = "unicorn"
#: seconds between the end of the socket and the end of the process before it is helped along
_PARTING_S = 0.02


class AppProcess:
    """One app in its process."""

    def __init__(
        self,
        bundle: Bundle | NativeImage,
        info: DeviceInfo,
        *,
        host: ProcessHost,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._host = host
        self._watcher = host.watcher
        self._on_request = on_request
        self._on_end = on_end
        self._request: Request | None = None
        self._alive = True
        self._is_trusted = False
        started = host.take_warm(bundle)
        # what an app of a device with somebody's secrets asks for is nobody's business
        self._watch = host.watch if info.test_device else None
        self._voice = self._listen(bundle) if started is None else None
        started = started or self._start(bundle if isinstance(bundle, Bundle) else host.complete(bundle, info))
        self._process, self._socket, self._inherited = started.process, started.link, started.inherited
        self._socket.send(info.to_bytes())
        self._watcher.add_reader(self._socket.fileno(), self._readable)

    def answer(self, outcome: Outcome | None) -> None:
        """Send the outcome of the request in hand."""
        request, self._request = self._request, None
        if outcome is None or request is None or not self._alive:
            return
        try:
            self._socket.send(outcome.to_bytes(request))
        except OSError:  # it is gone, or does not read: either way the socket tells
            self._end("it does not read its answers")

    def kill(self) -> None:
        """End the process now, and whatever it started in its group."""
        if self._alive:
            self._alive = False
            self._watcher.remove_reader(self._socket.fileno())
            self._socket.close()
        if self._process.returncode is None:  # not reaped yet, so the number of the group is still its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        if self._voice is not None:
            self._voice.close()

    def _listen(self, bundle: Bundle | NativeImage) -> ErrorPipe | None:
        """Return the pipe for what the app says on its standard error, if anybody wants to hear it: a trace, too."""
        watch = self._watch
        if isinstance(bundle, NativeImage) and watch is not None and watch.trace_sink is not None:
            return ErrorPipe(self._watcher, watch.trace_sink, limit=TRACE_LIMIT)
        return None if self._host.stderr == subprocess.DEVNULL else ErrorPipe(self._watcher, self._host.stderr)

    def _start(self, bundle: Bundle | NativeImage) -> StartedApp:
        """Start the app's process; raise OSError when the machine has no room for it."""
        stderr = subprocess.DEVNULL if self._voice is None else self._voice.outer
        try:
            if isinstance(bundle, Bundle):
                return StartedApp.start(bundle.raw, programs=self._host.programs, program=PROGRAM, stderr=stderr)
            native, watch = Programs.of_installation(), self._watch
            if watch is None:
                return StartedApp.start(bundle.raw, programs=native, program=NATIVE_PROGRAM, stderr=stderr)
            with watch.start() as watched:
                return StartedApp.start(
                    bundle.raw, programs=native, program=WATCHED_PROGRAM, stderr=stderr, watched=watched
                )
        except OSError:
            if self._voice is not None:
                self._voice.close()
            raise
        finally:
            if self._voice is not None:
                self._voice.started()

    def _readable(self) -> None:
        try:
            room = self._host.room
            data = bytes(room[: self._socket.recv_into(room)])
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(self._part())
        else:
            try:
                self._trust()
                request = request_from_bytes(data)
            except RemoteProtocolError:
                self._end("it sent what is no system call")
            except ProcessEnded:
                self._end(self._part())
            except TrustError as error:
                self._end(error.message)
            else:
                self._request = request
                self._on_request(request)
        self._host.settle()

    def _trust(self) -> None:
        """Before its first word is heard, make sure that the process is locked; raise TrustError."""
        if not self._is_trusted:
            require_confined(self._process.pid, self._host.offered, inherited=self._inherited)
            self._is_trusted = True

    def _part(self) -> str:
        """Return why the socket has ended. An app that is done says so before; this one crashed, or hung up."""
        deadline_s = time.monotonic() + _PARTING_S
        while (ended := os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is None:
            if time.monotonic() > deadline_s:
                return "it hung up"
            time.sleep(_PARTING_S / 50)
        if ended.si_code != os.CLD_EXITED and ended.si_status == signal.SIGSYS:
            return "made a system call that no app may make"
        return f"{'crashed with status' if ended.si_code == os.CLD_EXITED else 'died of signal'} {ended.si_status}"

    def _end(self, reason: str) -> None:
        self.kill()
        self._on_end(reason)


class _NoProcess:
    """Stands for an app that could not be started."""

    def answer(self, outcome: Outcome | None) -> None:
        """Nobody is there to hear it."""

    def kill(self) -> None:
        """There is nothing to end."""


def _has_engine(libraries: str) -> bool:
    """Return whether what emulates a processor is installed: an image cannot look among its own modules."""
    if libraries:
        return os.path.isdir(f"{libraries}/{_ENGINE}")  # noqa: PTH112 -- no path objects in a world that has no files
    import importlib.util  # no image needs it

    return importlib.util.find_spec(_ENGINE) is not None


class ProcessHost:
    """Launches apps in processes, from `programs` (those of this installation, if none are given).

    `libraries` is the folder of the installed packages, for whoever runs out of an image; `speculos` that of a Speculos
    whose shared libraries native apps are given, in place of the one that is found there.

    `test_root` is the public key (65 bytes) that stands for the vendor's root, for whoever emulates one app.

    `settle` runs the device after each thing an app did. `offered` is how far this machine can lock a process.
    """

    def __init__(
        self,
        watcher: Watcher,
        *,
        stderr: int = subprocess.DEVNULL,
        programs: Programs | None = None,
        libraries: str = "",
        speculos: str = "",
        watch: Watch | None = None,
        test_root: bytes = b"",
    ) -> None:
        self.watcher = watcher
        self._test_root = test_root
        #: how native apps are watched, if they are
        self.watch = watch
        self.stderr = stderr
        self.programs = Programs.of_installation() if programs is None else programs
        self.offered = survey()
        self.runs_native = _has_engine(libraries)
        self._libraries = libraries
        self._speculos = speculos
        #: where a message is read into: memory for the longest one would be given and taken back for each
        self.room = memoryview(bytearray(MAX_MESSAGE + 1))
        self._warm: tuple[NativeImage, StartedApp] | None = None
        self.settle: Callable[[], None] = lambda: None

    def keep_warm(self, native: NativeImage, started: StartedApp) -> None:
        """Take a process that was started ahead for the app `native`, its library included, which is to be opened next."""
        self._warm = native, started

    def take_warm(self, bundle: Bundle | NativeImage) -> StartedApp | None:
        """Return the process that was started ahead for this app, once; one for another app is ended."""
        if self._warm is None:
            return None
        (native, started), self._warm = self._warm, None
        if isinstance(bundle, NativeImage) and bundle.image == native.image and bundle.entry is None:
            return started
        started.end()
        return None

    def complete(self, native: NativeImage, info: DeviceInfo) -> NativeImage:
        """Return a native app with the shared library of its model and API level, if one is installed."""
        folder = speculos_folder(self._libraries, named=self._speculos)
        return replace(
            native, library=find_shared_library(folder, model=info.model, level=native.image.create.api_level)
        )

    def launch(
        self,
        bundle: Bundle | NativeImage,
        info: DeviceInfo,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> RunningApp:
        """Start the app of `bundle` in a process of its own; one that cannot be started has ended at once."""
        try:
            info = replace(info, test_root=self._test_root)
            return AppProcess(bundle, info, host=self, on_request=on_request, on_end=on_end)
        except OSError as error:
            on_end(f"cannot be started: {error.strerror}")
            return _NoProcess()
