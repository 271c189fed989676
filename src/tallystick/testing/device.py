"""A whole device in the test's own process: no port, no thread, no waiting.

It is the embedded board with a clock that the test turns, repeatable randomness and flash in memory: equal tests see equal
devices, down to the serial number. Worlds are not isolated here; for that there are other boards.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from tallystick import apps as catalogue
from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.hil import Flash
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf
from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.vault import COST_TRIVIAL, PinPolicy
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import UsageError
from tallystick.host.session import Session
from tallystick.testing.automatic import Automatic, Player, Policy, approve_all
from tallystick.testing.client import DeviceClient, DirectTransport, Pending
from tallystick.testing.factory import provision
from tallystick.testing.host import EmbeddedHost
from tallystick.testing.log import ApduLog
from tallystick.testing.user import User
from tallystick.ui.automation import Automation
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.bundle import Bundle
from tallystick.wire.events import BUTTON_NAMES, Button, FingerEvent, PanelEvent
from tallystick.wire.image import AppImage
from tallystick.wire.install import InstallParameters
from tallystick.wire.panel import Action, Frame

#: the words of a device that nobody named others for: known to every test suite, and never those of a wallet
TEST_SEED = "test test test test test test test test test test test junk"
DEFAULT_MODEL = "nanosp"
DEFAULT_APPS = ("cosmos",)
#: an app: its name in the catalogue, a bundle, the image of a native app, or the path of its ELF file
App = str | Bundle | AppImage | Path


class VirtualDevice:
    """One device, powered on.

    `seed` are its recovery words and `pin` its PIN (none if empty; with one it starts locked); `onboarded` False leaves it
    as it comes out of its box. `apps` are names of the built-in catalogue, bundles, or ELF files of native apps, `open` the one of them that is open;
    `expert` starts their expert mode, `pin_policy` is what wrong PINs lead to. `deterministic_rng` numbers the repeatable stream of random bytes. `approve` approves
    everything, `automation` are rules (see `auto`). The names are those of `tally up`. A `flash` that holds a device
    already is used as it is, with its own seed and PIN. A fresh one gets the certificate of the factory of tests, whose keys
    everybody knows (`tallystick.testing.factory`); `provisioned` False leaves it without.

    Raises UsageError for a model, seed, PIN or app that cannot be.
    """

    def __init__(
        self,
        *,
        model: str = DEFAULT_MODEL,
        seed: str = TEST_SEED,
        pin: str = "",
        apps: Iterable[App] = DEFAULT_APPS,
        open: str = "",  # noqa: A002 -- the name it has on the command line and in the marker
        onboarded: bool = True,
        pin_policy: Literal["ledger", "backoff"] = "ledger",
        expert: bool = False,
        deterministic_rng: int = 0,
        approve: bool = False,
        automation: Automatic | None = None,
        flash: Flash | None = None,
        provisioned: bool = True,
    ) -> None:
        self.clock = VirtualClock()
        self.flash: Flash = MemoryFlash() if flash is None else flash
        self.apdu_log = ApduLog()
        self._player = Player(frame=lambda: self.frame, perform=self.perform, gesture=self._gesture)
        self._clients = 0
        self.board = EmbeddedBoard(
            model=model,
            flash=self.flash,
            rng=RepeatableRng(deterministic_rng),
            clock=self.clock,
            apps=EmbeddedHost(),
            expert=expert,
            pin_policy=PinPolicy[pin_policy.upper()],
            cost=COST_TRIVIAL,
            facts={"randomness": "repeatable"},
        )
        session = self.board.system.session
        if provisioned and not session.attestation.is_provisioned:
            provision(self._factory_exchange)
        if onboarded and not session.is_onboarded:
            self.board.prepare(seed=seed, pin=pin)
        present = {app.name.lower() for app in session.registry.apps()}
        wanted = [app for app in map(_app, apps) if _name(app).lower() not in present]
        self.board.prepare(
            bundles=[app for app in wanted if isinstance(app, Bundle)],
            images=[app for app in wanted if isinstance(app, AppImage)],
        )
        self.board.power_on()
        if open:
            self.open(open)
        if approve and automation is not None:
            raise UsageError("approve and automation exclude each other")
        self.auto = approve_all if approve else automation

    def __repr__(self) -> str:
        return f"<VirtualDevice {self.model} {self.serial}>"

    # what it is

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.board.system.session.identity.model.name

    @property
    def serial(self) -> str:
        """The serial number."""
        return self.board.system.session.identity.serial

    @property
    def status(self) -> dict[str, Any]:
        """Facts for people: model, serial, whether it is set up and unlocked, which app is open."""
        return dict(self.board.status)

    @property
    def frame(self) -> Frame:
        """The screen as it is now, with the gestures that lead on from it."""
        frame = self.board.frame
        if frame is None:
            raise UsageError("the device is off")
        return frame

    @property
    def screen(self) -> tuple[str, ...]:
        """The lines of text on the screen, from top to bottom."""
        return tuple(text for text in self.frame.drawing.texts() if text)

    def _factory_exchange(self, apdu: bytes) -> bytes:
        """Carry the factory's commands, by a client that is gone when the test begins."""
        client = DeviceClient(
            relay=self.board.relay, number=0, log=ApduLog(), settle=lambda: None, frame=lambda: self.frame
        )
        answer = client.exchange(apdu).to_bytes()
        client.close()
        return answer

    # clients

    def client(self) -> DeviceClient:
        """Return another client, with answers of its own."""
        self._clients += 1
        return DeviceClient(
            relay=self.board.relay,
            number=self._clients,
            log=self.apdu_log,
            settle=self._player.play,
            frame=lambda: self.frame,
        )

    @cached_property
    def _own_client(self) -> DeviceClient:
        return self.client()

    def exchange(self, apdu: bytes | str) -> ResponseApdu:
        """Send bytes or hexadecimal digits and return the answer, whatever its status word.

        Raises:
            PersonNeeded: the device asks the person and nobody answers; says what is on the screen.

        """
        return self._own_client.exchange(apdu)

    def send(self, apdu: bytes | str) -> Pending:
        """Send bytes or hexadecimal digits and return at once; the person may answer, then `Pending.response` is there."""
        return self._own_client.send(apdu)

    def transport(self) -> DirectTransport:
        """Return a new way to this device for the host library, to be wrapped or given to a `Session`."""
        return DirectTransport(self.client())

    @cached_property
    def session(self) -> Session:
        """A conversation of the host library with this device. Commands that wait for a person raise PersonNeeded at once."""
        return Session(self.transport(), clock=self.clock.now_s, pause=self.turn)

    # the person

    @cached_property
    def user(self) -> User:
        """The person at the device."""
        return User(self)

    @property
    def auto(self) -> Policy | Automation | None:
        """What answers in the person's place: `approve_all`, automation rules, or None for nobody.

        It takes a policy, an `Automation`, a document of rules, their path or JSON, and acts on the screen shown now, too.
        """
        return self._player.mode

    @auto.setter
    def auto(self, value: Automatic | None) -> None:
        self._player.use(value)

    def event(self, event: PanelEvent) -> None:
        """Make one gesture: a button or a finger going down or up."""
        self.board.event(event)
        self._player.play()

    def perform(self, action: Action) -> None:
        """Carry out one of the frame's actions; holding a finger turns the clock."""
        down, *up = action.gestures()
        self.board.event(down)
        if action.hold_s:
            self._pass(action.hold_s)
        for gesture in up:
            self.board.event(gesture)
        self._player.play()

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass on the device's clock, at once: timers that become due on the way run in their order."""
        self._pass(seconds)
        self._player.play()

    def replug(self, hold: str | Button | None = None) -> None:
        """Pull the plug and put it in again, holding a button ("left" starts the bootloader, "right" recovery mode).

        Clients lose their answers and connect again by themselves.
        """
        if isinstance(hold, str):
            if hold not in BUTTON_NAMES:
                raise UsageError(f"there is no button {hold}", remedy=f"choose one of {', '.join(BUTTON_NAMES)}")
            hold = BUTTON_NAMES[hold]
        self.board.replug(Button.NONE if hold is None else hold)
        self._player.play()

    # apps

    def install(self, app: App) -> InstalledApp:
        """Install an app, named from the catalogue, a bundle or an image, as the factory does: nobody is asked."""
        found = _app(app)
        if isinstance(found, Bundle):
            return self.board.system.install(found)
        registry = self.board.system.session.registry
        registry.put(installed := registry.measure(found))
        return installed

    def open(self, name: str) -> None:
        """Open an installed app as if the person had chosen it; an app that is open is closed first.

        Raises:
            UsageError: it is not installed, or the device is locked or not set up.

        """
        session = self.board.system.session
        found = next((app for app in session.registry.apps() if app.name.lower() == name.lower()), None)
        if found is None:
            raise UsageError(f"the app {name} is not installed", remedy=f'name it in apps=["{name}"]')
        if session.keychain.is_empty:
            raise UsageError(
                "an app cannot be opened on a device that is locked or not set up",
                remedy="unlock it with user.enter_pin(...) first",
            )
        self.board.system.open(found)
        self.board.run()
        self._player.play()

    def quit(self) -> None:
        """Close the app that is open, if one is."""
        self.board.system.supervisor.close()
        self.board.run()
        self._player.play()

    def close(self) -> None:
        """Pull the plug for good; the flash stays."""
        self._player.mode = None
        self.board.relay.unplug()
        self.board.power_off()

    # time

    def _pass(self, seconds: float) -> None:
        end_s = self.clock.now_s() + seconds
        while (due_s := self.board.deadline_s()) is not None and due_s <= end_s:
            self.clock.turn(max(due_s - self.clock.now_s(), 0.0))
            self.board.advance()
        self.clock.turn(max(end_s - self.clock.now_s(), 0.0))
        self.board.advance()

    def _gesture(self, event: PanelEvent) -> None:
        """Make a rule's gesture; a finger stays for as long as what it touches wants to be held."""
        before_s = self.board.deadline_s()
        self.board.event(event)
        due_s = self.board.deadline_s()
        if isinstance(event, FingerEvent) and event.pressed and due_s is not None and due_s != before_s:
            self._pass(max(due_s - self.clock.now_s(), 0.0))


@cache
def _built_in(name: str) -> Bundle:
    return catalogue.bundle(name)


def _app(app: App) -> Bundle | AppImage:
    """Return what is installed: packed once for a process when it comes from the catalogue, and read from an ELF file."""
    if isinstance(app, Path):
        return image_from_elf(Elf.from_bytes(app.read_bytes()))
    return _built_in(app.lower()) if isinstance(app, str) else app


def _name(app: Bundle | AppImage) -> str:
    return app.manifest.name if isinstance(app, Bundle) else InstallParameters.from_bytes(app.parameters).name
