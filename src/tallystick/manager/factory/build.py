"""The three images of a release, the configuration and the signatures, from this very package (design 4; secure-world 2).

Equal input, equal bytes: the sources, the versions, the keys, the interpreter and the native libraries are the input; time,
folder, environment and hash seed are not.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import tallystick
from tallystick.errors import UsageError
from tallystick.manager.factory.closure import Closure, closure
from tallystick.manager.factory.generated import generated
from tallystick.manager.factory.key import FactoryKeys
from tallystick.manager.factory.pack import archive, compiled, members
from tallystick.wire.environment import ENVIRONMENT, Entry, Environment, Root
from tallystick.wire.firmware import ARTEFACTS, CONFIG_KEY, HEADER, NORMAL_KEY, BootConfig, ImageHeader, ImageRole

#: what every image begins with: nothing but the image and its list is imported from there on. What is loaded stays, so looking
#: for garbage before the work begins is time lost; who stays calls `gc.freeze` and `gc.enable`
_MAIN = """\
import gc
import sys
gc.disable()
sys.path[1:] = [folder for folder in sys.path[1:] if folder.endswith("/lib-dynload")]
from tallystick.device.boot import archive
archive.install()
from tallystick.device.boot import library
library.enter()
from tallystick.device.boot.start import received
from {entry} import main
if __name__ == "__main__":
    raise SystemExit(main(received()))
"""
_ENCODINGS = ("ascii", "cp437", "idna", "latin_1", "utf_8")
_ALWAYS = (
    "tallystick.device.boot.archive",
    "tallystick.device.boot.library",
    "tallystick.device.boot.start",
    *(f"encodings.{name}" for name in _ENCODINGS),
)
#: the module whose `main` each image runs
ENTRIES = {
    ImageRole.BOOTLOADER: "tallystick.device.boot.bootloader_entry",
    ImageRole.SECURE_WORLD: "tallystick.device.board.secure_entry",
    ImageRole.NORMAL_WORLD: "tallystick.device.board.normal_entry",
}
#: what an image holds beside what its entry imports: apps run out of the Secure World's image, in processes of their own
_BESIDE = {
    ImageRole.SECURE_WORLD: (
        "tallystick.app",
        "tallystick.app.process",
        "tallystick.crypto.bech32",
        "tallystick.crypto.hash",
        # what `tallystick.app.process` offers to apps by name
        "base64",
        "bisect",
        "calendar",
        "datetime",
        "decimal",
        "fractions",
        "heapq",
        "statistics",
        "string",
        "tallystick.wire.buffer",
        "tallystick.wire.packet",
        "tallystick.wire.path",
        "tallystick.wire.tlv",
        "textwrap",
        "unicodedata",
    ),
}
#: what must not get into an image, by role: the walls of design 3, and nothing that speaks TLS
_FORBIDDEN = {
    ImageRole.BOOTLOADER: ("tallystick.device.os", "tallystick.device.secure", "tallystick.device.normal", "coincurve"),
    ImageRole.SECURE_WORLD: (
        "tallystick.apps", "tallystick.host", "tallystick.manager", "tallystick.cli",
        # the other end's half of the wire
        "tallystick.wire.channel_host", "tallystick.wire.load_script", "tallystick.wire.intel_hex",
    ),
    ImageRole.NORMAL_WORLD: (
        "tallystick.crypto", "tallystick.device.os", "tallystick.device.secure", "tallystick.device.silicon", "tallystick.app",
        "cryptography", "coincurve", "mnemonic",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is built: version ("1.4.0"), security version, where the house's package lies, and each image's entry.

    `mcu_version` ("4.03") is the Normal World's, which clients know as that of the MCU; empty: the same as `version`.
    """

    version: str
    security_version: int
    mcu_version: str = ""
    source: Path = Path(tallystick.__file__).parent.parent
    entries: Mapping[ImageRole, str] | None = None

    def header(self, role: ImageRole) -> ImageHeader:
        """Return the header of one image; raise UsageError for a version that is none."""
        made = ImageHeader(
            role=role,
            version=(self.mcu_version or self.version) if role is ImageRole.NORMAL_WORLD else self.version,
            security_version=self.security_version,
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
        )
        if not made.is_valid:
            raise UsageError(
                f"version {made.version!r} with security version {self.security_version} cannot be",
                remedy="a version is like 1.4.0 or 1.4.0-rc1, an MCU's also like 4.03, a security version is 0 to 65535",
            )
        return made


def image(role: ImageRole, release: Release, *, extra: Mapping[str, bytes] | None = None) -> bytes:
    """Build one image; `extra` are members beside the modules, like the next stage's key.

    Raises UsageError when the entry is missing, or when what it imports has no place in an image of this role.
    """
    entry = (release.entries or ENTRIES)[role]
    found = closure([entry, *_ALWAYS, *_BESIDE.get(role, ())], source=release.source)
    _check_walls(role, found)
    main = _MAIN.format(entry=entry).encode()
    contents = (
        members(found)
        | generated(found)
        | {
            "__main__.pyc": compiled(main, "__main__.py"),
            HEADER: release.header(role).to_bytes(),
            ENVIRONMENT: environment(found).to_bytes(),
            **(extra or {}),
        }
    )
    return archive(contents)


def build(keys: FactoryKeys, release: Release) -> dict[str, bytes]:
    """Return everything that a slot holds, by the names of its files."""
    config_key, normal_key = (key.public_key.to_text().encode() for key in (keys.config, keys.normal))
    bootloader = image(ImageRole.BOOTLOADER, release, extra={CONFIG_KEY: config_key})
    secure_world = image(ImageRole.SECURE_WORLD, release, extra={NORMAL_KEY: normal_key})
    normal_world = image(ImageRole.NORMAL_WORLD, release)
    return sign(keys, release, bootloader=bootloader, secure_world=secure_world, normal_world=normal_world)


def relabel(keys: FactoryKeys, release: Release, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a slot for `release` out of `files`, which were built of the same sources under other versions.

    Equal to what `build` returns, at a small part of its cost: nothing is compiled again. Raises UsageError as `build` does.
    """
    bootloader, secure_world, normal_world = (
        _relabelled(files[ARTEFACTS[role.name.lower()]], release.header(role))
        for role in (ImageRole.BOOTLOADER, ImageRole.SECURE_WORLD, ImageRole.NORMAL_WORLD)
    )
    return sign(keys, release, bootloader=bootloader, secure_world=secure_world, normal_world=normal_world)


def _relabelled(raw: bytes, header: ImageHeader) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    return archive(contents | {HEADER: header.to_bytes()})


def sign(
    keys: FactoryKeys,
    release: Release,
    *,
    bootloader: bytes,
    secure_world: bytes,
    normal_world: bytes,
    rom_key: int = 0,
) -> dict[str, bytes]:
    """Return the files of a slot for these three images: key table, configuration and signatures beside them."""
    config = BootConfig(
        digest=hashlib.sha256(secure_world).digest(),
        version=release.version,
        security_version=release.security_version,
        size_bytes=len(secure_world),
        environment=hashlib.sha256(_stored(secure_world, ENVIRONMENT)).digest(),
        normal_world=hashlib.sha256(normal_world).digest(),
    ).to_bytes()
    comment = f"tallystick {release.version}"
    made = {
        "key_table": keys.key_table,
        "bootloader": bootloader,
        "bootloader_signature": keys.rom[rom_key].sign(bootloader, comment=comment),
        "secure_world": secure_world,
        "normal_world": normal_world,
        "normal_world_signature": keys.normal.sign(normal_world, comment=comment),
        "config": config,
        "config_signature": keys.config.sign(config, comment=comment),
    }
    return {name: made[meaning] for meaning, name in ARTEFACTS.items()}


def environment(found: Closure) -> Environment:
    """Return the list of what the modules of `found` need and an image cannot hold: native modules and the interpreter."""
    rows = [_entry(path, module=name) for name, path in found.native.items()]
    rows += [_entry(path) for path in _interpreter()]
    return Environment(entries=tuple(sorted(rows, key=lambda row: (row.root.value, row.path))))


def _interpreter() -> Iterable[Path]:
    yield Path(os.path.realpath(sys.executable))
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        shared = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("INSTSONAME")
        yield Path(os.path.realpath(shared))
    # the interpreter reads these before an image can give it anything
    standard = Path(sysconfig.get_path("stdlib"))
    yield from (standard / "encodings" / f"{name}.py" for name in ("__init__", "aliases", "utf_8"))


def _entry(path: Path, *, module: str = "") -> Entry:
    roots = {
        Root.LIBRARIES: Path(sysconfig.get_path("platlib")),
        Root.STANDARD: Path(sysconfig.get_path("stdlib")),
        Root.INTERPRETER: Path(os.path.realpath(sys.executable)).parent.parent,
    }
    data = path.read_bytes()
    for root, folder in roots.items():
        if path.is_relative_to(folder):
            relative = path.relative_to(folder).as_posix()
            return Entry(
                root=root, path=relative, size_bytes=len(data), digest=hashlib.sha256(data).digest(), module=module
            )
    raise UsageError(f"{path.name} lies in none of the places that an image can name")


def _check_walls(role: ImageRole, found: Closure) -> None:
    for name in (*found.sources, *found.native):
        for forbidden in _FORBIDDEN[role]:
            if name == forbidden or name.startswith(f"{forbidden}."):
                raise UsageError(f"{name} has no place in a {role.value} image")


def _stored(raw: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        return file.read(name)
