"""The lock: asked at power-on and after idle time, and on request; while it holds, keys are out of reach."""

from __future__ import annotations

import logging

from tallystick.device.hil import KeyRefused
from tallystick.device.os.display.stack import Level
from tallystick.device.os.fault import tell_fault, tell_refusal
from tallystick.device.os.pin import check_pin
from tallystick.device.os.reset import Reset
from tallystick.device.os.session import Session
from tallystick.device.os.task import Task, Timer
from tallystick.device.secure.vault import Sealing
from tallystick.errors import StateCorrupt, StateError

_LOGGER = logging.getLogger(__name__)
#: minutes without a gesture or a command after which a device with a PIN locks itself; 0 is never
DEFAULT_MINUTES = 10
CHOICES_MINUTES = (1, 2, 5, 10, 0)
SETTING = "auto-lock-minutes"


class Lock:
    """Locks and unlocks one device."""

    def __init__(self, session: Session, reset: Reset) -> None:
        self._session = session
        self._reset = reset
        self._task: Task | None = None
        self._timer: Timer | None = None
        self._last_use_s = 0.0

    @property
    def has_pin(self) -> bool:
        """Whether there is a PIN to lock with."""
        session = self._session
        return not session.vault.sealing & Sealing.NO_PIN and session.is_onboarded

    @property
    def minutes(self) -> int:
        """Minutes of idle time before the device locks itself; 0 is never."""
        stored = self._session.storage.device_setting(SETTING, DEFAULT_MINUTES)
        return stored if stored in CHOICES_MINUTES else DEFAULT_MINUTES

    @minutes.setter
    def minutes(self, minutes: int) -> None:
        self._session.storage.set_device_setting(SETTING, minutes)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.used()

    def engage(self) -> None:
        """Lock now, if there is a PIN, and ask for it."""
        if not self.has_pin or (self._task is not None and not self._task.finished):
            return
        self._session.keychain.clear()
        self._session.on_change()
        self._task = self._session.scheduler.spawn(self._unlock())

    def used(self) -> None:
        """Note a gesture or a command."""
        self._last_use_s = self._session.scheduler.clock.now_s()
        if self._timer is None and self.has_pin and self.minutes:
            self._timer = self._session.scheduler.call_at(self._last_use_s + self.minutes * 60, self._check_idle)

    async def _unlock(self) -> None:
        try:
            opened = await check_pin(self._session, level=Level.LOCK)
        except (StateCorrupt, KeyRefused) as error:  # no PIN opens it here, and none was compared
            _LOGGER.warning("the vault is refused: %s", error)
            await tell_refusal(self._session.display, error, level=Level.LOCK)
            self._session.scheduler.call_soon(self.engage)
            return
        except StateError as error:  # the try could not be counted: no PIN is compared, and it is asked for again
            _LOGGER.warning("no PIN can be tried: %s", error)
            await tell_fault(self._session.display, level=Level.LOCK)
            self._session.scheduler.call_soon(self.engage)
            return
        if opened is None:
            await self._after_wrong_pins()
            return
        self._session.keychain.fill(opened.phrase)
        opened.close()
        self.used()
        self._session.on_change()

    async def _after_wrong_pins(self) -> None:
        try:
            await self._reset.after_wrong_pins()
        except StateError as error:  # it is ended at the next start, and no PIN is tried until then
            _LOGGER.warning("the reset was cut off: %s", error)
            await tell_fault(self._session.display, level=Level.LOCK)
            self._session.scheduler.call_soon(self.engage)

    def _check_idle(self) -> None:
        self._timer = None
        if self._session.keychain.is_empty or not self.minutes:
            return
        due_s = self._last_use_s + self.minutes * 60
        if self._session.scheduler.clock.now_s() >= due_s:
            self.engage()
        else:
            self._timer = self._session.scheduler.call_at(due_s, self._check_idle)
