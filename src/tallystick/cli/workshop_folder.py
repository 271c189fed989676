"""Where the workshop keeps its keys: in the user's data, for devices that are kept depend on them.

They lay in the cache once, which people clear; whoever has some there gets them moved.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import platformdirs

_APP = "tallystick"


def workshop_folder(name: str) -> Path:
    """Return the folder of some keys, which may not be there yet; the folder above it is made.

    Raises OSError when there is no place for them.
    """
    base = Path(platformdirs.user_data_dir(_APP))
    base.mkdir(parents=True, exist_ok=True)
    folder = base / name
    before = Path(platformdirs.user_cache_dir(_APP)) / name
    if not folder.exists() and before.is_dir():
        _move(before, folder)
    return folder


def _move(before: Path, folder: Path) -> None:
    """Move keys as a whole; whoever comes second finds them moved, and both places may lie on file systems of their own."""
    making = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    with suppress(FileNotFoundError):
        shutil.move(before, making)
        making.rename(folder)
