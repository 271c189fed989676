"""The process of one app: a bundle, a coroutine, and a socket to the OS.

Started as ``python -I -m tallystick.app.process SOCKET_FD BUNDLE_FD``. The socket is one end of a SOCK_SEQPACKET pair;
the first message that comes is the DeviceInfo, then the app speaks first. It has nothing else: no keys, no screen, no
files. A request that the OS refuses to read ends the process from outside.
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
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Outcome

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_MEMORY_BYTES = 512 << 20


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
            return
        link.send(request.to_bytes())
        answer = link.recv(MAX_MESSAGE + 1)
        if not answer:
            program.close()
            return
        outcome = Outcome.from_bytes(answer, request)


def _confine() -> None:
    """Die with the parent, keep no core, and take no more memory than an app may need."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def main(arguments: list[str]) -> int:
    """Run the app named by the two file descriptors."""
    _confine()
    link_fd, bundle_fd = (int(argument) for argument in arguments)
    with socket.socket(fileno=link_fd) as link:
        run(link, Bundle.from_bytes(_read_all(bundle_fd)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
