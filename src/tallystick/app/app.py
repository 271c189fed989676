"""The base class of Python apps: answers APDUs, keeps its menu, forgets when the client goes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from tallystick.app.os import Os
from tallystick.errors import RemoteProtocolError
from tallystick.wire.screen import Entry, Menu
from tallystick.wire.status import Reject, StatusWord
from tallystick.wire.syscall import (
    ApduEvent,
    CallStatus,
    DeviceInfo,
    MenuEvent,
    Request,
    ResetEvent,
    Response,
    SyscallError,
)

#: what an app's entry returns: a coroutine that yields requests and is sent outcomes
Program = Coroutine[Request, Any, None]
Start = Callable[[DeviceInfo], Program]

_STATUS_OF = {
    CallStatus.LOCKED: StatusWord.LOCKED,
    CallStatus.NOT_PERMITTED: StatusWord.SECURITY_STATUS_NOT_SATISFIED,
    CallStatus.EMPTY: StatusWord.CONDITIONS_NOT_SATISFIED,
}


class App:
    """One app. Override `handle`, and `menu`, `selected`, `reset`, `started` where the app needs them."""

    def __init__(self, os: Os) -> None:
        self.os = os

    async def handle(self, raw: bytes) -> bytes:
        """Answer one APDU, given as it arrived; return the data of a 9000, or raise Reject for any other status."""
        del raw
        raise Reject(StatusWord.INS_NOT_SUPPORTED)

    async def started(self) -> None:
        """Run once, before the first APDU."""

    async def menu(self) -> Menu:
        """Return the idle menu; its last entry is Quit, which the OS carries out."""
        return Menu(title=type(self).__name__, entries=(Entry(type(self).__name__, "is ready"), Entry("Quit")))

    async def selected(self, index: int) -> None:
        """React to the choice of a menu entry (never Quit)."""

    def reset(self) -> None:
        """Forget what the client that went away had begun."""

    async def run(self) -> None:
        """Serve for ever: the program the OS drives."""
        await self.started()
        await self.os.idle(await self.menu())
        response: Response | None = None
        while True:
            event = await self.os.exchange(response)
            response = None
            match event:
                case ApduEvent(raw):
                    response = await self._answer(raw)
                case MenuEvent(index):
                    await self.selected(index)
                    await self.os.idle(await self.menu())
                case ResetEvent():
                    self.reset()

    async def _answer(self, raw: bytes) -> Response | None:
        try:
            return Response(await self.handle(raw), StatusWord.SUCCESS)
        except Reject as reject:
            return Response(reject.data, reject.status)
        except RemoteProtocolError as error:
            return Response(b"", error.status)
        except SyscallError as error:
            self.reset()
            if error.status is CallStatus.ABORTED:
                return None
            return Response(b"", _STATUS_OF.get(error.status, StatusWord.TECHNICAL_PROBLEM))


def start_with(app: type[App]) -> Start:
    """Return the entry of a bundle whose app is `app`."""

    def start(device: DeviceInfo) -> Program:
        return app(Os(device)).run()

    return start
