"""Files of what emulated apps keep in flash, named as Speculos names them: ``main_nvram.bin``, and ``NAME_nvram.bin`` for libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tallystick.cli.emulate_app import EmulatedApp
from tallystick.device.native.nvm_record import area_of, records_of
from tallystick.errors import UsageError

__all__ = ["MAIN", "load", "save"]

#: what the app that is run is called among the files
MAIN = "main"


def load(apps: Mapping[str, EmulatedApp]) -> dict[str, dict[str, bytes]]:
    """Return the records of each app, by its name, from its file in the working directory; apps without one begin afresh.

    `apps` are named as their files are. Raises UsageError for the file that is missing of the main app, or is none.
    """
    found: dict[str, dict[str, bytes]] = {}
    for name, app in apps.items():
        path = _file(name)
        try:
            area = path.read_bytes()
        except FileNotFoundError as error:
            if name != MAIN:
                continue
            raise UsageError(f"{path} is not there", remedy="make it with --save-nvram first") from error
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}", remedy="leave --load-nvram away") from error
        found[app.name] = records_of(app.image, area)
    return found


def save(apps: Mapping[str, EmulatedApp], records: Callable[[str], Mapping[str, bytes]]) -> None:
    """Write the file of each app that keeps anything; raise UsageError when that cannot be."""
    for name, app in apps.items():
        if not app.kept_bytes:
            continue
        path = _file(name)
        try:
            path.write_bytes(area_of(app.image, records(app.name))[: app.kept_bytes])
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}", remedy="start in a folder of yours"
            ) from error


def _file(name: str) -> Path:
    return Path(f"{name}_nvram.bin".replace("/", "_"))
