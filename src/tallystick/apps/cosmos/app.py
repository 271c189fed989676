"""The Cosmos app: three commands, a menu, one setting."""

from __future__ import annotations

from tallystick.app import App, Menu, Os, start_with

from . import screens
from .handlers import EXPERT_SETTING, VERSION, handle
from .session import Session


class CosmosApp(App):
    """Answers as the Cosmos app of version 2.38.13 does (cosmos-app 1)."""

    def __init__(self, os: Os) -> None:
        super().__init__(os)
        self._session = Session()
        self._entry = 0

    async def handle(self, raw: bytes) -> bytes:
        """Answer one APDU; raise Reject for any status but 9000."""
        return await handle(self.os, self._session, raw)

    async def menu(self) -> Menu:
        """Return the menu, with expert mode as it is now."""
        expert = await self.os.setting(EXPERT_SETTING)
        return screens.menu(version=".".join(map(str, VERSION)), expert=expert, start=self._entry)

    async def selected(self, index: int) -> None:
        """Toggle expert mode when its entry was chosen."""
        if index == screens.EXPERT_ENTRY:
            self._entry = index
            await self.os.set_setting(EXPERT_SETTING, not await self.os.setting(EXPERT_SETTING))

    def reset(self) -> None:
        """Forget a signing whose client is gone."""
        self._session.reset()


start = start_with(CosmosApp)
