"""The dashboard as a person sees it: the apps to open, the settings, the lock."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from tallystick.device.os.fault import tell_fault
from tallystick.device.os.lock import CHOICES_MINUTES, Lock
from tallystick.device.os.pin import PinAbandoned, check_pin, choose_pin
from tallystick.device.os.registry import InstalledApp
from tallystick.device.os.reset import Reset
from tallystick.device.os.session import BootMode, Session
from tallystick.device.os.task import Promise, Task
from tallystick.device.os.upgrade import Upgrade
from tallystick.errors import StateError
from tallystick.wire.image import AppFlag
from tallystick.wire.screen import (
    Answer,
    Choice,
    Decided,
    Entry,
    Item,
    Menu,
    Notice,
    Review,
    ReviewKind,
    Scene,
    Selected,
    Tone,
)

_LOGGER = logging.getLogger(__name__)
Step = Callable[[], Awaitable[None]]


class Home:
    """The idle screen of the device while no app is open."""

    def __init__(
        self,
        *,
        session: Session,
        lock: Lock,
        reset: Reset,
        upgrade: Upgrade,
        open_app: Callable[[InstalledApp], None],
    ) -> None:
        self._session = session
        self._lock = lock
        self._reset = reset
        self._upgrade = upgrade
        self._open_app = open_app
        self._task: Task | None = None

    def show(self) -> None:
        """Show the dashboard."""
        if self._session.mode in {BootMode.BOOTLOADER, BootMode.UPGRADER}:
            self._show_update()
            return
        installed = self._session.registry.apps() if self._session.is_onboarded else []
        apps = [app for app in installed if not app.flags & AppFlag.NO_RUN]
        ready = "recovery mode" if self._session.mode is BootMode.RECOVERY else "is ready"
        entries = [Entry(self._session.identity.name, ready), *(Entry(app.name, app.version, app.icon) for app in apps)]
        retired = self._session.storage.retired() if self._session.is_onboarded else []
        if retired:
            entries.append(Entry("Reinstall apps", ", ".join(retired)))
        entries.append(Entry("Settings"))
        if self._lock.has_pin:
            entries.append(Entry("Lock device"))
        menu = Menu(title=self._session.identity.name, entries=tuple(entries), icon="device")

        def chosen(index: int) -> None:
            if 1 <= index <= len(apps):
                self._open_app(apps[index - 1])
            elif entries[index].label == "Reinstall apps":
                self._start(self._reinstall)
            elif entries[index].label == "Settings":
                self._start(self._settings)
            elif entries[index].label == "Lock device":
                self._lock.engage()

        self._session.display.idle(menu, chosen)

    def _show_update(self) -> None:
        """Show what the bootloader or the upgrader waits for, and the way out of an update."""
        is_bootloader = self._session.mode is BootMode.BOOTLOADER
        title, pending = "Bootloader" if is_bootloader else "Update", self._upgrade.pending
        if pending is None:
            self._session.display.idle(Menu(title=title, entries=(Entry(title),)), lambda _index: None)
            return
        entries = (Entry(f"{title} {pending.version}", "continue on your computer"), Entry("Cancel update"))

        def chosen(index: int) -> None:
            if index == 1:
                self._start(lambda: self._upgrade.ask_cancel(self._session.display, owner=self))

        self._session.display.idle(Menu(title=title, entries=entries), chosen)

    async def _reinstall(self) -> None:
        """Name the apps that an update removed; they come back one by one from the manager."""
        names = self._session.storage.retired()
        answer = await self._ask(Choice(lines=("Install again:", ", ".join(names)), options=("Back", "Forget list")))
        if isinstance(answer, Selected) and answer.index == 1:
            self._session.storage.forget_retired()

    def close_settings(self) -> None:
        """Leave the settings, wherever the person is in them: an app opens or the device locks."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _start(self, flow: Callable[[], Awaitable[None]]) -> None:
        if self._task is not None and not self._task.finished:
            return

        async def run() -> None:
            try:
                await flow()
            except StateError as error:
                _LOGGER.warning("a setting was not stored: %s", error)
                self._session.display.withdraw(self)
                await tell_fault(self._session.display, owner=self)
            finally:
                self._session.display.withdraw(self)
                self.show()

        self._task = self._session.scheduler.spawn(run())

    async def _settings(self) -> None:
        while True:
            rows: list[tuple[Entry, Step | None]] = [(Entry("Name", self._session.identity.name), None)]
            if self._lock.has_pin:
                minutes = self._lock.minutes
                rows.append((Entry("Auto-lock", f"{minutes} min" if minutes else "never"), self._choose_minutes))
                rows.append((Entry("Change PIN"), self._change_pin))
            rows.append((Entry("Reset device"), self._confirm_reset))
            rows.append((Entry("OS version", self._session.identity.versions.os), None))
            rows.append((Entry("Serial", self._session.identity.serial), None))
            entries = (*(entry for entry, _ in rows), Entry("Back"))
            answer = await self._ask(Menu(title="Settings", entries=entries, icon="settings"))
            index = answer.index if isinstance(answer, Selected) else len(rows)
            if index >= len(rows):
                return
            step = rows[index][1]
            if step is not None:
                await step()

    async def _choose_minutes(self) -> None:
        options = tuple(f"{minutes} min" if minutes else "never" for minutes in CHOICES_MINUTES)
        answer = await self._ask(Choice(lines=("Lock after",), options=options))
        if isinstance(answer, Selected):
            self._lock.minutes = CHOICES_MINUTES[answer.index]

    async def _change_pin(self) -> None:
        session = self._session
        try:
            opened = await check_pin(session, "Current PIN", owner=self)
        except PinAbandoned:
            return
        if opened is None:
            await self._reset.after_wrong_pins()
            return
        try:
            pin = await choose_pin(session.display, owner=self)
            try:
                session.vault.change_pin(opened, pin)
            finally:
                pin.wipe()
        finally:  # also when the device locks itself before a new PIN was chosen
            opened.close()
        await self._ask(Notice(lines=("PIN changed",), tone=Tone.SUCCESS))

    async def _confirm_reset(self) -> None:
        items = (Item("Erases", ("recovery phrase, PIN, apps and settings",)),)
        review = Review(
            items=items, kind=ReviewKind.OTHER, intro=("Reset", "device?"), approve="RESET", reject="CANCEL"
        )
        answer = await self._ask(review)
        if isinstance(answer, Decided) and answer.approved:
            self._reset.carry_out()

    def _ask(self, scene: Scene) -> Promise[Answer]:
        return self._session.display.ask(scene, owner=self)
