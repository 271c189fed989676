"""A network of our own: Speculos listens on every address, so nobody else may be on the network it is measured in.

A new network namespace has only a loopback interface, and that is down. The measuring client has to be inside as well, so
the whole program starts again in there. Needs root, or user namespaces.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

#: the hidden option that says we are inside
INSIDE = "--inside-namespace"
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_IFF_UP = 1
_REQUEST = struct.Struct("16sH14x")


def enter(arguments: list[str], *, module: str = "bench") -> str:
    """Start this program again inside a new namespace and do not return; if that cannot be, return why."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return "the command unshare (util-linux) is not installed"
    reason = ""
    for flags in (["-n"], ["-r", "-n"]):
        tried = subprocess.run([unshare, *flags, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            sys.stdout.flush()
            os.execv(unshare, [unshare, *flags, sys.executable, "-m", module, *arguments, INSIDE])
        reason = tried.stderr.strip()
    return f"a network namespace cannot be made here ({reason})"


def raise_loopback() -> None:
    """Switch the loopback interface of this namespace on; raises OSError when this process may not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, _SIOCGIFFLAGS, _REQUEST.pack(b"lo", 0))
        flags = _REQUEST.unpack(answer)[1]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, _REQUEST.pack(b"lo", flags | _IFF_UP))
