"""Bytes that were checked, in memory that nobody can change any more (secure-world 2.2)."""

from __future__ import annotations

import fcntl
import os

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def sealed_memfd(name: str, data: bytes) -> int:
    """Return a descriptor of memory that holds `data` and cannot be changed any more, by anybody; raise OSError without room."""
    descriptor = writable_memfd(name)
    try:
        write_whole(descriptor, memoryview(data))
        seal(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def writable_memfd(name: str) -> int:
    """Return a descriptor of empty memory that can be sealed; raise OSError without room."""
    return os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def write_whole(descriptor: int, data: memoryview) -> None:
    """Write all of `data`, which one call need not do; raise OSError without room."""
    while data:
        data = data[os.write(descriptor, data) :]


def seal(descriptor: int) -> None:
    """Let nobody change this memory any more, and put its position to the start; raise OSError when it is mapped for writing."""
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    os.lseek(descriptor, 0, os.SEEK_SET)
