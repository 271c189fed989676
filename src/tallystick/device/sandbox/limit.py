"""The small layers: resource limits, no new privileges, no capabilities, no core, no look into memory, no life after the parent."""

from __future__ import annotations

import ctypes
import resource
import signal
import struct

from tallystick.device.sandbox.kernel import Kernel
from tallystick.device.sandbox.role import Limits

__all__ = ["can_lock_memory", "die_with_parent", "drop_capabilities", "forbid_dump", "forbid_privileges", "limit"]

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CAPABILITY_VERSION_3 = 0x2008_0522
#: what the keys of a device need
_KEY_BYTES = 1 << 16


def die_with_parent(kernel: Kernel) -> None:
    """Have the kernel end this process with SIGKILL when its parent ends. Who was orphaned before is not noticed."""
    kernel.call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def forbid_dump(kernel: Kernel) -> None:
    """Write no core, and let no other process of this user trace this one or read its memory."""
    kernel.call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def forbid_privileges(kernel: Kernel) -> None:
    """Never gain rights again; Landlock and seccomp ask for it."""
    kernel.call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop_capabilities(kernel: Kernel) -> None:
    """Give away all capabilities: for who was started by the superuser."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), 8)
    kernel.call("capset", header, ctypes.create_string_buffer(24))


def can_lock_memory(kernel: Kernel) -> bool:
    """Return whether this process may keep a few pages from being swapped out."""
    pages = ctypes.create_string_buffer(_KEY_BYTES)
    start = ctypes.addressof(pages)
    try:
        kernel.call("mlock", start, _KEY_BYTES)
        kernel.call("munlock", start, _KEY_BYTES)
    except OSError:
        return False
    return True


def limit(limits: Limits) -> None:
    """Put on the limits: no new process, no core, and what the role says. Processes of the superuser may not be bound by all."""
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_NOFILE, limits.descriptors),
    ):
        if value is not None:
            hard = resource.getrlimit(kind)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (bound, bound))
