"""`tally factory`: the keys of a factory, the signed images it makes of this very package, and the devices it certifies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.render import Report
from tallystick.errors import StateError, UsageError
from tallystick.wire.model import MODELS

_TABLE = {
    "keys": Lazy(target="tallystick.cli.factory:keys", summary="make the three key sets of a factory"),
    "build": Lazy(target="tallystick.cli.factory:build", summary="build and sign the images of a release"),
    "provision": Lazy(
        target="tallystick.cli.factory_provision:provision", summary="give a device its certificate, once"
    ),
}
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(cls=LazyGroup, lazy=_TABLE)
def factory() -> None:
    """Make keys, build and sign images, provision devices."""


@click.command(cls=DeviceCommand)
@click.argument("folder", metavar="DIR", type=_FOLDER)
def keys(folder: Path) -> Report:
    """Make the keys of a factory in DIR: four of the boot ROM, one for configurations, one for Normal Worlds.

    They are minisign keys without password: whoever reads the folder signs for the devices.
    """
    from tallystick.manager.factory.key import FactoryKeys

    files = FactoryKeys.generate().write(folder)
    public = [file for file in files if file.suffix == ".pub"]
    return Report(
        schema="factory.keys",
        data={"folder": str(folder), "files": [file.name for file in files]},
        lines=(f"Made {len(public)} keys in {folder}. Keep the files that end in .key to yourself.",),
        headings=("KEY", "PUBLIC"),
        rows=[(file.stem, file.read_text(encoding="ascii").splitlines()[-1]) for file in public],
    )


@click.command(cls=DeviceCommand)
@click.option("--keys", "keys_folder", metavar="DIR", type=_FOLDER, required=True, help="from: tally factory keys DIR")
@click.option("--version", "version", metavar="VERSION", default="", help="of the release, like 1.4.0")
@click.option(
    "--mcu-version",
    metavar="VERSION",
    default="",
    help="of its Normal World, like 4.03: what clients know as the version of the MCU; else that of the release",
)
@click.option("--model", type=click.Choice(sorted(MODELS)), help="take the versions of this model that are not given")
@click.option("--security-version", metavar="N", type=int, required=True, help="0 to 65535; a device never goes below")
@click.option("--out", "out", metavar="DIR", type=_FOLDER, required=True, help="where the images go")
@click.option("--source", metavar="DIR", type=_FOLDER, help="folder that holds the package, if not the one that runs")
def build(
    keys_folder: Path,
    version: str,
    mcu_version: str,
    model: str | None,
    security_version: int,
    out: Path,
    source: Path | None,
) -> Report:
    """Build the images of a release from this very package, and sign them. Equal input gives equal bytes.

    A device answers with these versions, and a client flashes a Normal World only when its version is another one: one of
    other bytes needs a version of its own.
    """
    from tallystick.manager.factory.build import Release
    from tallystick.manager.factory.build import build as build_images
    from tallystick.manager.factory.key import FactoryKeys

    if model is not None:
        from tallystick.device.os.identity import VERSIONS

        version, mcu_version = version or VERSIONS[model].os, mcu_version or VERSIONS[model].mcu
    if not version:
        raise UsageError("the release has no version", remedy="add --version, like 1.4.0, or --model")
    release = Release(version=version, mcu_version=mcu_version, security_version=security_version)
    if source is not None:
        release = replace(release, source=source)
    files = build_images(FactoryKeys.read(keys_folder), release)
    _write(out, files)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return Report(
        schema="factory.build",
        data={
            "folder": str(out),
            "version": version,
            "mcu_version": mcu_version or version,
            "security_version": security_version,
            "files": [{"name": name, "size": len(data), "sha256": digests[name]} for name, data in files.items()],
        },
        headings=("FILE", "BYTES", "SHA-256"),
        rows=[(name, str(len(data)), digests[name]) for name, data in files.items()],
    )


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is made if need be; raise StateError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise StateError(f"{folder} cannot be written: {error.strerror}") from error
