"""Flash as a folder of files, and as a dictionary.

A record is one file, replaced by write, fsync, rename, fsync of the folder: after a power cut the old or the new
content is there, never a mixture. One process holds the folder at a time, by an advisory lock on its ``.lock`` file.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from pathlib import Path

from tallystick.errors import LocalProtocolError, StateError, StateLocked

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_TEMPORARY = ".tmp"
_REPLACE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


def check_name(name: str) -> str:
    """Return `name` if it may name a record: lower case letters, digits, ``. _ -``, at most 100; else LocalProtocolError."""
    if not _NAME.fullmatch(name) or name.endswith(_TEMPORARY):
        raise LocalProtocolError(f"{name!r} cannot name a record")
    return name


class MemoryFlash:
    """Flash that lasts as long as the object."""

    def __init__(self, records: dict[str, bytes] | None = None) -> None:
        self._records = dict(records or {})

    def read(self, name: str) -> bytes | None:
        """Return the record, or None."""
        return self._records.get(check_name(name))

    def write(self, name: str, data: bytes) -> None:
        """Replace the record."""
        self._records[check_name(name)] = bytes(data)

    def remove(self, name: str) -> None:
        """Remove the record, if it is there."""
        self._records.pop(check_name(name), None)

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        return sorted(self._records)


def make_folder(folder: Path) -> None:
    """Make a folder for this user alone, if it is not there; raise StateError for one where others may put things, OSError else.

    Who may write there may put an old record, or a link to somewhere else, in the place of each file.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status, user = folder.stat(), os.geteuid()
    if status.st_mode & stat.S_IWOTH or (user and status.st_uid not in {user, 0}):
        raise StateError(
            f"others may write in the state directory {folder}",
            remedy=f"choose another one with --state, or make it your own: chmod 700 {folder}",
        )


class DirectoryFlash:
    """Flash as a folder, mode 0700, held by one process.

    Raises StateLocked when another process has it, StateError when it cannot be used at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            make_folder(folder)
            self._lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StateError(
                f"the state directory {folder} cannot be used: {error.strerror}",
                remedy="choose another one with --state, or correct its permissions",
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StateLocked(
                f"the state directory {folder} is in use by another device",
                remedy="stop that device, or choose another directory with --state",
            ) from error
        for leftover in folder.glob(f"*{_TEMPORARY}"):
            leftover.unlink()

    def read(self, name: str) -> bytes | None:
        """Return the record, or None."""
        try:
            return (self.folder / check_name(name)).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Replace the record durably."""
        target = self.folder / check_name(name)
        temporary = self.folder / (name + _TEMPORARY)
        try:
            descriptor = os.open(temporary, _REPLACE, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            raise StateError(
                f"the state directory {self.folder} cannot be written: {error.strerror}",
                remedy="make room or correct its permissions; nothing that was stored is lost",
            ) from error
        self._sync_folder()

    def remove(self, name: str) -> None:
        """Remove the record, if it is there, durably."""
        (self.folder / check_name(name)).unlink(missing_ok=True)
        self._sync_folder()

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        return sorted(entry.name for entry in self.folder.iterdir() if _NAME.fullmatch(entry.name))

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
