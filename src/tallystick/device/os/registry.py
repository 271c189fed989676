"""Installed apps: their images, measured when they are loaded, and the flash they take."""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.device.os.app_record import AppRecord
from tallystick.device.os.permission import NO_MASTER
from tallystick.device.os.storage import Storage
from tallystick.errors import ProtocolError, RemoteProtocolError, StateCorrupt, UsageError
from tallystick.wire.app_icon import AppIcon, icon_or_none
from tallystick.wire.app_list import AppListEntry
from tallystick.wire.bundle import Bundle, Manifest
from tallystick.wire.dashboard import MemoryInfo
from tallystick.wire.dependency import decode_dependencies
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import Curve, InstallParameters
from tallystick.wire.model import Model
from tallystick.wire.path import Bip32Path

#: flash the system takes: what is left of the model's flash is for apps
_SYSTEM_SHARE = 4
_SLOTS = 64
#: what the device alone says of an app: a host that claims it is not believed (wire-protocol E.3)
OWN_FLAGS = AppFlag.SIGNED | AppFlag.CUSTOM_CA | AppFlag.ISSUER | AppFlag.ENABLED | AppFlag.SIGN_WITHOUT_CODE_HASH
_NO_FLAGS = AppFlag(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledApp:
    """One app in flash, with its two hashes (32 bytes each) and the flash blocks it takes.

    `bundle` is a Python app's; None is native code, whose image is in `record`.
    """

    manifest: Manifest
    bundle: Bundle | None = field(repr=False)
    record: AppRecord = field(repr=False)
    needs: tuple[str, ...]
    blocks: int
    #: its picture, if it brought one that can be drawn
    icon: AppIcon | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The app's name."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The app's version."""
        return self.manifest.version

    @property
    def code_hash(self) -> bytes:
        """SHA-256 of code and data as they were loaded."""
        return self.record.code_hash

    @property
    def full_hash(self) -> bytes:
        """SHA-256 that a signature of the app signs (wire-protocol E.6)."""
        return self.record.full_hash

    @property
    def flags(self) -> AppFlag:
        """What it is and may do."""
        return self.record.flags


class Registry:
    """The apps of one device."""

    def __init__(self, *, storage: Storage, model: Model, os_version: str) -> None:
        self._storage = storage
        self._model = model
        self._os_version = os_version
        self._block_bytes = model.block_bytes_at(os_version)
        self._apps = {name: self._stored(name) for name in storage.installed()}

    def apps(self) -> list[InstalledApp]:
        """Return the installed apps, oldest first."""
        return list(self._apps.values())

    def find(self, name: str) -> InstalledApp | None:
        """Return the app with exactly this name, or None."""
        return self._apps.get(name)

    def dependents(self, name: str) -> list[str]:
        """Return the names of the apps that need the app `name`."""
        return [app.name for app in self.apps() if name in app.needs]

    def measure(self, image: AppImage, flags: AppFlag = _NO_FLAGS, *, bundle: Bundle | None = None) -> InstalledApp:
        """Return what `image` is as an app of this device, without keeping it; `flags` are the device's own say.

        Raises:
            RemoteProtocolError: its install parameters are malformed, or do not go with the bundle that is its code.

        """
        record = AppRecord(
            image=image,
            flags=(image.create.flags & ~OWN_FLAGS) | (flags & OWN_FLAGS) | AppFlag.ENABLED,
            code_hash=image.code_hash(),
            full_hash=image.full_hash(self._model.target_id, self._os_version),
        )
        return self._read(record, bundle=bundle)

    def fits(self, create: CreateApp, *, beside_blocks: int = 0) -> bool:
        """Return whether there is room for an app of these lengths, with `beside_blocks` promised to others."""
        return len(self._apps) < _SLOTS and self.blocks(create) <= self._free_blocks() - beside_blocks

    def blocks(self, create: CreateApp) -> int:
        """Return the flash blocks an app of these lengths takes."""
        return -(-(create.code_length + create.data_length + create.parameters_length) // self._block_bytes)

    def put(self, app: InstalledApp) -> None:
        """Keep a measured app, in place of one of the same name.

        Raises:
            UsageError: the flash of this model has no room for it.

        """
        old = self._apps.get(app.name)
        if app.blocks - (old.blocks if old else 0) > self._free_blocks() or len(self._apps) >= _SLOTS:
            raise UsageError(f"no room for {app.name} on this device", remedy="remove another app first")
        self._storage.install(app.name, app.record.to_bytes())
        self._apps.pop(app.name, None)
        self._apps[app.name] = app

    def install(self, bundle: Bundle) -> InstalledApp:
        """Install `bundle` as the factory does, in place of an app of the same name; raise UsageError without room."""
        app = self.measure(bundle.image(), bundle=bundle)
        self.put(app)
        return app

    def remove(self, name: str) -> None:
        """Remove the app `name`, if it is there."""
        if self._apps.pop(name, None) is not None:
            self._storage.uninstall(name)

    def retire(self) -> None:
        """Remove all apps, and keep their names: they were made for the firmware before."""
        self._storage.retire()
        self._apps.clear()

    def entries(self) -> list[AppListEntry]:
        """Return the list of apps as clients get it (wire-protocol C.4)."""
        return [
            AppListEntry(
                blocks=app.blocks,
                flags=app.flags & 0xFFFF,
                code_hash=app.code_hash,
                full_hash=app.full_hash,
                name=app.name,
            )
            for app in self.apps()
        ]

    def memory(self) -> MemoryInfo:
        """Return how the flash is used, in bytes."""
        system = self._model.flash_bytes // _SYSTEM_SHARE
        used = sum(app.blocks for app in self.apps()) * self._block_bytes
        return MemoryInfo(
            system=system,
            applications=used,
            free=self._free_blocks() * self._block_bytes,
            used_slots=len(self._apps),
            total_slots=_SLOTS,
        )

    def _free_blocks(self) -> int:
        room = self._model.flash_bytes - self._model.flash_bytes // _SYSTEM_SHARE
        return room // self._block_bytes - sum(app.blocks for app in self.apps())

    def _read(self, record: AppRecord, *, bundle: Bundle | None = None) -> InstalledApp:
        image = record.image
        parameters = InstallParameters.from_bytes(image.parameters)
        if bundle is None:
            bundle = Bundle.from_code(image.code)
        if bundle is None:
            manifest = _native_manifest(parameters, image.create.flags)
        else:
            manifest = bundle.manifest
            if InstallParameters.from_bytes(bundle.image().parameters).claims() != parameters.claims():
                raise RemoteProtocolError("the install parameters do not go with the bundle", status=0x6984)
        return InstalledApp(
            manifest=manifest,
            bundle=bundle,
            record=record,
            needs=tuple(name for raw in parameters.dependencies() for name in decode_dependencies(raw)),
            blocks=self.blocks(image.create),
            icon=icon_or_none(parameters.icon),
        )

    def _stored(self, name: str) -> InstalledApp:
        try:
            old = self._storage.old_bundle(name)
            if old is None:
                return self._read(AppRecord.from_bytes(self._storage.image(name)))
            bundle = Bundle.from_bytes(old)
            app = self.measure(bundle.image(), bundle=bundle)
        except ProtocolError:
            raise StateCorrupt(f"the app {name} is damaged", remedy="restore a copy, or start afresh") from None
        self._storage.renew(name, app.record.to_bytes())
        return app


def _native_manifest(parameters: InstallParameters, flags: AppFlag) -> Manifest:
    """Return what install parameters say, in the form of a Python app's manifest: what it may derive holds for both."""
    derivation = parameters.derivation
    curves = tuple(curve for curve in Curve if derivation is not None and curve in derivation.curves)
    paths = () if derivation is None else derivation.paths or (Bip32Path(()),)
    return Manifest(
        name=parameters.name,
        version=parameters.version or "",
        curves=curves,
        paths=tuple(path for path in paths if isinstance(path, Bip32Path)),
        flags=(
            *(("hidden",) if AppFlag.NO_RUN & flags else ()),
            *(() if AppFlag.DERIVE_MASTER & flags else (NO_MASTER,)),
        ),
    )
