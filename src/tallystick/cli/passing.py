"""Folders of what is forgotten when it stops: a test device, or the manager beside one.

They lie in memory where the machine has a file system there (`/dev/shm`): nothing of them is ever written to a disk, and they are
made and removed without waiting for one. A TMPDIR that somebody set is taken at its word. Whoever holds such a folder keeps it
locked, so one that nobody holds is left from a process that was killed, and is removed by whoever comes next.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- folders of our own, by mkdtemp
#: a device with its images in two slots takes a tenth of it, bytes
_ROOM: Final = 256 << 20
_PREFIX: Final = "tallystick-passing-"
#: a folder that is younger may not be locked yet, seconds
_YOUNG_S: Final = 60


class Passing:
    """A new folder, removed by `close`. `kind` is part of its name, for people."""

    def __init__(self, kind: str) -> None:
        self.path: Final = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-", dir=_place()))
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        """Return it; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it with all that is in it; twice is harmless."""
        shutil.rmtree(self.path, ignore_errors=True)
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def remove(folder: Path) -> None:
    """Remove a folder that is still in use: by another name first, so that nobody makes new files in it meanwhile."""
    gone = folder.with_name(f"{folder.name}-gone")
    with contextlib.suppress(OSError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def sweep() -> None:
    """Remove folders of this user that nobody holds any more: a process that was killed could not do it."""
    for place in {_MEMORY, Path(tempfile.gettempdir())}:
        for folder in place.glob(f"{_PREFIX}*-*"):
            if _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path | None:
    """Return where such a folder goes, None for the usual place."""
    if os.environ.get("TMPDIR"):
        return None
    try:
        room = os.statvfs(_MEMORY)
    except OSError:
        return None
    is_fit = room.f_bavail * room.f_frsize >= _ROOM and os.access(_MEMORY, os.W_OK | os.X_OK)
    return _MEMORY if is_fit else None


def _is_left(folder: Path) -> bool:
    """Tell whether a folder is this user's, nobody's any more, and old enough to say so; False for one that is gone."""
    try:
        status = folder.stat()
        is_old = time.time() - status.st_ctime >= _YOUNG_S
        return status.st_uid == os.getuid() and is_old and not _is_held(folder)
    except OSError:
        return False


def _is_held(folder: Path) -> bool:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
