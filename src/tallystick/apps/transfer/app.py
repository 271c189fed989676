"""The app as the OS runs it: one exchange in memory, and a menu that says where the key is."""

from __future__ import annotations

from tallystick.app import App, Menu, Os, Reject, start_with

from . import key, screens
from .exchange import Exchange
from .handlers import VERSION, handle


class TransferApp(App):
    """Answers as the published key transfer app does, with the stricter rules of attestation 6."""

    def __init__(self, os: Os) -> None:
        super().__init__(os)
        self._exchange = Exchange()
        self._shown = ""

    async def handle(self, raw: bytes) -> bytes:
        """Answer one APDU; raise Reject for any status but 9000."""
        answer = await handle(self.os, self._exchange, raw)
        shown = self._shown
        menu = await self.menu()
        if self._shown != shown:
            await self.os.idle(menu)
        return answer

    async def menu(self) -> Menu:
        """Return the menu, with the key as it is now."""
        try:
            held = await key.load(self.os)
        except Reject:
            held = None
        self._shown = screens.state(held)
        return screens.menu(self._shown, version=VERSION)

    def reset(self) -> None:
        """Forget an exchange whose client is gone."""
        self._exchange.wipe()


start = start_with(TransferApp)
