"""Commands ``E0 33`` and ``E0 34``: language packs (wire-protocol C).

Packs are signed by the vendor and made for its firmware; this OS takes none, so ``E0 30`` to ``32`` are unknown to it,
the list of packs is empty, and there is nothing to remove.
"""

from __future__ import annotations

from tallystick.device.os.consent import Handler
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.dashboard import Ins
from tallystick.wire.status import Reject, StatusWord

_ALL_PACKS = 0xFF


class Languages:
    """Answers for the packs there are not."""

    def __init__(self) -> None:
        self.handlers: dict[int, Handler] = {Ins.LANGUAGE_DELETE: self._delete, Ins.LANGUAGE_LIST: self._list}

    def drop(self, channel: int | None) -> None:
        """Forget nothing: nothing is kept."""

    async def _delete(self, apdu: CommandApdu, _channel: int) -> bytes:
        if apdu.p2:
            raise Reject(StatusWord.WRONG_P1P2)
        if apdu.p1 != _ALL_PACKS:
            raise Reject(StatusWord.LANGUAGE_ID_INVALID)
        return b""

    async def _list(self, apdu: CommandApdu, _channel: int) -> bytes:
        if apdu.p1 > 1 or apdu.p2:
            raise Reject(StatusWord.LANGUAGE_ARGUMENT_INVALID)
        return b""
