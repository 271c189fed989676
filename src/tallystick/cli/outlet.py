"""Where a device of `tally up` is heard beside TCP and HTTP: a socket, and the cable's program that leads to it, if there is one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from tallystick.cli.cable import Cable, Device
from tallystick.errors import TallyError


class Outlet:
    """The socket `listener`, and with `make` the cable that leads to it.

    `make` is given the address of the socket, by the `descriptor` through which it is reached and which is closed with it
    (-1: none). What it raises is raised, and nothing is left open then.
    """

    def __init__(
        self, listener: socket.socket, *, descriptor: int = -1, make: Callable[[str], Cable] | None = None
    ) -> None:
        #: where the device listens
        self.listener = listener
        self._descriptor = descriptor
        self._cable: Cable | None = None
        if make is None:
            return
        try:
            self._cable = make(f"/proc/{os.getpid()}/fd/{descriptor}")
        except TallyError:
            self.close()
            raise

    def follow(self, device: Device) -> None:
        """Plug `device` in each time it has come up; must be called inside the event loop."""
        if self._cable is not None:
            self._cable.follow(device)

    def when_plugged(self, then: Callable[[], None]) -> None:
        """Call `then` when the device is plugged in for the first time; at once if it is, or needs no cable."""
        if self._cable is None:
            then()
        else:
            self._cable.when_plugged(then)

    def close(self) -> None:
        """Let go of the cable and the socket."""
        self.listener.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        cable, self._cable = self._cable, None
        if cable is not None:
            cable.close()
