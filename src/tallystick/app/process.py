"""The process of one app: a bundle, a coroutine, and a socket to the OS.

Started as ``python -I -m tallystick.app.process SOCKET_FD BUNDLE_FD``. The socket is one end of a SOCK_SEQPACKET pair;
the first message that comes is the DeviceInfo, then the app speaks first. It has nothing else: no keys, no screen, no
files. A request that the OS refuses to read ends the process from outside.
"""

from __future__ import annotations

import os
import socket
import sys

from tallystick.app.loader import load
from tallystick.wire.bundle import MAX_BUNDLE, Bundle
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Outcome


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


def main(arguments: list[str]) -> int:
    """Run the app named by the two file descriptors."""
    link_fd, bundle_fd = (int(argument) for argument in arguments)
    with socket.socket(fileno=link_fd) as link:
        run(link, Bundle.from_bytes(_read_all(bundle_fd)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
