"""A release as `tally factory build` made it, read from its folder for publishing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.device.os.identity import VERSIONS
from tallystick.errors import UsageError
from tallystick.wire.firmware import ARTEFACTS, MAX_IMAGE

if TYPE_CHECKING:
    from tallystick.manager.firmware.service import NewFirmware


def read_release(folder: Path, *, model: str, **offer: Any) -> NewFirmware:
    """Return what is to be offered to a model: versions out of the images themselves, files, and the terms in `offer`.

    Raises UsageError when a file is missing or an image is not one.
    """
    from tallystick.manager.firmware.release import versions_of
    from tallystick.manager.firmware.service import NewFirmware

    files = {name: _read(folder / name) for name in ARTEFACTS.values()}
    version, mcu_version = versions_of(files)
    return NewFirmware(
        version=version,
        mcu_version=mcu_version,
        mcu_bootloader_version=VERSIONS[model].mcu_bootloader,
        files=files,
        **offer,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", remedy="give the folder that `tally factory build` made"
        ) from error
    if len(data) > MAX_IMAGE:
        raise UsageError(f"{path.name} is longer than an image may be")
    return data
