"""Where each key is: its file in a folder, its label in a token, and which keys may lie in files at all."""

from __future__ import annotations

from pathlib import Path

from tallystick.errors import StateError, UsageError
from tallystick.manager.hsm.role import Realm, Role


def file_of(folder: Path, role: Role) -> Path:
    """Return where a folder keeps the key of a role."""
    return folder / f"{role.value}.json"


def make_folder(folder: Path) -> None:
    """Make a folder for keys, which nobody else may look into, if it is not there; raise StateError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"{folder} cannot be made: {error.strerror}") from error


def label_prefix(realm: Realm) -> str:
    """Return how the labels of all keys of a realm begin."""
    return f"tallystick-{realm.value}-"


def label_of(realm: Realm, role: Role) -> str:
    """Return the label of a key in a token: program, realm, role."""
    return f"{label_prefix(realm)}{role.value}"


def require_allowed(realm: Realm, *, allow_production: bool) -> None:
    """Raise UsageError for production keys in a file, unless that was asked for."""
    if realm is Realm.PRODUCTION and not allow_production:
        raise UsageError(
            "production keys do not belong into files", remedy="keep them in a hardware module: --hsm pkcs11:…"
        )
