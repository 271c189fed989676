"""Starting the process of one app: its socket to the OS, and its bytes in sealed memory.

Apart from what speaks with it, so that an app that will be wanted can be started before the rest of its device is loaded.
"""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from typing import Self

from tallystick.device.boot.memory import sealed_memfd
from tallystick.device.sandbox.inspect import own_filters
from tallystick.device.sandbox.program import Programs
from tallystick.device.sandbox.role import Role

__all__ = ["NATIVE_PROGRAM", "PROGRAM", "WATCHED_PROGRAM", "StartedApp", "WatchedStart"]

#: the program that every app is run by, which this room knows by name alone
PROGRAM = "tallystick.app.process"
#: and the one that every native app is run by: it comes from the installation, as does the processor it emulates
NATIVE_PROGRAM = "tallystick.device.native.worker"
#: room for one whole message each way (`tallystick.wire.syscall.MAX_MESSAGE`), in bytes
_BUFFER = 1 << 18
#: and the one of a native app that a developer watches
WATCHED_PROGRAM = "tallystick.device.native.debug_worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedStart:
    """What the process of a watched app is given beside the rest: descriptors, and words that say how it is watched."""

    descriptors: tuple[int, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedApp:
    """A process that prepares, locks itself in and waits to be told what device it is on."""

    process: subprocess.Popen[bytes]
    #: our end of the socket, which never blocks
    link: socket.socket
    #: filters that it was born with
    inherited: int

    @classmethod
    def start(
        cls,
        raw: bytes,
        *,
        programs: Programs,
        program: str,
        stderr: int = subprocess.DEVNULL,
        watched: WatchedStart | None = None,
    ) -> Self:
        """Start `program` with the bytes `raw`; raise OSError when the machine has no room for it."""
        more = watched or WatchedStart()
        inherited = own_filters()
        link, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            link.settimeout(0)
            for end in (link, outer):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            image = sealed_memfd("app", raw)
            try:
                process = programs.start(
                    Role.APP, program, (outer.fileno(), image, *more.descriptors), words=more.words, stderr=stderr
                )
            finally:
                os.close(image)
        except OSError:
            link.close()
            raise
        finally:
            outer.close()
        return cls(process=process, link=link, inherited=inherited)

    def end(self) -> None:
        """End one that nobody wanted."""
        self.link.close()
        self.process.kill()
        self.process.wait()
