"""Records of the OS in flash, by meaning: which apps are installed, their settings and data, settings of the device.

Every change is one write of one record, or is arranged so that a cut between two writes leaves the old state: an app
is installed when the list of apps names it, and not before.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tallystick.device.hil import Flash
from tallystick.errors import StateCorrupt

_APPS = "apps"
_DEVICE = "device"


def app_id(name: str) -> str:
    """Return the part of record names that belongs to the app `name`: 16 hex digits."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class Storage:
    """Typed access to the records."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash

    def installed(self) -> list[str]:
        """Return the names of the installed apps, oldest first."""
        return [str(name) for name in self._document(_APPS, [])]

    def bundle(self, name: str) -> bytes:
        """Return the bundle of an installed app; raise StateCorrupt when it is gone."""
        raw = self._flash.read(f"app.{app_id(name)}.bundle")
        if raw is None:
            raise StateCorrupt(f"the app {name} is damaged", remedy="remove it and install it again")
        return raw

    def install(self, name: str, raw: bytes) -> None:
        """Keep a bundle under `name`, in place of one there was; its old data and settings go."""
        apps = self.installed()
        if name in apps:
            self.uninstall(name)
            apps.remove(name)
        self._flash.write(f"app.{app_id(name)}.bundle", raw)
        self._write(_APPS, [*apps, name])

    def uninstall(self, name: str) -> None:
        """Remove an app with all it kept."""
        self._write(_APPS, [other for other in self.installed() if other != name])
        prefix = f"app.{app_id(name)}."
        for record in self._flash.names():
            if record.startswith(prefix):
                self._flash.remove(record)

    def settings(self, name: str) -> dict[str, bool]:
        """Return the settings of an app that were ever changed."""
        document = self._document(f"app.{app_id(name)}.settings", {})
        return {str(key): value is True for key, value in document.items()}

    def set_setting(self, name: str, setting: str, *, value: bool) -> None:
        """Change one setting of an app."""
        self._write(f"app.{app_id(name)}.settings", {**self.settings(name), setting: value})

    def record(self, name: str, record: str) -> bytes | None:
        """Return a record an app wrote, or None."""
        return self._flash.read(self._record_name(name, record))

    def set_record(self, name: str, record: str, data: bytes | None) -> None:
        """Write or remove (None) a record of an app."""
        if data is None:
            self._flash.remove(self._record_name(name, record))
        else:
            self._flash.write(self._record_name(name, record), data)

    def data_size(self, name: str) -> int:
        """Return how many bytes the records of an app take."""
        prefix = f"app.{app_id(name)}.data-"
        return sum(len(self._flash.read(entry) or b"") for entry in self._flash.names() if entry.startswith(prefix))

    def device_setting(self, name: str, default: int) -> int:
        """Return a setting of the device itself."""
        value = self._document(_DEVICE, {}).get(name, default)
        return value if isinstance(value, int) else default

    def set_device_setting(self, name: str, value: int) -> None:
        """Change a setting of the device itself."""
        self._write(_DEVICE, {**self._document(_DEVICE, {}), name: value})

    def erase(self) -> None:
        """Forget everything the owner put in: apps, data, settings. The vault and the serial are not ours."""
        for name in self.installed():
            self.uninstall(name)
        self._flash.remove(_DEVICE)

    def _record_name(self, name: str, record: str) -> str:
        return f"app.{app_id(name)}.data-{record.encode().hex()}"

    def _document(self, record: str, default: Any) -> Any:
        raw = self._flash.read(record)
        if raw is None:
            return default
        try:
            document = json.loads(raw)
        except ValueError as error:
            raise StateCorrupt(f"the record {record} is damaged", remedy="restore a copy, or start afresh") from error
        if type(document) is not type(default):
            raise StateCorrupt(f"the record {record} is damaged", remedy="restore a copy, or start afresh")
        return document

    def _write(self, record: str, document: object) -> None:
        self._flash.write(record, json.dumps(document, sort_keys=True).encode())
