"""The sockets that a device listens on, bound before anything is started.

Apart from what serves them, so that a start does not wait for the event loop to be loaded.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from tallystick.errors import DeviceBusy


def bind(port: int, *, host: str = "127.0.0.1", what: str = "APDU", flag: str = "--apdu-port") -> socket.socket:
    """Return a listening socket on `host` and `port` (0: any free one).

    Raises:
        DeviceBusy: somebody else listens there, or this user may not.

    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        reason = {errno.EADDRINUSE: "in use", errno.EACCES: "not allowed for this user"}.get(
            error.errno, "not an address of this machine"
        )
        raise DeviceBusy(
            f"the {what} port {host}:{port} is {reason}",
            remedy=f"stop the program that holds it, or choose another port with {flag} (0 takes any free one)",
        ) from error
    return listener


def bind_private() -> tuple[socket.socket, int]:
    """Return a listening stream socket without a name, and the descriptor that whoever holds it, or root, finds it by.

    Its address is ``/proc/PID/fd/DESCRIPTOR``: there is no file that a stranger could connect to, or that could be left over.
    """
    import tempfile  # a start without USB has no need of it

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "usb"
        listener.bind(str(path))
        listener.listen(4)
        return listener, os.open(path, os.O_PATH | os.O_CLOEXEC)
