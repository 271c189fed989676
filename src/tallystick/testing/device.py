"""A whole device in the test's own process: no port, no thread, no waiting.

It is the embedded board with a clock that the test turns, repeatable randomness and flash in memory: equal tests see equal
devices, down to the serial number. Worlds are not isolated here; for that there are other boards.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

from tallystick.device.board.embedded import EmbeddedBoard
from tallystick.device.hil import Flash
from tallystick.device.os.registry import InstalledApp
from tallystick.device.secure.vault import COST_TRIVIAL, PinPolicy
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import UsageError
from tallystick.host.session import Session
from tallystick.testing.automatic import Automatic, Player, Policy, approve_all
from tallystick.testing.client import DeviceClient, DirectTransport, Pending
from tallystick.testing.hand import Hand
from tallystick.testing.host import EmbeddedHost
from tallystick.testing.log import ApduLog
from tallystick.testing.outfit import App, add_apps, certify, frame_of, install
from tallystick.testing.user import User
from tallystick.ui.automation import Automation
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.events import BUTTON_NAMES, Button, PanelEvent
from tallystick.wire.panel import Action, Frame

#: the words of a device that nobody named others for: known to every test suite, and never those of a wallet
TEST_SEED = "test test test test test test test test test test test junk"
DEFAULT_MODEL = "nanosp"
DEFAULT_APPS = ("cosmos",)


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
        self._hand = Hand(self.board, self.clock)
        self._player = Player(frame=lambda: self.frame, perform=self.perform, gesture=self._hand.touch)
        session = self.board.system.session
        if provisioned and not session.attestation.is_provisioned:
            certify(self.board)
        if onboarded and not session.is_onboarded:
            self.board.prepare(seed=seed, pin=pin)
        add_apps(self.board, apps)
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
        return frame_of(self.board)

    @property
    def screen(self) -> tuple[str, ...]:
        """The lines of text on the screen, from top to bottom."""
        return tuple(text for text in self.frame.drawing.texts() if text)

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
        self._hand.perform(action)
        self._player.play()

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass on the device's clock, at once: timers that become due on the way run in their order."""
        self._hand.turn(seconds)
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
        return install(self.board, app)

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
