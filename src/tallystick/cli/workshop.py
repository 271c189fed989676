"""The developer's workshop: images of the installation that runs, and devices made of them for `tally up`.

Images take seconds to build, so they are kept in the cache, by what went into them. They are signed with keys that the
workshop made for itself and keeps in the user's data: its devices trust this user of this machine and nobody else.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

import tallystick
from tallystick.cli.workshop_folder import workshop_folder
from tallystick.device.os.identity import VERSIONS
from tallystick.errors import StateError
from tallystick.wire.firmware import ARTEFACTS

if TYPE_CHECKING:
    from tallystick.manager.factory.build import Release
    from tallystick.manager.factory.key import FactoryKeys

#: builds of other sources that are kept in the cache
_KEPT = 3
_SECURITY_VERSION = 1


def images(model: str) -> Path:
    """Return the folder with the images of this installation for a model; build them if need be (once for each change of the code).

    They have the versions that clients know of firmware of the model; beside that, all models' images are the same.

    Raises:
        StateError: the cache cannot be written.

    """
    cache = Path(platformdirs.user_cache_dir("tallystick"))
    versions = VERSIONS[model]
    try:
        keys = workshop_folder("keys")
        if not keys.exists():
            with _alone(cache):
                _keys(keys)
        folder = cache / "images" / _fingerprint(keys) / f"{versions.os}_{versions.mcu}"
        if _is_whole(folder):
            return folder
        from tallystick.manager.factory.build import Release

        with _alone(cache):
            if not _is_whole(folder):  # another start may have built them while this one waited
                release = Release(version=versions.os, mcu_version=versions.mcu, security_version=_SECURITY_VERSION)
                _build(folder, release, _keys(keys))
    except OSError as error:
        raise StateError(
            f"{error.filename or cache} cannot be written: {error.strerror}",
            remedy="make room, correct its permissions, or name other places in XDG_CACHE_HOME and XDG_DATA_HOME",
        ) from error
    return folder


def _is_whole(folder: Path) -> bool:
    return all((folder / name).exists() for name in ARTEFACTS.values())


def _build(folder: Path, release: Release, keys: FactoryKeys) -> None:
    """Build the images into `folder`, and say so: it takes seconds, unless those of another model are there."""
    from tallystick.manager.factory.build import build, relabel

    other = next((one for one in folder.parent.glob("*") if _is_whole(one)), None)
    if other is not None:
        _keep(folder, relabel(keys, release, {name: (other / name).read_bytes() for name in ARTEFACTS.values()}))
        return
    sys.stderr.write("building the device's images, once for each change of the code: some seconds …\n")
    sys.stderr.flush()
    _keep(folder, build(keys, release))
    sys.stderr.write("built.\n")


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Keep other starts out of the cache until this one has built; the lock ends with the process, however that ends."""
    cache.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(cache / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    """Put a build into the cache at once, and forget the oldest ones."""
    making = folder.with_suffix(".tmp")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for name, data in files.items():
        (making / name).write_bytes(data)
    making.rename(folder)
    builds = sorted(folder.parent.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in builds[: -_KEPT - 1]:
        shutil.rmtree(old, ignore_errors=True)


def _keys(folder: Path) -> FactoryKeys:
    """Return the workshop's keys; they are made once, and are there as a whole or not at all."""
    from tallystick.manager.factory.key import FactoryKeys

    if not folder.exists():
        making = folder.with_suffix(".tmp")
        shutil.rmtree(making, ignore_errors=True)
        FactoryKeys.generate().write(making)
        making.rename(folder)
    return FactoryKeys.read(folder)


def _fingerprint(keys: Path) -> str:
    """Return what tells one state of the sources from another: names, sizes and times of change.

    Interpreter and installed packages count, too: images list the native code that they may load, by its hash. So do the keys
    in the folder `keys`: the public ones are in the images.
    """
    digest = hashlib.sha256(sys.version.encode())
    root = str(Path(tallystick.__file__).parent)
    for path in sorted(_sources(root)):
        status = os.stat(path)  # noqa: PTH116 -- some hundred files at every start
        digest.update(f"{path[len(root) :]} {status.st_size} {status.st_mtime_ns}\n".encode())
    for entry in sorted(os.scandir(sysconfig.get_path("platlib")), key=lambda entry: entry.name):
        if entry.name.endswith(".dist-info"):
            digest.update(f"{entry.name} {entry.stat().st_mtime_ns}\n".encode())
    for key in sorted(keys.glob("*.pub")):
        digest.update(key.read_bytes())
    digest.update(f"{os.stat(sys.executable).st_mtime_ns}".encode())  # noqa: PTH116
    return digest.hexdigest()[:32]


def _sources(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__":
                yield from _sources(entry.path)
