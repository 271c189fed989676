"""Installed apps: their bundles, measured when they are loaded, and the flash they take."""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.device.os.storage import Storage
from tallystick.errors import RemoteProtocolError, StateCorrupt, UsageError
from tallystick.wire.app_list import AppListEntry
from tallystick.wire.bundle import Bundle
from tallystick.wire.dashboard import MemoryInfo
from tallystick.wire.image import AppFlag
from tallystick.wire.model import Model

#: flash the system takes: what is left of the model's flash is for apps
_SYSTEM_SHARE = 4
_SLOTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledApp:
    """One app in flash, with its two hashes (32 bytes each) and the flash blocks it takes."""

    bundle: Bundle = field(repr=False)
    code_hash: bytes
    full_hash: bytes
    flags: AppFlag
    blocks: int

    @property
    def name(self) -> str:
        """The app's name."""
        return self.bundle.manifest.name

    @property
    def version(self) -> str:
        """The app's version."""
        return self.bundle.manifest.version


class Registry:
    """The apps of one device."""

    def __init__(self, *, storage: Storage, model: Model, os_version: str) -> None:
        self._storage = storage
        self._model = model
        self._os_version = os_version
        self._block_bytes = model.block_bytes_at(os_version)
        self._apps = {name: self._measure(_stored(storage, name)) for name in storage.installed()}

    def apps(self) -> list[InstalledApp]:
        """Return the installed apps, oldest first."""
        return list(self._apps.values())

    def find(self, name: str) -> InstalledApp | None:
        """Return the app with exactly this name, or None."""
        return self._apps.get(name)

    def install(self, bundle: Bundle) -> InstalledApp:
        """Install `bundle`, in place of an app of the same name.

        Raises:
            UsageError: the flash of this model has no room for it.

        """
        app = self._measure(bundle)
        old = self._apps.get(app.name)
        if app.blocks - (old.blocks if old else 0) > self._free_blocks() or len(self._apps) >= _SLOTS:
            raise UsageError(f"no room for {app.name} on this device", remedy="remove another app first")
        self._storage.install(app.name, bundle.raw)
        self._apps.pop(app.name, None)
        self._apps[app.name] = app
        return app

    def remove(self, name: str) -> None:
        """Remove the app `name`, if it is there."""
        if self._apps.pop(name, None) is not None:
            self._storage.uninstall(name)

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

    def _measure(self, bundle: Bundle) -> InstalledApp:
        image = bundle.image()
        return InstalledApp(
            bundle=bundle,
            code_hash=image.code_hash(),
            full_hash=image.full_hash(self._model.target_id, self._os_version),
            flags=image.create.flags | AppFlag.ENABLED,
            blocks=-(-len(image.code) // self._block_bytes),
        )


def _stored(storage: Storage, name: str) -> Bundle:
    try:
        return Bundle.from_bytes(storage.bundle(name))
    except RemoteProtocolError:
        raise StateCorrupt(f"the app {name} is damaged", remedy="restore a copy, or start afresh") from None
