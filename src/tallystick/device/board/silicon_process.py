"""The device's first process, as the bench has it in its hand: plugged into the jig, and later given power.

The interpreter starts when the silicon is plugged in, and the ROM when the order comes that says how the device is held.
Between the two the bench has time for its own work, like making the device. Nothing here needs an event loop.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.device.boot.memory import sealed_memfd

if TYPE_CHECKING:
    from tallystick.device.board.jig import PowerOn

_END_S = 0.1


class Silicon:
    """A device plugged into the jig: the folder it lies in, what it is to inherit, and apps that come with it.

    `descriptors` are inherited under their own numbers; `bundles` are the raw bundles to install at start.
    """

    def __init__(self, folder: Path, *, descriptors: Sequence[int], bundles: Iterable[bytes] = ()) -> None:
        #: the bench's end of the jig
        self.jig, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        #: the bundles, by their numbers in the device
        self.bundle_fds = tuple(sealed_memfd("bundle", bundle) for bundle in bundles)
        command = [sys.executable, "-I", "-m", "tallystick.device.board.silicon_main"]
        command += [str(folder / "chip"), str(folder / "flash"), sysconfig.get_path("platlib")]
        passed_on = (inner.fileno(), *descriptors, *self.bundle_fds)
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
                [*command, *(str(number) for number in passed_on)],
                pass_fds=passed_on,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            inner.close()
            for descriptor in self.bundle_fds:
                os.close(descriptor)

    def power(self, order: PowerOn) -> socket.socket:
        """Give it power, held as `order` says, and return the jig, to listen to without waiting."""
        with contextlib.suppress(BrokenPipeError):  # it ended; the jig tells
            order.send(self.jig)
        self.jig.settimeout(0)
        return self.jig

    def off(self) -> None:
        """Take the power away; nothing of it is left."""
        self.jig.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
