"""The first program of the front panel: prepare, lock, then serve.

Started as ``python -I -m tallystick.device.sandbox.panel_entry PARENT_PID PORT PROGRAM ARGUMENT…``. A web server loads parts
of itself when they are first needed and works with threads, so it is not confined as the worlds are: it reads the folders
that code comes from, connects to PORT on this machine, and that is all of files and network. It starts no program, writes no
file, signals nobody and looks into nobody.
"""

from __future__ import annotations

import sys

from tallystick.device.sandbox.confine import Lock
from tallystick.device.sandbox.entry import NOT_CONFINED, prepare
from tallystick.device.sandbox.landlock import Grant
from tallystick.device.sandbox.role import Role
from tallystick.device.sandbox.seccomp import Refusal
from tallystick.errors import TrustError

__all__ = ["main"]

#: where the dynamic linker finds what native modules need
_LINKER = ("/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64", f"{sys.base_prefix}/lib")


def main(arguments: list[str]) -> int:
    """Run the panel, locked, and return its exit status."""
    parent, port, program, *rest = arguments
    work = prepare(program, rest)
    grant = Grant(readable=(*filter(None, sys.path), *_LINKER), ports=(int(port),))
    try:
        # refused and not deadly: what a library tries for its own comfort is no attack
        Lock(Role.PANEL, refusal=Refusal.ERRNO, grant=grant).put_on(parent=int(parent))
    except TrustError as error:
        sys.stderr.write(f"panel: {error.message}\n")
        return NOT_CONFINED
    return work()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
