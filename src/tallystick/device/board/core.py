"""The core of every board: one system, what it runs on, and its power.

Boards differ in where the worlds live and how they are joined; the Secure World's own composition is here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tallystick.crypto import bip39
from tallystick.crypto.secret import Secret
from tallystick.device.hil import AppHost, Battery, Clock, Counter, Flash, KeyProvider, NormalLink, Rng
from tallystick.device.os.hardware import Hardware, Options
from tallystick.device.os.identity import Versions
from tallystick.device.os.pin import is_pin
from tallystick.device.os.session import BootMode
from tallystick.device.os.system import System
from tallystick.device.os.upgrade import FirmwareStore
from tallystick.device.secure.vault import COST, Cost, PinPolicy, Sealing
from tallystick.device.silicon.battery import MODELS_WITH_BATTERY, SimulatedBattery
from tallystick.device.silicon.provider import chip_in_flash
from tallystick.errors import UsageError
from tallystick.wire.bundle import Bundle
from tallystick.wire.events import Button, PanelEvent, ReplugEvent, TickerEvent
from tallystick.wire.image import AppImage
from tallystick.wire.model import MODELS
from tallystick.wire.panel import Frame
from tallystick.wire.world import Attention, FromNormal, Introduce, Status

#: the record that says which model the state belongs to
_MODEL = "model"
_MODES = {Button.LEFT: BootMode.BOOTLOADER, Button.RIGHT: BootMode.RECOVERY}


class DeviceCore:
    """One device, its clients behind `link`. Inputs: `receive` (the Normal World), `event` (the person), `advance` (time).

    Outputs: replies to `link`, frames and status to the callbacks. `on_unplug` disconnects the clients when the plug is
    pulled. `keys` and `counter` are the hardware's key and counters; without `keys` a chip in the flash stands in for them.
    `versions` is what the images that run say of themselves; `updates` is where firmware gathers on a board with slots.

    Raises UsageError when model, seed or PIN cannot be.
    """

    def __init__(
        self,
        *,
        model: str,
        flash: Flash,
        rng: Rng,
        clock: Clock,
        apps: AppHost,
        link: NormalLink,
        on_unplug: Callable[[], None],
        on_frame: Callable[[Frame], None] = lambda _frame: None,
        on_status: Callable[[dict[str, Any]], None] = lambda _status: None,
        expert: bool = False,
        cost: Cost = COST,
        pin_policy: PinPolicy = PinPolicy.LEDGER,
        keys: KeyProvider | None = None,
        counter: Counter | None = None,
        facts: dict[str, Any] | None = None,
        versions: Versions | None = None,
        updates: FirmwareStore | None = None,
    ) -> None:
        if model not in MODELS:
            raise UsageError(f"there is no model {model}", remedy=f"choose one of {', '.join(MODELS)}")
        self.on_frame = on_frame
        self.on_status = on_status
        #: the last screen; None before `power_on`
        self.frame: Frame | None = None
        self.status: dict[str, Any] = {}
        self.battery: Battery | None = SimulatedBattery() if model in MODELS_WITH_BATTERY else None
        if keys is None:
            keys = counter = chip_in_flash(flash, rng)
        self._link = link
        self._on_unplug = on_unplug
        self._hardware = Hardware(
            model=MODELS[model],
            flash=flash,
            rng=rng,
            clock=clock,
            panel=self,
            link=link,
            apps=apps,
            keys=keys,
            counter=counter,
            battery=self.battery,
            versions=versions,
            updates=updates,
        )
        self._check_model(flash, model)
        self._facts = dict(facts or {})
        self._expert = expert
        self._cost = cost
        self._pin_policy = pin_policy
        self._replug_wanted: Button | None = None
        #: restarts the device from its ROM on, after an update; a board whose code never changes restarts its system
        self.restart: Callable[[Button], None] = self._want_replug
        #: told after each input, when everything it caused has happened
        self.on_settled: Callable[[], None] = lambda: None
        self.system = self._new_system(BootMode.NORMAL)

    @staticmethod
    def _check_model(flash: Flash, model: str) -> None:
        """Refuse to run one model's state as another: sizes, versions and hashes would not fit."""
        stored = flash.read(_MODEL)
        if stored is None:
            flash.write(_MODEL, model.encode())
        elif stored != model.encode():
            name = stored.decode("ascii", "replace")
            raise UsageError(
                f"this state belongs to the model {name}", remedy=f"use --model {name}, or another --state"
            )

    def prepare(
        self, *, seed: str = "", pin: str = "", bundles: Iterable[Bundle] = (), images: Iterable[AppImage] = ()
    ) -> None:
        """Install `bundles` and `images` (of native apps), and make a marked test device of `seed` (BIP-39 words), before it is first powered on.

        Raises:
            UsageError: the words or the PIN cannot be, or the flash is full.

        """
        if pin and not is_pin(pin.encode()):
            raise UsageError("a PIN has 4 to 8 digits")
        sealing = self.system.session.vault.sealing
        if seed and self.system.session.is_onboarded and not sealing & Sealing.TEST:
            raise UsageError(
                "this state holds a device that was set up by a person: a seed given at start would overwrite it",
                remedy="choose another state directory, or --ephemeral",
            )
        if seed:
            defect = bip39.validate(seed)
            if defect is not None:
                raise UsageError(f"the seed cannot be used: {defect}", remedy="give 12, 18 or 24 BIP-39 words")
            self.system.provision(Secret(" ".join(seed.split()).encode()), Secret(pin.encode()))
            if pin:
                self.system.session.keychain.clear()
        registry = self.system.session.registry
        for bundle in bundles:
            found = registry.find(bundle.manifest.name)
            if found is None or found.bundle != bundle:  # the same one again keeps its data
                registry.install(bundle)
        for image in images:
            registry.put(registry.measure(image))

    def power_on(self, hold: Button = Button.NONE, *, sequence: int = 0) -> None:
        """Start the device, `hold` held while power comes; frames are numbered from `sequence` on."""
        if hold or sequence:
            self.system = self._new_system(_MODES.get(hold, BootMode.NORMAL), sequence=sequence)
        self.system.start()
        self.introduce()

    def introduce(self) -> None:
        """Tell the Normal World what the device is on USB: its model, or its model's bootloader."""
        session, model = self.system.session, self._hardware.model
        is_bootloader = session.mode is BootMode.BOOTLOADER
        product_id = model.bootloader_product_id if is_bootloader else model.product_id
        self._link.send(Introduce(product_id, session.identity.serial))

    def open_app(self, name: str) -> None:
        """Open an installed app, whatever the case of its name, as the person would.

        Raises:
            UsageError: it is not installed, or the device is locked or not set up.

        """
        apps = self.system.session.registry.apps()
        found = next((app for app in apps if app.name.lower() == name.lower()), None)
        if found is None:
            raise UsageError(f"the app {name} is not installed", remedy=f"add --app {name}")
        if self.system.session.keychain.is_empty:
            raise UsageError(
                "an app cannot be opened on a device that is locked or not set up", remedy="unlock it first"
            )
        self.system.open(found)
        self.run()

    def power_off(self) -> None:
        """Stop the device; its flash stays."""
        self.system.shutdown()

    def receive(self, message: FromNormal) -> None:
        """Take a message of the Normal World."""
        self.system.receive(message)
        self._settle()

    def events(self, events: Sequence[PanelEvent]) -> None:
        """Take what the person did at once; an app's own picture is told of gestures together, before the app goes on."""
        for event in events[:-1]:
            if isinstance(event, ReplugEvent | TickerEvent) or not self.system.session.display.has_canvas:
                self.event(event)
            else:
                self.system.session.display.gesture(event)
        self.event(events[-1])

    def event(self, event: PanelEvent) -> None:
        """Take what the person did."""
        if isinstance(event, ReplugEvent):
            self.replug(event.hold)
        elif isinstance(event, TickerEvent):
            self.system.supervisor.pictures.tick(event.action)
            self.system.run()
        else:
            self.system.gesture(event)
        self._settle()

    def advance(self) -> None:
        """Let timers that are due run."""
        self.system.advance()
        self._settle()

    def run(self) -> None:
        """Run what became ready by an app's request."""
        self.system.run()
        self._settle()

    def deadline_s(self) -> float | None:
        """Return when `advance` is wanted next, or None."""
        return self.system.deadline_s()

    def replug(self, hold: Button = Button.NONE) -> None:
        """Pull the plug and put it in again, holding a button: left is the bootloader, right is recovery mode."""
        sequence = self.system.session.display.sequence
        self._on_unplug()
        self.system.shutdown()
        self.system = self._new_system(_MODES.get(hold, BootMode.NORMAL), sequence=sequence)
        self.system.start()
        self.introduce()

    def show(self, frame: Frame) -> None:
        """Take a frame of the Secure World."""
        self.frame = frame
        self.on_frame(frame)

    def tell(self, status: dict[str, Any]) -> None:
        """Take the status of the Secure World."""
        self.status = status
        locked = status["onboarded"] and not status["unlocked"]
        self._link.send(Status(Attention.LOCKED if locked else Attention.READY))
        self.on_status(status)

    def _new_system(self, mode: BootMode, sequence: int = 0) -> System:
        options = Options(
            mode=mode, expert=self._expert, cost=self._cost, pin_policy=self._pin_policy, facts=self._facts
        )
        system = System(self._hardware, options, sequence=sequence)
        system.reset.replug = self._want_replug
        system.upgrade.restart = lambda hold: self.restart(hold)  # noqa: PLW0108 -- a board sets it later
        return system

    def _want_replug(self, hold: Button = Button.NONE) -> None:
        self._replug_wanted = hold

    def _settle(self) -> None:
        """Carry out a restart that the device itself asked for, once its own call has returned."""
        if self._replug_wanted is not None:
            hold, self._replug_wanted = self._replug_wanted, None
            self.replug(hold)
        ticker, supervisor = self.system.supervisor.pictures.ticker, self.system.supervisor
        if ticker.asked != ticker.done and supervisor.is_waiting:
            # after the frame that the step led to: whoever asked for it looks at the screen next
            ticker.done = ticker.asked
            self.tell({**self.status, "steps": ticker.done})
        self.on_settled()
