"""The workshop's own keyring: the issuer of the devices that this user makes for development (secure-world 7).

It lies beside the factory keys, belongs to the test realm, and is made once; whoever loses it has devices that nothing
recognises any more, and makes new ones.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import platformdirs

from tallystick.errors import StateError
from tallystick.manager.hsm.address import FileAddress
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm


def workshop_keys() -> str:
    """Return the URL of the workshop's keys; they are made if there are none."""
    base = Path(platformdirs.user_cache_dir("tallystick"))
    folder = base / "keyring"
    if not folder.exists():
        _make(base, folder)
    return FileAddress(folder=folder).url


def workshop_keyring() -> Keyring:
    """Return the workshop's keys, open."""
    return Keyring.open(workshop_keys())


def _make(base: Path, folder: Path) -> None:
    """Make the keys elsewhere and put them there at once: whoever comes second takes those of the first."""
    making = base / f"keyring.{os.getpid()}.tmp"
    shutil.rmtree(making, ignore_errors=True)
    Keyring.create(FileAddress(folder=making).url, Realm.TEST)
    try:
        making.rename(folder)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        if not folder.exists():
            raise StateError(
                f"{folder} cannot be made: {error.strerror}", remedy="make room or correct its permissions"
            ) from error
