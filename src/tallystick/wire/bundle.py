"""App bundles: one Python app as one deterministic file.

A bundle is a ZIP archive whose members are stored (not compressed), sorted by name and dated 1980-01-01, so that equal
sources give equal bytes and an equal hash. Members: ``manifest.json`` and the app's modules (``*.py``), nothing else.

The manifest is one JSON object::

    {"name": "Cosmos", "version": "2.38.13", "entry": "app:start", "icon": "cosmos",
     "curves": ["secp256k1"], "paths": ["44'/118'", "44'/60'"], "flags": [],
     "settings": [{"name": "expert", "label": "Expert mode", "default": false}]}

`paths` are prefixes: the app may derive at and below them, on its curves alone. An empty list permits no derivation.
The flag ``no_backup`` keeps an app's records where they are: a copy of them is never made, so no old state comes back. The flag
``sign_without_code_hash`` asks to sign with attestation key 1 in the name of any app, which is granted at install or not at all.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import Curve, Derivation, InstallParameters
from tallystick.wire.path import Bip32Path

MAX_BUNDLE = 1 << 20
MAX_MEMBERS = 64
MANIFEST = "manifest.json"
#: paths and settings of one app
MAX_PATHS = 64
MAX_SETTINGS = 32
#: as install parameters have it (wire-protocol E.4)
MAX_NAME = 32
MAX_VERSION = 16
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MEMBER = re.compile(r"[a-z][a-z0-9_]{0,63}\.py")
_ENTRY = re.compile(r"([a-z][a-z0-9_]*):([a-z][a-z0-9_]*)")
_NAME = re.compile(rf"[ -~]{{1,{MAX_NAME}}}")
_CURVES = {"secp256k1": Curve.SECP256K1, "secp256r1": Curve.SECP256R1, "ed25519": Curve.ED25519}
_FLAGS = {
    "library": AppFlag.LIBRARY,
    "hidden": AppFlag.NO_RUN,
    "sign_without_code_hash": AppFlag.SIGN_WITHOUT_CODE_HASH,
}
#: flags that say something to the OS of this device alone, and to no loader
_OWN_FLAGS = frozenset({"no_backup"})
_PAGE = 64
_LOCAL_HEADER = b"PK\x03\x04"
_END_RECORD = b"PK\x05\x06"
_END_RECORD_BYTES = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A switch of the app that the OS keeps: shown as `label`, off or on at first."""

    name: str
    label: str
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an app is, and what it asks to be allowed."""

    name: str
    version: str
    entry: str = "app:start"
    icon: str = ""
    curves: tuple[Curve, ...] = ()
    paths: tuple[Bip32Path, ...] = ()
    flags: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()

    @property
    def is_backed_up(self) -> bool:
        """Whether clients may take a sealed copy of what the app keeps, and put one back."""
        return "no_backup" not in self.flags

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read a manifest.

        Raises:
            RemoteProtocolError: not JSON, an unknown or missing member, a value out of bounds.

        """
        try:
            document = json.loads(text)
            return cls._read(document)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UsageError) as error:
            raise RemoteProtocolError(f"manifest: {error}") from error

    @classmethod
    def _read(cls, document: Any) -> Self:
        unknown = set(document) - {"name", "version", "entry", "icon", "curves", "paths", "flags", "settings"}
        if unknown:
            raise ValueError(f"unknown member {min(unknown)!r}")
        known = _FLAGS.keys() | _OWN_FLAGS
        flags = _list(document, "flags", limit=len(known))
        if not set(flags) <= known:
            raise ValueError("unknown flag")
        settings = tuple(_read_setting(entry) for entry in _list(document, "settings", limit=MAX_SETTINGS))
        if len({setting.name for setting in settings}) < len(settings):
            raise ValueError("two settings of one name")
        return cls(
            name=_matching(_NAME, document["name"], "name"),
            version=_matching(re.compile(rf"[ -~]{{1,{MAX_VERSION}}}"), document["version"], "version"),
            entry=_matching(_ENTRY, document.get("entry", "app:start"), "entry"),
            icon=_matching(re.compile(r"[a-z0-9_]{0,32}"), document.get("icon", ""), "icon"),
            curves=tuple(_CURVES[curve] for curve in _list(document, "curves", limit=len(_CURVES))),
            paths=tuple(Bip32Path.parse(path) for path in _list(document, "paths", limit=MAX_PATHS)),
            flags=flags,
            settings=settings,
        )


def _list(document: Any, name: str, *, limit: int) -> tuple[Any, ...]:
    entries = document.get(name, [])
    if not isinstance(entries, list) or len(entries) > limit:
        raise ValueError(f"{name} must be a list of at most {limit}")
    return tuple(entries)


def _matching(pattern: re.Pattern[str], value: object, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{what} is not as it must be")
    return value


def _read_setting(entry: Any) -> Setting:
    name = _matching(re.compile(r"[a-z][a-z0-9_]{0,31}"), entry["name"], "name of a setting")
    label = _matching(_NAME, entry["label"], "label of a setting")
    default = entry.get("default", False)
    if not isinstance(default, bool) or set(entry) - {"name", "label", "default"}:
        raise ValueError("a setting has name, label and default")
    return Setting(name=name, label=label, default=default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One app: its bytes, what they hold, and the hash that names it."""

    raw: bytes = field(repr=False)
    manifest: Manifest
    modules: Mapping[str, str] = field(repr=False)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bundle's bytes (32 bytes)."""
        return hashlib.sha256(self.raw).digest()

    def image(self) -> AppImage:
        """Return the app as the loader takes it: the bundle as code, padded with zeros to whole pages of 64 bytes."""
        manifest = self.manifest
        code = self.raw + bytes(-len(self.raw) % _PAGE)
        curves = Curve(0)
        for curve in manifest.curves:
            curves |= curve
        derivation = Derivation(curves=curves, paths=manifest.paths) if manifest.paths else None
        parameters = InstallParameters(name=manifest.name, version=manifest.version, derivation=derivation).to_bytes()
        flags = AppFlag.MAIN
        if manifest.paths:
            flags |= AppFlag.DERIVE_MASTER
        for name, flag in _FLAGS.items():
            if name in manifest.flags:
                flags |= flag
        create = CreateApp(code_length=len(code), data_length=0, parameters_length=len(parameters), flags=flags)
        return AppImage(create=create, code=code, data=b"", parameters=parameters)

    @classmethod
    def pack(cls, manifest: bytes, modules: Mapping[str, str]) -> Self:
        """Make the bundle of `manifest` (JSON) and `modules` (member name to source); equal input, equal bytes."""
        return cls.from_bytes(_archive({MANIFEST: manifest.decode(), **modules}))

    @classmethod
    def from_code(cls, code: bytes) -> Self | None:
        """Return the bundle that an app's code area holds, or None when the code is no archive at all.

        Raises:
            RemoteProtocolError: an archive that is no bundle, or something after it beside zeros to the end of a page.

        """
        if not code.startswith(_LOCAL_HEADER):
            return None
        end = code.rfind(_END_RECORD) + _END_RECORD_BYTES
        if len(code) % _PAGE or not end <= len(code) < end + _PAGE or any(code[end:]):
            raise RemoteProtocolError("a bundle fills its pages with zeros and is followed by nothing", status=0x6984)
        return cls.from_bytes(code[:end])

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a bundle.

        Raises:
            RemoteProtocolError: not a deterministic archive as described above, too large, or with other members.

        """
        if len(raw) > MAX_BUNDLE:
            raise RemoteProtocolError(f"a bundle of {len(raw)} bytes, {MAX_BUNDLE} are allowed")
        try:
            members = _read_members(raw)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise RemoteProtocolError(f"bundle: {error}") from error
        if _archive(members) != raw:
            raise RemoteProtocolError("bundle: members must be stored, sorted, without date, and nothing beside them")
        manifest = Manifest.from_json(members.pop(MANIFEST, "").encode())
        if manifest.entry.partition(":")[0] + ".py" not in members:
            raise RemoteProtocolError("bundle: the module of the entry is missing")
        return cls(raw=bytes(raw), manifest=manifest, modules=members)


def _archive(members: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(members.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o644 << 16
            member.create_system = 3
            archive.writestr(member, text.encode())
    return buffer.getvalue()


def _read_members(raw: bytes) -> dict[str, str]:
    members: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for info in archive.infolist()[: MAX_MEMBERS + 1]:
            if info.filename != MANIFEST and not _MEMBER.fullmatch(info.filename):
                raise ValueError("a member that is neither module nor manifest")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > len(raw):
                raise ValueError("members must be stored")
            members[info.filename] = archive.read(info).decode()
    if len(members) > MAX_MEMBERS:
        raise ValueError("too many members")
    return members
