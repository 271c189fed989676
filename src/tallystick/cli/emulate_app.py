"""What `tally emulate` runs: ELF files as images of one model, and what they keep in flash."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from tallystick.device.native.elf import MAX_ELF, Elf
from tallystick.device.native.image import image_from_elf, target_of
from tallystick.device.sandbox.app_start import NATIVE_PROGRAM, StartedApp
from tallystick.device.sandbox.program import Programs
from tallystick.device.sandbox.shared_library import find_shared_library, speculos_folder
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.image import AppFlag, AppImage
from tallystick.wire.install import Curve, Derivation, InstallParameters
from tallystick.wire.model import MODELS, by_target_id
from tallystick.wire.native import NativeImage

__all__ = ["EmulatedApp", "model_of", "read_app", "read_library", "warm_up"]

_NVRAM, _NVRAM_ENDS = "_nvram_data", ("_envram_data", "_envram")
#: what Speculos names an app that says no name, unless the environment does
_APPNAME, _DEFAULT_APPNAME = "SPECULOS_APPNAME", "app:1.33.7"
#: models whose name in a file is another one
_MODEL_ALIASES = {"nanos2": "nanosp", "nanos+": "nanosp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatedApp:
    """One app: its image, the model it was built for ("" where the file does not say), and the bytes of flash it may keep."""

    image: AppImage = field(repr=False)
    name: str
    model: str
    kept_bytes: int
    elf: Elf = field(repr=False)


def read_app(path: Path, *, api_level: int | None = None, name: str = "") -> EmulatedApp:
    """Read an ELF file; `api_level` is for one that says none, or 0 (the SDK between two levels), `name` for one without.

    A file that says nothing of flags has that of the master key, as with Speculos.

    Raises UsageError when it cannot be read, or is no app.
    """
    try:
        with path.open("rb") as file:
            elf = Elf.from_bytes(file.read(MAX_ELF + 1))
        image = image_from_elf(elf, parameters=_said(elf, name))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy="name the ELF file of an app") from error
    except RemoteProtocolError as error:
        raise UsageError(f"{path} is no app: {error.message}", remedy="name the ELF file of an app") from error
    if elf.text("ledger.app_flags") is None:
        image = replace(image, create=replace(image.create, flags=image.create.flags | AppFlag.DERIVE_MASTER))
    if api_level is not None:
        if image.create.api_level not in {None, 0, api_level}:
            raise UsageError(f"{path} was built for API level {image.create.api_level}", remedy="leave -a away")
        image = replace(image, create=replace(image.create, api_level=api_level))
    return EmulatedApp(
        image=image,
        name=InstallParameters.from_bytes(image.parameters).name,
        model=_model(elf),
        kept_bytes=_kept_bytes(elf, len(image.data)),
        elf=elf,
    )


def read_library(source: str, *, api_level: int | None) -> EmulatedApp:
    """Read an app that others call, given as ``[NAME:]FILE``; a name must be its own, if it has one. Raises UsageError."""
    name, colon, path = source.partition(":")
    if not colon or Path(source).exists():
        name, path = "", source
    app = read_app(Path(path), api_level=api_level, name=name)
    if name and app.name != name:
        raise UsageError(f"{path} is {app.name}, not {name}", remedy=f"give -l {app.name}:{path}")
    create = replace(app.image.create, flags=app.image.create.flags | AppFlag.LIBRARY)
    return replace(app, image=replace(app.image, create=create))


def model_of(app: EmulatedApp, asked: str | None) -> str:
    """Return the model to be: what the file says, or what was asked; raise UsageError when they differ or nobody says."""
    model = app.model or asked
    if not model:
        raise UsageError("the file does not say which model it was built for", remedy="say it with --model")
    if asked and asked != model:
        raise UsageError(f"the app was built for {model}", remedy="leave --model away")
    if model not in MODELS:
        raise UsageError(f"an app for {model} cannot run here", remedy=f"apps for {', '.join(MODELS)} can")
    return model


def warm_up(app: EmulatedApp, *, model: str, speculos: str) -> tuple[NativeImage, StartedApp]:
    """Start the process of the app, which takes its time beside the device's own start.

    `speculos` is where shared libraries lie, "" to look among the installed packages. Raises UsageError without the engine.
    """
    if find_spec("unicorn") is None:
        raise UsageError("native code needs an emulated processor", remedy="pip install 'tallystick[native]'")
    library = find_shared_library(speculos_folder(named=speculos), model=model, level=app.image.create.api_level)
    native = NativeImage(image=app.image, library=library)
    try:
        return native, StartedApp.start(native.raw, programs=Programs.of_installation(), program=NATIVE_PROGRAM)
    except OSError as error:
        raise UsageError(f"the app cannot be started: {error.strerror}", remedy="end some other programs") from error


def _model(elf: Elf) -> str:
    target_id = target_of(elf)
    found = None if target_id is None else by_target_id(target_id)
    if found is not None:
        return found.name
    told = (elf.text("ledger.target") or "").strip()
    return _MODEL_ALIASES.get(told, told)


def _said(elf: Elf, name: str) -> InstallParameters:
    """Return what stands in for install parameters where a file has none: a name, and every path, as Speculos has it."""
    usual, _, version = os.environ.get(_APPNAME, _DEFAULT_APPNAME).partition(":")
    return InstallParameters(
        name=(elf.text("ledger.app_name") or name or usual).strip(),
        version=(elf.text("ledger.app_version") or version).strip(),
        derivation=Derivation(curves=Curve(sum(Curve))),
    )


def _kept_bytes(elf: Elf, limit: int) -> int:
    start = elf.symbols.get(_NVRAM)
    end = next((elf.symbols[name] for name in _NVRAM_ENDS if name in elf.symbols), None)
    return limit if start is None or end is None else max(0, min(limit, end - start))
