"""The first thing a stage does: shut its memory, before there is anything in it worth a look (secure-world 4.2, step 1).

A process that is not dumpable cannot be traced by its user's other programs, they cannot read its memory or take its
descriptors, and it leaves no core. A program that is exec-ed begins dumpable again, so every stage shuts its own door.
"""

from __future__ import annotations

import resource
import sys

from tallystick.errors import TrustError

_PR_SET_DUMPABLE = 4


def shut_memory() -> None:
    """Leave no core, and let no other process of this user look into this one; raise TrustError when the kernel refuses.

    On a system other than Linux there is only the limit on cores.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    from _ctypes import (
        call_function,
        dlopen,
        dlsym,
    )  # the core of ctypes: the rest is time that the start does not have

    program = dlopen(None, 0)  # type: ignore[arg-type]  # NULL: this program and what is loaded with it
    if call_function(dlsym(program, "prctl"), (_PR_SET_DUMPABLE, 0, 0, 0, 0)):
        raise TrustError("the memory cannot be shut")
