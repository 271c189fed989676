"""The developer's workshop: images of the installation that runs, and devices made of them for `tally up`.

Images take seconds to build, so they are kept in the cache, by what went into them. They are signed with keys that the
workshop made for itself: its devices trust this user of this machine and nobody else.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import platformdirs

import tallystick
from tallystick import __version__
from tallystick.cli.boot import make_device
from tallystick.device.silicon.nvm import FILE
from tallystick.errors import StateError
from tallystick.manager.factory.build import Release, build
from tallystick.manager.factory.key import FactoryKeys
from tallystick.wire.firmware import ARTEFACTS

#: builds of other sources that are kept in the cache
_KEPT = 3
_SECURITY_VERSION = 1


def ensure_device(folder: Path, *, model: str, tpm: str | None = None) -> None:
    """Make a device of this installation in `folder`, if there is none, with its key in the TPM at `tpm` if it is given."""
    if not (folder / "chip" / FILE).exists():
        make_device(folder, images=images(), model=model, tpm=tpm)


def images() -> Path:
    """Return the folder with the images of this installation; build them if need be (once for each change of the code)."""
    cache = Path(platformdirs.user_cache_dir("tallystick"))
    folder = cache / "images" / _fingerprint()
    if all((folder / name).exists() for name in ARTEFACTS.values()):
        return folder
    sys.stderr.write("building the device's images, once for each change of the code …\n")
    files = build(_keys(cache / "keys"), Release(version=__version__, security_version=_SECURITY_VERSION))
    try:
        _keep(folder, files)
    except OSError as error:
        raise StateError(
            f"{folder} cannot be written: {error.strerror}", remedy="make room or correct its permissions"
        ) from error
    return folder


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    """Put a build into the cache at once, and forget the oldest ones."""
    making = folder.with_suffix(".tmp")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for name, data in files.items():
        (making / name).write_bytes(data)
    making.rename(folder)
    builds = sorted(folder.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in builds[: -_KEPT - 1]:
        shutil.rmtree(old, ignore_errors=True)


def _keys(folder: Path) -> FactoryKeys:
    """Return the workshop's keys; they are made once."""
    if not folder.exists():
        FactoryKeys.generate().write(folder)
    return FactoryKeys.read(folder)


def _fingerprint() -> str:
    """Return what tells one state of the sources from another: names, sizes and times of change, and the interpreter."""
    digest = hashlib.sha256(sys.version.encode())
    root = Path(tallystick.__file__).parent
    for path in sorted(root.rglob("*.py")):
        status = path.stat()
        digest.update(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]
