"""The line between Secure World and Normal World, before either end is given to anybody."""

from __future__ import annotations

import socket

from tallystick.wire.world import MAX_MESSAGE

_BUFFER_BYTES = 4 * MAX_MESSAGE


def gate_pair() -> tuple[socket.socket, socket.socket]:
    """Return the Secure World's end, which never blocks, and the Normal World's end of a fresh gate."""
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (inner, outer):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    inner.settimeout(0)
    return inner, outer
