"""Records of apps that are not backed up: sealed in flash with a key of the seed, for one device, app and record.

Such an app keeps what must not be copied, and a private key of its own among it. So a copy of the flash alone, without PIN
or recovery words, does not show it, and a lock takes it away like any other key. The flash put back as a whole is another
matter: against that no seal helps.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.backup import BackupRefused, Label, seal, unseal
from tallystick.device.secure.keychain import Keychain
from tallystick.errors import StateCorrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSeal:
    """Seals and opens; both methods raise `keychain.Locked` while there is no seed, and leave other apps' records alone."""

    keychain: Keychain
    serial: str

    def close(self, app: InstalledApp, record: str, data: bytes) -> bytes:
        """Return what goes to flash."""
        if app.manifest.is_backed_up:
            return data
        return seal(self.keychain.backup_key(), self._label(app, record), data)

    def open(self, app: InstalledApp, record: str, raw: bytes) -> bytes:
        """Return what the app wrote; raise StateCorrupt for anything else."""
        if app.manifest.is_backed_up:
            return raw
        try:
            return unseal(self.keychain.backup_key(), self._label(app, record), raw)
        except BackupRefused:
            raise StateCorrupt(
                f"a record of {app.name} is damaged", remedy="remove the app and install it again"
            ) from None

    def _label(self, app: InstalledApp, record: str) -> Label:
        # no app has a name with a zero in it, so no back-up of an app is taken for a record, or a record for a back-up
        return Label(name=f"{app.name}\0{record}", serial=self.serial, generation=0)
