"""The front panel as a process of its own, joined to the device by one SOCK_SEQPACKET pair."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

from tallystick.device.board.panel_link import PanelLink
from tallystick.device.board.panel_pair import panel_pair
from tallystick.device.boot.memory import sealed_memfd
from tallystick.errors import TransportError

#: the program, which this room knows by name alone
PROGRAM = "tallystick.ui.web.__main__"
#: seconds a panel that has hung up may take to end by itself
_END_S = 2.0


def spawn_panel(
    outer: socket.socket, *, http: socket.socket, apdu_port: int, arguments: list[str], automation: str = ""
) -> subprocess.Popen[bytes]:
    """Start the panel with its end of the link and the listening socket of its page.

    `automation` (a JSON document, checked before) goes over in memory: it may be longer than a command line.
    """
    descriptors = [outer.fileno(), http.fileno()]
    command = [sys.executable, "-I", "-m", "tallystick.device.sandbox.panel_entry", str(os.getpid()), str(apdu_port)]
    command += [
        PROGRAM,
        "--link-fd",
        str(descriptors[0]),
        "--http-fd",
        str(descriptors[1]),
        "--apdu-port",
        str(apdu_port),
        *arguments,
    ]
    if automation:
        descriptors.append(sealed_memfd("automation", automation.encode()))
        command += ["--automation", f"file:/proc/self/fd/{descriptors[-1]}"]
    try:
        return subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
            command,
            pass_fds=descriptors,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        for descriptor in descriptors[2:]:
            os.close(descriptor)


def end_panel(process: subprocess.Popen[bytes]) -> None:
    """End the panel's process at once: it holds nothing that a farewell could save, and the device has 0.2 s in all."""
    process.kill()
    process.wait()


def panel_failure(status: int | None) -> TransportError | None:
    """Return what to say of a panel that ended with `status` by itself: nothing, if it ended as it should."""
    if not status:
        return None
    return TransportError(
        f"the front panel ended unexpectedly, with status {status}",
        remedy="start again; without a page, add --no-panel",
    )


class PanelProcess(PanelLink):
    """Starts the panel and speaks with it; must be made inside a running event loop."""

    def __init__(self, *, http: socket.socket, apdu_port: int, arguments: list[str], automation: str = "") -> None:
        inner, outer = panel_pair()
        with outer:
            self._process = spawn_panel(
                outer, http=http, apdu_port=apdu_port, arguments=arguments, automation=automation
            )
        super().__init__(inner)

    def status(self) -> int | None:
        """Return how a panel that has ended by itself ended (0: as it should), None while it runs."""
        if self.is_open:
            return None
        try:
            return self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """End the panel."""
        self.hang_up()
        end_panel(self._process)

    def part(self) -> None:
        """End the panel once it has passed on what the device said last."""
        self.hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        end_panel(self._process)
