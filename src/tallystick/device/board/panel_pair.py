"""The screen-and-button link between device and panel, before either end is given to anybody."""

from __future__ import annotations

import socket

#: room for a few frames each way
BUFFER_BYTES = 512 * 1024


def panel_pair() -> tuple[socket.socket, socket.socket]:
    """Return the device's end and the panel's end of a fresh link."""
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (inner, outer):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return inner, outer
