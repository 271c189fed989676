"""The chip's end of the bus: datagrams in, datagrams out, as long as there is a Secure World."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.wire.chip import MAX_MESSAGE

if TYPE_CHECKING:
    import socket

    from tallystick.device.silicon.chip import Chip


def serve(chip: Chip, end: socket.socket) -> None:
    """Answer datagrams until the other end is gone."""
    while True:
        try:
            datagram = end.recv(MAX_MESSAGE + 1)
            if not datagram:
                return
            end.send(chip.handle(datagram))
        except OSError:
            return
