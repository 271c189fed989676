"""Back to how the device left its factory: everything its owner put in goes, the serial number stays.

A reset is several writes. The first of them exhausts the tries of the PIN and the last one gives them back, so a device
that starts with no try left knows that a reset was cut off, and ends it before it does anything else.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.device.os.display.stack import Display, Level
from tallystick.device.os.identity import Identity
from tallystick.device.os.storage import Storage
from tallystick.device.secure.endorsement import EndorsementKeys
from tallystick.device.secure.keychain import Keychain
from tallystick.device.secure.vault import Vault
from tallystick.wire.screen import Notice, Tone


def erase(*, vault: Vault, storage: Storage, identity: Identity, endorsement: EndorsementKeys) -> None:
    """Erase phrase, PIN, attestation keys, apps, data, settings and name; cut off anywhere, it can be done again."""
    vault.wipe()
    endorsement.forget()
    storage.erase()
    identity.forget_name()
    vault.renew()


class Reset:
    """Resets one running device."""

    def __init__(
        self,
        *,
        vault: Vault,
        storage: Storage,
        identity: Identity,
        keychain: Keychain,
        endorsement: EndorsementKeys,
        display: Display,
    ) -> None:
        self._vault = vault
        self._storage = storage
        self._identity = identity
        self._keychain = keychain
        self._endorsement = endorsement
        self._display = display
        #: ends the open app
        self.close_app: Callable[[], None] = lambda: None
        #: told when everything is gone
        self.on_erased: Callable[[], None] = lambda: None
        #: pulls the plug and puts it in again: the board's business
        self.replug: Callable[[], None] = lambda: None

    def finish_interrupted(self) -> None:
        """End a reset that a power cut interrupted; to be called before anything else reads what is stored."""
        if self._vault.is_exhausted:
            self._erase_all()

    def carry_out(self) -> None:
        """Reset the device and start it again; the open app is ended first, so that it writes nothing afterwards."""
        self._erase()
        self.replug()

    async def after_wrong_pins(self) -> None:
        """Reset the device, tell the person why, and start it again."""
        limit = self._vault.limit
        self._erase()
        lines = (f"{'Three' if limit == 3 else limit} wrong PINs:", "device was reset")
        await self._display.ask(Notice(lines=lines, button="Continue", tone=Tone.FAILURE), level=Level.LOCK)
        self.replug()

    def _erase(self) -> None:
        self.close_app()
        self._keychain.clear()
        self._erase_all()
        self.on_erased()

    def _erase_all(self) -> None:
        erase(vault=self._vault, storage=self._storage, identity=self._identity, endorsement=self._endorsement)
