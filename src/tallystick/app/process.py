"""The process of one app: a bundle, a coroutine, and a socket to the OS.

Started as ``python -I -m tallystick.app.process SOCKET_FD BUNDLE_FD PARENT_PID``. The socket is one end of a
SOCK_SEQPACKET pair; the first message that comes is the DeviceInfo, then the app speaks first. It has nothing else: no
keys, no screen, no files. A request that the OS refuses to read ends the process from outside.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys

from tallystick.app.loader import load
from tallystick.wire.bundle import MAX_BUNDLE, Bundle
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Exit, Outcome

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_MEMORY_BYTES = 512 << 20
#: standard streams, the socket, and what an import opens for a moment
_DESCRIPTORS = 32


def _read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_BUNDLE + 1)


def run(link: socket.socket, bundle: Bundle) -> None:
    """Drive the app of `bundle` over `link` until it exits or the link closes."""
    info = DeviceInfo.from_bytes(link.recv(MAX_MESSAGE))
    program = load(bundle)(info)
    outcome: Outcome | None = None
    while True:
        try:
            request = program.send(outcome)
        except StopIteration:
            link.send(Exit().to_bytes())  # without it the end of an app would look like its death
            return
        link.send(request.to_bytes())
        answer = link.recv(MAX_MESSAGE + 1)
        if not answer:
            program.close()
            return
        outcome = Outcome.from_bytes(answer, request)


def _confine(parent: int) -> bool:
    """Die with the parent, keep no core, make no process, take no more than an app may need; return if that worked.

    The limit on processes does not bind the superuser; whoever starts the app ends its whole process group.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return os.getppid() == parent  # it may have gone before the kernel was asked to watch it


def main(arguments: list[str]) -> int:
    """Run the app named by the two file descriptors, for the process with the third number."""
    link_fd, bundle_fd, parent = (int(argument) for argument in arguments)
    if not _confine(parent):
        return 1
    # the socket stays open until the process is gone: its end and the exit status are there at once
    run(socket.socket(fileno=link_fd), Bundle.from_bytes(_read_all(bundle_fd)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
