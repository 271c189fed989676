"""The dispatch point: one APDU in, one answer out, whatever happens in between.

Here, and nowhere else on the device, exceptions become status words: a Reject is the answer it says; bytes that break
a protocol are answered with the status their error carries; anything unforeseen is 6F00, logged without data.
"""

from __future__ import annotations

import logging

from tallystick.device.hil import NormalLink
from tallystick.device.os.dashboard import Dashboard
from tallystick.device.os.lock import Lock
from tallystick.device.os.session import BootMode, Session
from tallystick.device.os.supervisor import Supervisor
from tallystick.device.os.task import Task
from tallystick.errors import RemoteProtocolError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.dashboard import CLA_COMMON, CLA_OS, DASHBOARD_NAME, AppAndVersion, CommonIns
from tallystick.wire.status import Reject, StatusWord
from tallystick.wire.world import Reply

_LOGGER = logging.getLogger(__name__)
_SUCCESS = StatusWord.SUCCESS.to_bytes(2, "big")
_FLAGS = b"\x02"
_HEADER_BYTES = 4
#: of class B0, with an app open
_SERVED = frozenset({CommonIns.APP_AND_VERSION, CommonIns.QUIT_APP, CommonIns.BOUNDARIES})


class Dispatcher:
    """Answers APDUs, one at a time."""

    def __init__(
        self,
        *,
        session: Session,
        lock: Lock,
        supervisor: Supervisor,
        dashboard: Dashboard,
        link: NormalLink,
        boundaries: bytes,
    ) -> None:
        #: what ``B0 F0`` is answered
        self._boundaries = boundaries
        self._session = session
        self._lock = lock
        self._supervisor = supervisor
        self._dashboard = dashboard
        self._link = link
        self._channel: int | None = None
        #: whose APDU the open app accepted last: what it has begun is that client's
        self._holder: int | None = None
        self._is_orphaned = False
        self._task: Task | None = None
        self._quit_after_answer = False

    def receive(self, channel: int, raw: bytes) -> None:
        """Take an APDU; its answer goes to the link, now or when the person has decided; none comes of a device that restarts."""
        if self._channel is not None:  # the Normal World may not send a second one
            self._link.send(Reply(channel, StatusWord.COMMAND_NOT_ACCEPTED.to_bytes(2, "big")))
            return
        if self._session.is_leaving:
            # clients ask at once what the device is now, and what it was would lead them astray: the plug ends this
            self._channel = channel
            return
        if self._session.is_locked and not self._dashboard.is_factory(raw):
            self._link.send(Reply(channel, StatusWord.LOCKED.to_bytes(2, "big")))
            return
        self._lock.used()
        self._channel = channel
        if len(raw) >= _HEADER_BYTES and raw[0] == CLA_COMMON:
            self._answer_common(channel, raw)
        else:
            self._task = self._session.scheduler.spawn(self._answer(channel, raw))

    def drop(self, channel: int) -> None:
        """Forget a channel: its request, what it was allowed, and what the app had begun for it."""
        self._dashboard.drop(channel)
        if channel == self._channel:
            self._holder = None
            self._supervisor.reset()
            self._give_up(StatusWord.COMMAND_NOT_ACCEPTED)
        elif channel == self._holder:
            self._holder = None
            self._is_orphaned = True
            self._reset_orphan()

    def abort(self) -> None:
        """End the request in hand and forget what was allowed: the device was locked."""
        self._dashboard.drop(None)
        self._holder = None
        self._supervisor.reset()
        if self._channel is not None:
            self._give_up(StatusWord.LOCKED)

    def _reset_orphan(self) -> None:
        """Let the app forget what it had begun for a client that left, unless another client is being served by it."""
        if self._is_orphaned and self._channel is None:
            self._is_orphaned = False
            if self._holder is None:
                self._supervisor.reset()

    def _give_up(self, status: StatusWord) -> None:
        if self._task is not None:
            self._task.cancel()
        self._reply(status.to_bytes(2, "big"))

    def _reply(self, raw: bytes) -> None:
        channel, self._channel, self._task = self._channel, None, None
        self._reset_orphan()
        if channel is not None:
            self._link.send(Reply(channel, raw))
        if self._quit_after_answer:
            self._quit_after_answer = False
            self._supervisor.close()

    async def _answer(self, channel: int, raw: bytes) -> None:
        try:
            answer = await self._carry_out(channel, raw)
        except Reject as reject:
            answer = reject.data + reject.status.to_bytes(2, "big")
        except RemoteProtocolError as error:
            answer = (error.status or StatusWord.TECHNICAL_PROBLEM).to_bytes(2, "big")
        except Exception as error:  # noqa: BLE001 -- the dispatch point: the device lives on
            _LOGGER.error("a command failed with %s", type(error).__name__)  # noqa: TRY400 -- a trace may hold data
            answer = StatusWord.TECHNICAL_PROBLEM.to_bytes(2, "big")
        self._reply(answer)

    async def _carry_out(self, channel: int, raw: bytes) -> bytes:
        if self._supervisor.app is not None and not self._dashboard.is_factory(raw):
            response = await self._supervisor.deliver(raw)
            if response.status == StatusWord.SUCCESS:
                self._holder = channel
            return response.data + response.status.to_bytes(2, "big")
        apdu = CommandApdu.lenient(raw)
        if apdu.cla != CLA_OS:
            raise Reject(StatusWord.CLA_NOT_SUPPORTED)
        return await self._dashboard.handle(apdu, channel) + _SUCCESS

    def _answer_common(self, channel: int, raw: bytes) -> None:
        """Answer the commands of class B0 that the OS serves with an app open too (wire-protocol C.1)."""
        ins, p1, p2 = raw[1], raw[2], raw[3]
        app = self._supervisor.app
        if app is not None and app.bundle is None and (p1 or p2 or ins not in _SERVED):
            # native apps bring answers of their own along, to certificates for one
            self._task = self._session.scheduler.spawn(self._answer(channel, raw))
        elif p1 or p2 or self._session.mode in {BootMode.BOOTLOADER, BootMode.UPGRADER}:
            self._reply(StatusWord.CLA_NOT_SUPPORTED.to_bytes(2, "big"))
        elif ins == CommonIns.APP_AND_VERSION:
            name, version = (app.name, app.version) if app else (DASHBOARD_NAME, self._session.identity.versions.os)
            self._reply(AppAndVersion(name=name, version=version, flags=_FLAGS).to_bytes() + _SUCCESS)
        elif ins == CommonIns.BOUNDARIES:
            self._reply(self._boundaries + _SUCCESS)
        elif ins == CommonIns.QUIT_APP:
            self._quit_after_answer = app is not None
            self._reply(_SUCCESS)
        else:
            self._reply(StatusWord.CLA_NOT_SUPPORTED.to_bytes(2, "big"))
