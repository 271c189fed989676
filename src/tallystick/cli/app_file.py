"""An app in a file or folder of one's own, whatever its form: what is in it, and what it would be on a device.

=====================  ==============================================================
bundle                 a Python app, packed
folder                 a Python app's sources (``manifest.json``, ``*.py``), or C sources, which are built first
ELF file               a native app, linked
hex file               a native app; ``NAME.json`` beside it says the rest, as ledgerctl's manifests do
=====================  ==============================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tallystick.errors import RemoteProtocolError, TallyError, UsageError

if TYPE_CHECKING:
    from tallystick.device.native.elf import Elf
    from tallystick.wire.bundle import Bundle
    from tallystick.wire.image import AppImage

__all__ = ["CURVE_NAMES", "AppFile", "Form", "pack_folder", "parameters_of", "read_app_file"]

_MAX_MANIFEST: Final = 1 << 16
_MAX_NAME: Final = 32
_REMEDY: Final = "give a bundle, an ELF file, a hex file with its manifest, or a folder of sources"
#: curves that ledgerctl's manifests name otherwise
CURVE_NAMES: Final = {"prime256r1": "secp256r1"}


@unique
class Form(Enum):
    """What an app was read from."""

    BUNDLE = "bundle"
    ELF = "ELF"
    HEX = "hex"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFile:
    """One app: its image, and the bundle or ELF file it came from; `target_id` (32 bits) is None where nothing says it."""

    path: Path
    form: Form
    image: AppImage = field(repr=False)
    target_id: int | None = None
    bundle: Bundle | None = field(default=None, repr=False)
    elf: Elf | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name that the app has on a device."""
        from tallystick.wire.install import InstallParameters

        return InstallParameters.from_bytes(self.image.parameters).name

    @property
    def model(self) -> str | None:
        """The model that the app was built for; None for any, or where nothing says it."""
        from tallystick.wire.model import by_target_id

        found = None if self.target_id is None else by_target_id(self.target_id)
        return None if found is None else found.name


def read_app_file(path: Path, *, model: str | None = None) -> AppFile:
    """Read an app; `model` is what C sources are built for.

    Raises UsageError, which names the file, when it cannot be read or is no app.
    """
    try:
        if path.is_dir():
            return _read_folder(path, model)
        return _read_file(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy=_REMEDY) from error
    except RemoteProtocolError as error:
        raise UsageError(f"{path} is no app: {error.message}", remedy=_REMEDY) from error


def pack_folder(folder: Path) -> Bundle:
    """Return the bundle of a folder of Python sources: equal sources give equal bytes. Tests (``test_*.py``) stay out."""
    from tallystick.wire.bundle import MANIFEST, Bundle

    modules = {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(folder.glob("*.py"))
        if not path.name.startswith("test_")
    }
    try:
        return Bundle.pack((folder / MANIFEST).read_bytes(), modules)
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("its manifest is not UTF-8") from error


def _read_folder(folder: Path, model: str | None) -> AppFile:
    from tallystick.wire.bundle import MANIFEST

    if (folder / MANIFEST).exists():
        bundle = pack_folder(folder)
        return AppFile(path=folder, form=Form.BUNDLE, image=bundle.image(), bundle=bundle)
    if any(folder.glob("*.c")):
        import tempfile

        from tallystick.cli.app_compile import compile_app

        with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
            built = compile_app(folder, model=model or "nanox", target=Path(scratch) / "app.elf")
            return _read_file(built)
    raise RemoteProtocolError("a folder of an app has a manifest.json, or C sources")


def _read_file(path: Path) -> AppFile:
    from tallystick.device.native.elf import MAGIC, MAX_ELF
    from tallystick.wire.bundle import MAX_BUNDLE, Bundle

    with path.open("rb") as file:
        raw = file.read(MAX_ELF + 1)
    if raw.startswith(MAGIC):
        return _read_elf(path, raw)
    if raw.lstrip().startswith(b":"):
        return _read_hex(path, raw)
    bundle = Bundle.from_bytes(raw[: MAX_BUNDLE + 1])
    return AppFile(path=path, form=Form.BUNDLE, image=bundle.image(), bundle=bundle)


def _read_elf(path: Path, raw: bytes) -> AppFile:
    from tallystick.device.native.elf import Elf
    from tallystick.device.native.image import image_from_elf, target_of
    from tallystick.wire.install import InstallParameters

    elf = Elf.from_bytes(raw)
    # files of early SDKs say nothing of themselves: they are named as their file is, and may derive nothing
    told = elf.text("ledger.app_name") or path.stem[:_MAX_NAME]
    said = InstallParameters(name=told, version=elf.text("ledger.app_version"))
    image = image_from_elf(elf, parameters=said)
    return AppFile(path=path, form=Form.ELF, image=image, target_id=target_of(elf), elf=elf)


def _read_hex(path: Path, raw: bytes) -> AppFile:
    from tallystick.device.native.image import image_from_hex
    from tallystick.wire.image import AppFlag
    from tallystick.wire.intel_hex import IntelHex

    beside = path.with_suffix(".json")
    if not beside.exists():
        raise RemoteProtocolError(f"a hex file says neither name nor keys: {beside.name} is not beside it")
    document = _manifest(beside)
    try:
        image = image_from_hex(
            IntelHex.from_bytes(raw),
            parameters=parameters_of(document),
            api_level=int(document["apiLevel"]) if "apiLevel" in document else None,
            flags=AppFlag(int(document.get("flags", "0"), 16)),
            data_bytes=int(document.get("dataSize", 0)),
        )
        return AppFile(path=path, form=Form.HEX, image=image, target_id=int(document["targetId"], 16))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RemoteProtocolError(f"{beside.name}: {error}") from error
    except TallyError as error:
        raise RemoteProtocolError(f"{beside.name}: {error.message}") from error


def _manifest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        raw = file.read(_MAX_MANIFEST + 1)
    try:
        document = json.loads(raw[: _MAX_MANIFEST + 1]) if len(raw) <= _MAX_MANIFEST else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RemoteProtocolError(f"{path.name} is no manifest")
    return document


def parameters_of(document: dict[str, Any]) -> bytes:
    """Return the install parameters that a manifest tells, in words or, in a member of our own, as they are."""
    from tallystick.wire.install import Curve, Derivation, InstallParameters, Slip21Path, permitted_path
    from tallystick.wire.path import Bip32Path

    if "parameters" in document:
        return bytes.fromhex(document["parameters"])
    derivation = None
    if "derivationPath" in document:
        said, curves = document["derivationPath"], Curve(0)
        for curve in said["curves"]:
            curves |= Curve[CURVE_NAMES.get(curve, curve).upper()]
        paths: tuple[Bip32Path | Slip21Path, ...] = (
            *(permitted_path(path) for path in said.get("paths", [])),
            *(Slip21Path(label) for label in said.get("paths_slip21", [])),
        )
        derivation = Derivation(curves=curves, paths=paths)
    return InstallParameters(
        name=str(document["name"]), version=str(document["version"]), derivation=derivation
    ).to_bytes()
