"""What the files of a release say about themselves, before they are published (secure-world 2)."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Final

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.firmware import ARTEFACTS, HEADER, SECURE_WORLD, BootConfig, ImageHeader, ImageRole

_MAX_HEADER: Final = 64 << 10
_REMEDY: Final = "give the folder that `tally factory build` made"


def versions_of(files: Mapping[str, bytes]) -> tuple[str, str]:
    """Return the versions of the Secure World and of the Normal World in a release.

    Devices check signatures; here it is checked that the files belong together. Raises UsageError when they do not.
    """
    config = BootConfig.from_bytes(files[ARTEFACTS["config"]])
    secure_world, normal_world = files[SECURE_WORLD], files[ARTEFACTS["normal_world"]]
    if hashlib.sha256(secure_world).digest() != config.digest:
        raise UsageError("the configuration is of another Secure World", remedy=_REMEDY)
    if hashlib.sha256(normal_world).digest() != config.normal_world:
        raise UsageError("the configuration is of another Normal World", remedy=_REMEDY)
    header = _header(secure_world, ImageRole.SECURE_WORLD)
    if header.version != config.version:
        raise UsageError("the Secure World has another version than its configuration", remedy=_REMEDY)
    return header.version, _header(normal_world, ImageRole.NORMAL_WORLD).version


def _header(image: bytes, role: ImageRole) -> ImageHeader:
    """Return the header inside an image."""
    try:
        with zipfile.ZipFile(io.BytesIO(image)) as archive, archive.open(HEADER) as file:
            header = ImageHeader.from_bytes(file.read(_MAX_HEADER))
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, RuntimeError, NotImplementedError, RemoteProtocolError):
        raise UsageError(f"the {role.value} is not an image", remedy=_REMEDY) from None
    if header.role is not role:
        raise UsageError(f"the {role.value} is an image of another role", remedy=_REMEDY)
    return header
