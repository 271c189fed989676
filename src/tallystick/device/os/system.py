"""The system: all parts of the OS put together, with three inputs (messages, gestures, time) and nothing else."""

from __future__ import annotations

import logging
from typing import Any

from tallystick.crypto.secret import Secret
from tallystick.device.os.dashboard import Dashboard
from tallystick.device.os.dispatch import Dispatcher
from tallystick.device.os.display import layout_for
from tallystick.device.os.display.stack import Display
from tallystick.device.os.hardware import Hardware, Options
from tallystick.device.os.home import Home
from tallystick.device.os.identity import Identity
from tallystick.device.os.lock import Lock
from tallystick.device.os.onboarding import onboard, seal
from tallystick.device.os.registry import InstalledApp, Registry
from tallystick.device.os.reset import Reset
from tallystick.device.os.session import BootMode, Session
from tallystick.device.os.storage import Storage
from tallystick.device.os.supervisor import Supervisor
from tallystick.device.os.syscalls import Syscalls
from tallystick.device.os.task import Scheduler
from tallystick.device.os.upgrade import Upgrade, finish_update, mode_of
from tallystick.device.secure.attestation import Attestation
from tallystick.device.secure.endorsement import EndorsementKeys
from tallystick.device.secure.keychain import Keychain
from tallystick.device.secure.vault import Sealing
from tallystick.wire.boundaries import Boundaries
from tallystick.wire.bundle import Bundle
from tallystick.wire.events import Gesture
from tallystick.wire.screen import Notice, Tone
from tallystick.wire.syscall import DeviceInfo
from tallystick.wire.world import Apdu, DeviceReport, FromNormal, Hello, HostReport, Link, LinkState, Log

_LOGGER = logging.getLogger(__name__)


class System:
    """One device, from power-on to power-off. Call `run` after any of the inputs; `deadline_s` says when to wake it."""

    def __init__(self, hardware: Hardware, options: Options, *, sequence: int = 0) -> None:
        self._hardware = hardware
        self._options = options
        self.scheduler = Scheduler(hardware.clock)
        display = Display(model=hardware.model, scheduler=self.scheduler, panel=hardware.panel, sequence=sequence)
        storage = Storage(hardware.flash)
        pending = None if hardware.updates is None else hardware.updates.pending
        identity = Identity(
            model=hardware.model, flash=hardware.flash, rng=hardware.rng, versions=hardware.versions_told(pending)
        )
        keychain, vault = Keychain(), hardware.vault(options)
        endorsement = EndorsementKeys(flash=hardware.flash, rng=hardware.rng, keychain=keychain, serial=identity.serial)
        self.reset = Reset(
            vault=vault,
            storage=storage,
            identity=identity,
            keychain=keychain,
            endorsement=endorsement,
            display=display,
        )
        self.reset.finish_interrupted()
        self.session = Session(
            mode=mode_of(pending, options.mode),
            identity=identity,
            attestation=Attestation(flash=hardware.flash, rng=hardware.rng),
            endorsement=endorsement,
            scheduler=self.scheduler,
            display=display,
            vault=vault,
            keychain=keychain,
            storage=storage,
            registry=Registry(storage=storage, model=hardware.model, os_version=identity.versions.os),
            rng=hardware.rng,
            on_change=self._tell,
        )
        self.upgrade = Upgrade(self.session, hardware.updates, pending=pending)
        syscalls = Syscalls(
            keychain=keychain,
            endorsement=endorsement,
            storage=storage,
            rng=hardware.rng,
            clock=hardware.clock,
            serial=identity.serial,
            expert=options.expert,
        )
        self.supervisor = Supervisor(host=hardware.apps, scheduler=self.scheduler, display=display, syscalls=syscalls)
        self.supervisor.on_closed = self._app_closed
        self.supervisor.on_report = lambda raw: hardware.link.send(DeviceReport(raw))
        self.supervisor.find = self.session.registry.find
        self.reset.close_app = self.supervisor.close
        self.reset.on_erased = self._tell
        self.lock = Lock(self.session, self.reset)
        self.home = Home(
            session=self.session, lock=self.lock, reset=self.reset, upgrade=self.upgrade, open_app=self.open
        )
        self.dashboard = Dashboard(
            session=self.session,
            battery=hardware.battery,
            upgrade=self.upgrade,
            open_app=self.open,
            runs_native=hardware.apps.runs_native,
        )
        self.dispatcher = Dispatcher(
            session=self.session,
            lock=self.lock,
            supervisor=self.supervisor,
            dashboard=self.dashboard,
            link=hardware.link,
            boundaries=Boundaries.of_facts(options.facts).to_bytes(),
        )
        display.on_gesture = self.lock.used
        self._was_locked = False
        self._shown = self._face()

    def start(self) -> None:
        """Power on: unlock, or ask for the PIN, or begin set-up."""
        session = self.session
        self.home.show()
        if session.mode is BootMode.BOOTLOADER:
            pass
        elif not session.is_onboarded:
            if session.mode is BootMode.NORMAL:
                self.scheduler.spawn(self._onboard())
        elif session.vault.sealing & Sealing.NO_PIN:
            opened = session.vault.open(Secret(b""))
            session.keychain.fill(opened.phrase)
            opened.close()
        else:
            self.lock.engage()
        self._tell()
        self.scheduler.run()

    def receive(self, message: FromNormal) -> None:
        """Take a message of the Normal World."""
        match message:
            case Apdu(channel, raw):
                self.dispatcher.receive(channel, raw)
            case Link(channel, state):
                if state is not LinkState.UP:
                    self.dispatcher.drop(channel)
            case Log(level, text):
                _LOGGER.log(min(level, logging.ERROR), "normal world: %s", text)
            case HostReport(raw):
                if not self.session.is_locked:
                    self.supervisor.report(raw)
            case Hello():
                pass
        self.scheduler.run()

    def gesture(self, gesture: Gesture) -> None:
        """Take a gesture of the person."""
        self.session.display.gesture(gesture)
        self.scheduler.run()

    def advance(self) -> None:
        """Let timers that are due run."""
        self.scheduler.advance()

    def run(self) -> None:
        """Run what became ready outside these inputs (an app's request)."""
        self.scheduler.run()

    def deadline_s(self) -> float | None:
        """Return when `advance` is wanted next, or None."""
        return self.scheduler.deadline_s()

    def shutdown(self) -> None:
        """Power off: apps end, keys go."""
        self.supervisor.on_closed = lambda _app, _reason: None
        self.supervisor.close()
        self.session.keychain.clear()

    def install(self, bundle: Bundle) -> InstalledApp:
        """Install an app as the factory does, without the person."""
        app = self.session.registry.install(bundle)
        if self.supervisor.app is None:
            self.home.show()
            self.scheduler.run()
        return app

    def provision(self, phrase: Secret, pin: Secret) -> None:
        """Put a known phrase in: a marked test device; an empty PIN is none."""
        sealing = Sealing.TEST | (Sealing.NO_PIN if not pin else Sealing.NONE)
        seal(self.session, phrase, pin, sealing)

    def open(self, app: InstalledApp) -> None:
        """Open `app`; where native code does not run, the screen names what to install."""
        self.home.close_settings()
        if app.bundle is None and not self._hardware.apps.runs_native:
            notice = Notice(lines=(f"{app.name} needs the", "extra", "tallystick[native]"), tone=Tone.FAILURE)
            self.session.display.ask(notice)
            return
        self.dashboard.drop(None)
        layout = layout_for(self._hardware.model)
        identity, attestation = self.session.identity, self.session.attestation
        info = DeviceInfo(
            model=identity.model.name,
            target_id=identity.model.target_id,
            os_version=identity.versions.os,
            mcu_version=identity.versions.mcu,
            touch=identity.model.touch,
            page_width=layout.page_width,
            test_device=bool(self.session.vault.sealing & Sealing.TEST),
            issuer=attestation.factory.issuer_public_key if attestation.is_provisioned else b"",
        )
        self.supervisor.open(app, info)
        self._tell()

    def finish_update(self) -> None:
        """Note that the release that runs has reached READY; if it came by an update, that one is over now."""
        updates = self._hardware.updates
        if updates is not None and finish_update(updates, self.session.registry):
            self._tell()
            self.scheduler.run()

    def status(self) -> dict[str, Any]:
        """Return facts for people: nothing secret."""
        session, app = self.session, self.supervisor.app
        attestation = session.attestation
        issuer = attestation.factory.issuer_public_key.hex() if attestation.is_provisioned else None
        return {
            "model": session.identity.model.name,
            "name": session.identity.name,
            "serial": session.identity.serial,
            "version": session.identity.versions.os,
            "mode": session.mode.value,
            "onboarded": session.is_onboarded,
            "unlocked": not session.keychain.is_empty,
            "test_device": bool(session.vault.sealing & Sealing.TEST),
            "app": app.name if app else None,
            "issuer_public_key": issuer,
            **self._options.facts,
        }

    async def _onboard(self) -> None:
        await onboard(self.session)
        self.home.show()

    def _app_closed(self, app: InstalledApp, reason: str) -> None:
        self.home.show()
        if reason:
            notice = Notice(lines=(app.name, "stopped working"), tone=Tone.FAILURE)
            self.session.display.ask(notice)
        self._tell()

    def _tell(self) -> None:
        locked = self.session.is_locked
        if locked and not self._was_locked:
            self.dispatcher.abort()
            self.home.close_settings()
        self._was_locked = locked
        if self._shown != self._face():
            self._shown = self._face()
            if self.supervisor.app is None:
                self.home.show()
        self._hardware.panel.tell(self.status())

    def _face(self) -> tuple[object, ...]:
        """Return what the dashboard's menu shows of the device's state."""
        apps = tuple((app.name, app.version) for app in self.session.registry.apps())
        return self.session.identity.name, self.lock.has_pin, apps, self.session.storage.retired()
