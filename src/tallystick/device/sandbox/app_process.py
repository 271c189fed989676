"""Apps in processes of their own, each with nothing but a socket to the OS.

The bundle goes over in a sealed memfd, so what runs is what was measured. The child gets a fresh interpreter, an empty
environment and no other descriptor; it dies with its parent. Whatever it sends is read here and nowhere trusted.
"""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Protocol

from tallystick.errors import RemoteProtocolError
from tallystick.wire.bundle import Bundle
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Outcome, Request, request_from_bytes

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
#: room for one whole message each way
_BUFFER = 2 * MAX_MESSAGE


class Watcher(Protocol):
    """Tells when a descriptor can be read; an asyncio loop is one."""

    def add_reader(self, fd: int, callback: Callable[..., object], /) -> object:
        """Call `callback` whenever `fd` can be read."""
        ...

    def remove_reader(self, fd: int, /) -> Any:
        """Stop."""
        ...


def sealed_memfd(name: str, data: bytes) -> int:
    """Return a descriptor of memory that holds `data` and cannot be changed any more, by anybody."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


class AppProcess:
    """One app in its process."""

    def __init__(
        self,
        bundle: Bundle,
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
        self._socket, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        image = sealed_memfd("app", bundle.raw)
        try:
            for end in (self._socket, outer):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
                [sys.executable, "-I", "-m", "tallystick.app.process", str(outer.fileno()), str(image)],
                pass_fds=(outer.fileno(), image),
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=host.stderr,
                start_new_session=True,
            )
        finally:
            outer.close()
            os.close(image)
        self._socket.settimeout(0)
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
        """End the process now."""
        if self._alive:
            self._alive = False
            self._watcher.remove_reader(self._socket.fileno())
            self._socket.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(MAX_MESSAGE + 1)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.kill()
            status = self._process.returncode
            self._end("" if status == 0 else f"crashed with status {status}")
        else:
            try:
                request = request_from_bytes(data)
            except RemoteProtocolError:
                self._end("it sent what is no system call")
            else:
                self._request = request
                self._on_request(request)
        self._host.settle()

    def _end(self, reason: str) -> None:
        self.kill()
        self._on_end(reason)


class ProcessHost:
    """Launches apps in processes. `settle` runs the device after each thing an app did."""

    def __init__(self, watcher: Watcher, *, stderr: int = subprocess.DEVNULL) -> None:
        self.watcher = watcher
        self.stderr = stderr
        self.settle: Callable[[], None] = lambda: None

    def launch(
        self,
        bundle: Bundle,
        info: DeviceInfo,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> AppProcess:
        """Start the app of `bundle` in a process of its own."""
        return AppProcess(
            bundle,
            info,
            host=self,
            on_request=on_request,
            on_end=on_end,
        )
