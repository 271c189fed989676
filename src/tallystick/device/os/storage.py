"""Records of the OS in flash, by meaning: which apps are installed, their settings and data, settings of the device.

Each installation of an app has a number of its own, and its records carry that number. One record, ``apps``, says which
numbers count. So installing, removing and restoring are one write that switches, before which nothing has changed and
after which everything has; what a power cut leaves of the other numbers is swept up at the next start.
"""

from __future__ import annotations

import json
from typing import Any

from tallystick.device.hil import Flash
from tallystick.errors import StateCorrupt

_APPS = "apps"
_DEVICE = "device"
_IMAGE = "lock-image"
_CUSTOM_CA = "custom-ca"
#: what a record of an app costs beside its bytes
RECORD_OVERHEAD_BYTES = 64


class Storage:
    """Typed access to the records."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        index = self._document(_APPS, {})
        #: by name, oldest first: the number of the installation
        self._apps: dict[str, int] = self._numbers(index.get("installed", {}))
        self._restored: dict[str, int] = self._numbers(index.get("restored", {}))
        self._retired: list[str] = [str(name) for name in index.get("retired", ())]
        self._sizes: dict[int, dict[str, int]] = {}
        self._sweep()

    def installed(self) -> list[str]:
        """Return the names of the installed apps, oldest first."""
        return list(self._apps)

    def image(self, name: str) -> bytes:
        """Return the record of an installed app; raise StateCorrupt when it is gone."""
        raw = self._flash.read(self._prefix(name) + "image")
        if raw is None:
            raise StateCorrupt(f"the app {name} is damaged", remedy="remove it and install it again")
        return raw

    def old_bundle(self, name: str) -> bytes | None:
        """Return the bare bundle that older releases kept in place of the record, or None."""
        if self._flash.read(self._prefix(name) + "image") is not None:
            return None
        return self._flash.read(self._prefix(name) + "bundle")

    def renew(self, name: str, raw: bytes) -> None:
        """Put the record of an app in place of its bare bundle; data and settings stay, and a cut leaves one of the two."""
        self._flash.write(self._prefix(name) + "image", raw)
        self._flash.remove(self._prefix(name) + "bundle")

    def install(self, name: str, raw: bytes) -> None:
        """Keep the record of an app under `name`, in place of one there was; its old data and settings go."""
        number = self._next_number()
        self._flash.write(f"app.{number}.image", raw)
        self._switch(
            {**{other: at for other, at in self._apps.items() if other != name}, name: number},
            retired=[other for other in self._retired if other != name],
        )

    def uninstall(self, name: str) -> None:
        """Remove an app with all it kept."""
        self._switch({other: at for other, at in self._apps.items() if other != name})

    def retire(self) -> None:
        """Remove all apps with all they kept, at once, and keep their names: what a firmware update does."""
        self._switch({}, retired=list(dict.fromkeys((*self._retired, *self._apps))))

    def retired(self) -> list[str]:
        """Return the names of apps that a firmware update removed and nobody has put in again."""
        return list(self._retired)

    def forget_retired(self) -> None:
        """Forget those names."""
        self._switch(self._apps, retired=[])

    def settings(self, name: str) -> dict[str, bool]:
        """Return the settings of an app that were ever changed."""
        document = self._document(self._prefix(name) + "settings", {})
        return {str(key): value is True for key, value in document.items()}

    def set_setting(self, name: str, setting: str, *, value: bool) -> None:
        """Change one setting of an app."""
        self._write(self._prefix(name) + "settings", {**self.settings(name), setting: value})

    def record(self, name: str, record: str) -> bytes | None:
        """Return a record an app wrote, or None."""
        return self._flash.read(self._record_name(name, record))

    def set_record(self, name: str, record: str, data: bytes | None) -> None:
        """Write or remove (None) a record of an app."""
        sizes = self._record_sizes(name)
        if data is None:
            self._flash.remove(self._record_name(name, record))
            sizes.pop(record, None)
        else:
            self._flash.write(self._record_name(name, record), data)
            sizes[record] = len(data)

    def records(self, name: str) -> dict[str, bytes]:
        """Return all records an app wrote, by name."""
        prefix = self._prefix(name) + "data-"
        names = (entry for entry in self._flash.names() if entry.startswith(prefix))
        return {bytes.fromhex(entry[len(prefix) :]).decode(): self._flash.read(entry) or b"" for entry in names}

    def data_size(self, name: str) -> int:
        """Return how many bytes the records of an app take, with what each costs beside its bytes."""
        sizes = self._record_sizes(name)
        return sum(sizes.values()) + RECORD_OVERHEAD_BYTES * len(sizes)

    def restore(self, name: str, *, settings: dict[str, bool], records: dict[str, bytes]) -> None:
        """Put settings and records in place of all the app keeps, at once, and count that it was done."""
        number = self._next_number()
        self._flash.write(f"app.{number}.image", self.image(name))
        if settings:
            self._write(f"app.{number}.settings", settings)
        for record, data in records.items():
            self._flash.write(f"app.{number}.data-{record.encode().hex()}", data)
        apps = {other: number if other == name else at for other, at in self._apps.items()}
        self._switch(apps, {**self._restored, name: self.restored(name) + 1})

    def restored(self, name: str) -> int:
        """Return how many back-ups of an app were restored since the device was reset."""
        return self._restored.get(name, 0)

    def lock_image(self) -> bytes | None:
        """Return the picture on the lock screen, or None."""
        return self._flash.read(_IMAGE)

    def set_lock_image(self, raw: bytes | None) -> None:
        """Change the picture on the lock screen; None removes it."""
        if raw is None:
            self._flash.remove(_IMAGE)
        else:
            self._flash.write(_IMAGE, raw)

    def custom_ca(self) -> bytes | None:
        """Return the certificate authority the owner put in, or None."""
        return self._flash.read(_CUSTOM_CA)

    def set_custom_ca(self, raw: bytes | None) -> None:
        """Change the owner's certificate authority; None removes it."""
        if raw is None:
            self._flash.remove(_CUSTOM_CA)
        else:
            self._flash.write(_CUSTOM_CA, raw)

    def device_setting(self, name: str, default: int) -> int:
        """Return a setting of the device itself."""
        value = self._document(_DEVICE, {}).get(name, default)
        return value if isinstance(value, int) else default

    def set_device_setting(self, name: str, value: int) -> None:
        """Change a setting of the device itself."""
        self._write(_DEVICE, {**self._document(_DEVICE, {}), name: value})

    def erase(self) -> None:
        """Forget everything the owner put in: apps, data, settings, picture, CA. Vault and serial are not ours."""
        self._switch({}, {}, retired=[])
        for record in (_IMAGE, _DEVICE, _CUSTOM_CA):
            self._flash.remove(record)

    def _record_sizes(self, name: str) -> dict[str, int]:
        """Return the sizes of an app's records, read from flash once: they are asked for at every write."""
        number = self._apps.get(name, 0)
        if number not in self._sizes:
            self._sizes[number] = {record: len(data) for record, data in self.records(name).items()}
        return self._sizes[number]

    def _prefix(self, name: str) -> str:
        return f"app.{self._apps.get(name, 0)}."

    def _record_name(self, name: str, record: str) -> str:
        return f"{self._prefix(name)}data-{record.encode().hex()}"

    def _next_number(self) -> int:
        """Return a number no installation has and no record carries."""
        self._sweep()
        return max(self._apps.values(), default=0) + 1

    def _switch(
        self, apps: dict[str, int], restored: dict[str, int] | None = None, *, retired: list[str] | None = None
    ) -> None:
        restored = self._restored if restored is None else restored
        retired = self._retired if retired is None else retired
        document: dict[str, object] = {"installed": list(apps.items()), "restored": list(restored.items())}
        if retired:
            document["retired"] = retired
        self._write(_APPS, document)
        self._apps, self._restored, self._retired = apps, restored, retired
        self._sizes.clear()
        self._sweep()

    def _sweep(self) -> None:
        """Remove the records of installations that do not count."""
        alive = {str(number) for number in self._apps.values()}
        for record in self._flash.names():
            if record.startswith("app.") and record.split(".")[1] not in alive:
                self._flash.remove(record)

    def _numbers(self, pairs: Any) -> dict[str, int]:
        try:
            return {str(name): int(number) for name, number in pairs or ()}
        except (TypeError, ValueError):
            raise _damaged(_APPS) from None

    def _document(self, record: str, default: Any) -> Any:
        raw = self._flash.read(record)
        if raw is None:
            return default
        try:
            document = json.loads(raw)
        except ValueError:
            raise _damaged(record) from None
        if type(document) is not type(default):
            raise _damaged(record)
        return document

    def _write(self, record: str, document: object) -> None:
        self._flash.write(record, json.dumps(document, sort_keys=True).encode())


def _damaged(record: str) -> StateCorrupt:
    return StateCorrupt(f"the record {record} is damaged", remedy="restore a copy, or start afresh")
