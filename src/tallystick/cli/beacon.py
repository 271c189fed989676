"""How other commands of this user find a running `tally up`: a file in the user's cache, while it runs.

The file holds the ready line. Its holder keeps it locked, so one that nobody holds is left from a process that was killed,
and is removed by whoever comes next.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_MAX_BYTES: Final = 64 << 10
_NAME: Final = "up-*.json"


class Beacon:
    """Says where a device is, until `close`. A directory that cannot be written is no reason not to run: nothing is said."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._descriptor = -1

    def show(self, facts: Mapping[str, Any]) -> None:
        """Write the facts, once."""
        folder = _folder()
        path = folder / _NAME.replace("*", str(os.getpid()))
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        self._path = path
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, json.dumps(dict(facts)).encode())

    def close(self) -> None:
        """Take it away; twice is harmless."""
        path, self._path = self._path, None
        if path is not None:
            path.unlink(missing_ok=True)
            os.close(self._descriptor)


def running() -> Iterator[dict[str, Any]]:
    """Yield the facts of every `tally up` of this user that runs."""
    for path in sorted(_folder().glob(_NAME)):
        facts = _read(path)
        if facts is not None:
            yield facts


def running_at(url: str) -> dict[str, Any] | None:
    """Return the facts of the `tally up` whose device is at `url` (as `--device` takes it), None when there is none."""
    return next((facts for facts in running() if url in _addresses(facts) or url.startswith(_rest(facts))), None)


def _addresses(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"tcp:{host}:{facts.get('apdu_port')}" for host in ("127.0.0.1", "localhost"))


def _rest(facts: Mapping[str, Any]) -> tuple[str, ...]:
    port = facts.get("api_port")
    return tuple(f"http://{host}:{port}/" for host in ("127.0.0.1", "localhost"))


def _folder() -> Path:
    import platformdirs  # not before the device runs

    return Path(platformdirs.user_cache_dir("tallystick")) / "run"


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a file says, None when nobody holds it: then it goes."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                facts = json.loads(file.read(_MAX_BYTES))
                return facts if isinstance(facts, dict) else None
        path.unlink(missing_ok=True)
    return None
