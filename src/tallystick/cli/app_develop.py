"""`tally app build`, `pack` and `info`: an app of one's own before it goes onto a device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.app_compile import NATIVE_MODELS
from tallystick.cli.command import SETTINGS
from tallystick.cli.render import Report
from tallystick.cli.target import Run
from tallystick.errors import UsageError

if TYPE_CHECKING:
    from tallystick.cli.app_file import AppFile

_PATH = click.Path(path_type=Path)
_JSON = click.option("--json", "is_json", is_flag=True, help="print one JSON document")


@click.command(context_settings=SETTINGS)
@click.argument("folder", metavar="DIR", type=_PATH)
@click.option("-o", "--output", metavar="FILE", type=_PATH, help="where to write it [default: DIR's name, .elf]")
@click.option("--model", type=click.Choice(NATIVE_MODELS), default="nanox", show_default=True, help="whom it is for")
@click.option("--compiler", metavar="CLANG", default="", help="[default: the first clang that is there]")
@_JSON
@click.pass_obj
def build(run: Run, folder: Path, output: Path | None, model: str, compiler: str, *, is_json: bool) -> Report:
    """Build the native app whose C sources are in DIR, with the SDK of the package and the clang of this machine."""
    from tallystick.cli.app_compile import compile_app
    from tallystick.cli.app_file import read_app_file

    run.is_json = run.is_json or is_json
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", remedy="name the folder that has the app's *.c files")
    target = output or Path(f"{folder.resolve().name}.elf")
    app = read_app_file(compile_app(folder, model=model, target=target, compiler=compiler))
    facts = {"file": str(target), **_image_facts(app)}
    create = app.image.create
    line = f"{target}: {app.name} for {model}, {create.code_length} bytes of code, {create.data_length} of data"
    return Report(schema="app.build", data=facts, lines=(line, f"tally app run {target} runs it"))


@click.command(context_settings=SETTINGS)
@click.argument("path", metavar="FILE|DIR", type=_PATH)
@click.option("-o", "--output", metavar="FILE", type=_PATH, help="where to write it [default: beside, .bundle or .hex]")
@click.option("--model", type=click.Choice(NATIVE_MODELS), default="nanox", show_default=True, help="for C sources")
@_JSON
@click.pass_obj
def pack(run: Run, path: Path, output: Path | None, model: str, *, is_json: bool) -> Report:
    """Pack an app for others: Python sources into a bundle, a native app into a hex file with ledgerctl's manifest beside it.

    Equal sources give equal bytes.
    """
    from tallystick.cli.app_file import read_app_file

    run.is_json = run.is_json or is_json
    app = read_app_file(path, model=model)
    if app.bundle is not None:
        target = output or Path(f"{path.resolve().name.removesuffix('.bundle')}.bundle")
        files = {target: app.bundle.raw}
    else:
        target = output or path.with_name(f"{path.resolve().stem}.hex")
        files = {target: _hex(app), target.with_suffix(".json"): _manifest(app, target.name)}
    try:
        for name, data in files.items():
            name.write_bytes(data)
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be written: {error.strerror}", remedy="name another place"
        ) from error
    names = [str(name) for name in files]
    return Report(
        schema="app.pack", data={"files": names, **_image_facts(app)}, lines=[f"{name} is written." for name in names]
    )


@click.command(context_settings=SETTINGS)
@click.argument("path", metavar="FILE|DIR", type=_PATH)
@click.option("--model", type=click.Choice(NATIVE_MODELS), help="whose hash to tell, and whom C sources are built for")
@_JSON
@click.pass_obj
def info(run: Run, path: Path, model: str | None, *, is_json: bool) -> Report:
    """Tell what an app is and asks for: whom it is for, sizes, flags, keys, and the hashes that devices show and sign."""
    from tallystick.cli.app_file import read_app_file

    run.is_json = run.is_json or is_json
    app = read_app_file(path, model=model)
    facts = {"file": str(path), **_image_facts(app, model=model)}
    if app.elf is not None:
        facts["sections"] = [
            {"name": name, "address": f"{section.address:#010x}", "bytes": section.size_bytes}
            for name, section in app.elf.sections.items()
            if name
        ]
    return Report(schema="app.info", data=facts, lines=_lines(facts))


def _image_facts(app: AppFile, *, model: str | None = None) -> dict[str, Any]:
    """Return what an image says of itself; hashes are those of `model`, or of the model it was built for."""
    from tallystick.device.os.identity import VERSIONS
    from tallystick.wire.image import AppFlag
    from tallystick.wire.install import InstallParameters, Slip21Path, permitted_text
    from tallystick.wire.model import MODELS
    from tallystick.wire.path import Bip32Path

    image, create = app.image, app.image.create
    said = InstallParameters.from_bytes(image.parameters)
    of = model or app.model or "nanosp"
    derivation = said.derivation
    paths = () if derivation is None else derivation.paths
    return {
        "form": app.form.value,
        "name": said.name,
        "version": said.version,
        "target_id": None if app.target_id is None else f"{app.target_id:#010x}",
        "model": app.model,
        "api_level": create.api_level,
        "code_bytes": create.code_length,
        "data_bytes": create.data_length,
        "parameter_bytes": create.parameters_length,
        "flags": [flag.name for flag in AppFlag if flag in create.flags],
        "curves": [] if derivation is None else [str(curve.name).lower() for curve in derivation.curves],
        "paths": [permitted_text(path) for path in paths if isinstance(path, Bip32Path)],
        "paths_slip21": [path.label for path in paths if isinstance(path, Slip21Path)],
        "icon_bytes": len(said.icon or b""),
        "code_hash": image.code_hash().hex(),
        "full_hash": image.full_hash(MODELS[of].target_id, VERSIONS[of].os).hex(),
        "full_hash_of": f"{of} {VERSIONS[of].os}",
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts for a person, one a line."""
    keys = (
        "none"
        if not facts["curves"]
        else f"{', '.join(facts['curves'])} at {', '.join(facts['paths'] + facts['paths_slip21']) or 'any path'}"
    )
    target = (
        "any model" if facts["target_id"] is None else f"{facts['model'] or 'no known model'} ({facts['target_id']})"
    )
    rows = {
        "app": f"{facts['name']} {facts['version'] or '(no version)'}, from {facts['form']}",
        "built for": target + (f", API level {facts['api_level']}" if facts["api_level"] is not None else ""),
        "sizes": f"{facts['code_bytes']} bytes of code, {facts['data_bytes']} of data, {facts['parameter_bytes']} of parameters",
        "flags": ", ".join(facts["flags"]) or "none",
        "keys": keys,
        "icon": f"{facts['icon_bytes']} bytes" if facts["icon_bytes"] else "none",
        "code hash": facts["code_hash"],
        "full hash": f"{facts['full_hash']} (on {facts['full_hash_of']})",
    }
    lines = [f"{name:<10} {value}" for name, value in rows.items()]
    if "sections" in facts:
        lines += ["", *(f"{one['address']} {one['bytes']:>7} {one['name']}" for one in facts["sections"])]
    return lines


def _hex(app: AppFile) -> bytes:
    """Return code and data at the address they were linked for: loaders add the parameters, which they have from the manifest."""
    from tallystick.wire.intel_hex import Area, IntelHex

    image = app.image
    start = app.elf.segments[0].address if app.elf is not None else _LINKED_AT
    area = Area(address=start, data=image.code + image.data)
    return IntelHex(areas=(area,), start=start + image.create.boot_offset).to_bytes()


_LINKED_AT = 0xC0DE0000


def _manifest(app: AppFile, binary: str) -> bytes:
    """Return ledgerctl's manifest."""
    from tallystick.cli.app_file import parameters_of
    from tallystick.wire.install import ANY_LEVEL

    facts = _image_facts(app)
    if app.target_id is None:
        raise UsageError(f"{app.path} does not say which model it was built for", remedy="build it for one")
    document: dict[str, Any] = {
        "name": facts["name"],
        "version": facts["version"] or "",
        "binary": binary,
        "targetId": f"{app.target_id:08x}",
        "flags": f"{int(app.image.create.flags):x}",
        "dataSize": facts["data_bytes"],
    }
    if facts["api_level"] is not None:
        document["apiLevel"] = str(facts["api_level"])
    if facts["curves"]:
        names = ["prime256r1" if curve == "secp256r1" else curve for curve in facts["curves"]]
        # not every client knows the star
        paths = [path.replace("*", str(ANY_LEVEL)) for path in facts["paths"]]
        labels = {"paths_slip21": facts["paths_slip21"]} if facts["paths_slip21"] else {}
        document["derivationPath"] = {"curves": names, "paths": paths, **labels}
    if parameters_of(document) != app.image.parameters:  # an icon, say, which the other members cannot tell
        document["parameters"] = app.image.parameters.hex()
    return (json.dumps(document, indent=2) + "\n").encode()
