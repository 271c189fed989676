"""The workshop's own keyring: the issuer of the devices that this user makes for development (secure-world 7).

It lies beside the factory keys in the user's data, belongs to the test realm, and is made once; whoever loses it has devices that nothing
recognises any more, and makes new ones.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tallystick.cli.workshop_folder import workshop_folder
from tallystick.errors import StateError
from tallystick.manager.hsm.address import FileAddress
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm

_REMEDY = "make room, correct its permissions, or name another place in XDG_DATA_HOME"


def workshop_keys() -> str:
    """Return the URL of the workshop's keys; they are made if there are none. Raises StateError when they cannot be."""
    try:
        folder = workshop_folder("keyring")
    except OSError as error:
        raise StateError(f"the workshop's keys have no place: {error.strerror}", remedy=_REMEDY) from error
    if not folder.exists():
        _make(folder)
    return FileAddress(folder=folder).url


def workshop_keyring() -> Keyring:
    """Return the workshop's keys, open."""
    return Keyring.open(workshop_keys())


def _make(folder: Path) -> None:
    """Make the keys elsewhere and put them there at once: whoever comes second takes those of the first."""
    making = folder.with_name(f"keyring.{os.getpid()}.tmp")
    shutil.rmtree(making, ignore_errors=True)
    Keyring.create(FileAddress(folder=making).url, Realm.TEST)
    try:
        making.rename(folder)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        if not folder.exists():
            raise StateError(f"{folder} cannot be made: {error.strerror}", remedy=_REMEDY) from error
