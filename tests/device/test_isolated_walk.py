"""One device, changed in every way a person and a client can, and cut off at a random write of every change.

It lives on from what the cut left: each time the state before the change or the one after it, and never one between.
TALLYSTICK_KILLS says how many cuts; a long walk: TALLYSTICK_KILLS=1000 pytest tests/device/test_isolated_walk.py
"""

import hashlib
import os
import random
from dataclasses import dataclass, replace
from http.client import HTTPException

import pytest
from isolated_stage import Held, Panel, worlds
from process_stage import PATIENCE_S
from up_stage import receive
from walk_stage import Watcher

from tallystick.errors import UsageError
from tallystick.ui.approval import approving_action
from tallystick.wire.app_storage import RestoreRequest, StorageInfo
from tallystick.wire.dashboard import Ins, request
from tallystick.wire.lock_image import LockImage
from tallystick.wire.panel import Role

KILLS = int(os.environ.get("TALLYSTICK_KILLS", "12"))
PINS, NAMES, MINUTES = ("1234", "20202020"), ("Till", "Kasse"), ("2 min", "5 min")
DONE = b"\x90\x00"
_LAST = (Role.APPROVE, Role.SELECT)


def _picture(shade):
    return LockImage(width=400, height=672, bits=1, pixels=bytes((shade,)) * (400 * 672 // 8)).to_bytes()


PICTURES = (_picture(0x00), _picture(0x55))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything of the device that the walk changes; hashes as the device gives them."""

    pin: str
    minutes: str
    name: str
    picture: bytes
    expert: bytes


def other(pair, one):
    """Return the other one of two."""
    return pair[one == pair[0]]


def picture_hash(raw):
    """Return what the device answers when it is asked which picture it has."""
    return hashlib.sha256(raw).digest() + DONE


class Walker:
    """A running device, and the changes that can be made to it.

    A change takes the state, does all but its last act, and returns the state before that act, the one after it, and the act.
    """

    def __init__(self, device):
        self.device = device
        self.user = device.user
        self.link = device.connect()
        self.changes = (self.pin, self.minutes, self.name, self.picture, self.expert, self.restore)

    def ask(self, ins, data=b""):
        """Send a command of the OS and return its answer."""
        return self.device.exchange(request(ins, data=data).to_bytes(), self.link)

    def begin(self, ins, data=b""):
        """Send a command that asks the person, and go on to the screen where one act more says yes."""
        before = self.device.frame.sequence
        raw = request(ins, data=data).to_bytes()
        self.link.sendall(len(raw).to_bytes(4, "big") + raw)
        self.device.rest("GET", f"/screen?after={before}")
        while (action := approving_action(self.device.frame)).role not in _LAST:
            Panel(self.device).perform(action)

    def agree(self):
        """Say yes, and return the answer."""
        Panel(self.device).perform(approving_action(self.device.frame))
        return receive(self.link)

    def state(self, pins):
        """Unlock with one of `pins`, and return the state."""
        pin = self.unlock(pins)
        self.user.choose("Settings")
        texts = self.device.frame.drawing.texts()
        minutes = texts[texts.index("Auto-lock") + 1]
        self.user.choose("Back")
        return State(
            pin=pin,
            minutes=minutes,
            name=self.device.rest("GET", "/status")["name"],
            picture=self.ask(Ins.IMAGE_HASH),
            expert=self.contents(),
        )

    def contents(self):
        """Return the hash of what the app keeps."""
        return StorageInfo.from_bytes(self.ask(Ins.STORAGE_INFO, b"Cosmos").removesuffix(DONE)).content_hash

    def unlock(self, pins):
        """Enter the PINs until one opens the device, and return it."""
        for pin in pins:
            self.user.enter_pin(pin)
            if self.device.rest("GET", "/status")["unlocked"]:
                return pin
            self.user.dismiss()
        raise AssertionError("no PIN opens the device")

    def pin(self, state):
        """Change the PIN."""
        new = other(PINS, state.pin)
        self.user.choose("Settings")
        self.user.choose("Change PIN")
        self.user.enter_pin(state.pin)
        self.user.enter_pin(new)
        for digit in new:
            self.user._key((digit,))

        def act():
            self.user._key(("confirm",))
            assert "PIN changed" in self.device.screen
            self.user.dismiss()
            self.user.choose("Back")

        return state, replace(state, pin=new), act

    def minutes(self, state):
        """Choose after how long it locks itself."""
        new = other(MINUTES, state.minutes)
        self.user.choose("Settings")
        self.user.choose("Auto-lock")

        def act():
            self.user.choose(new)
            self.user.choose("Back")

        return state, replace(state, minutes=new), act

    def name(self, state):
        """Give the device another name."""
        new = other(NAMES, state.name)
        self.begin(Ins.SET_DEVICE_NAME, new.encode())
        return state, replace(state, name=new), self.finish

    def finish(self):
        """Say yes to what was asked last, and be told that it is done."""
        assert self.agree() == DONE

    def picture(self, state):
        """Put another picture on the lock screen."""
        raw = PICTURES[state.picture == picture_hash(PICTURES[0])]
        self.begin(Ins.IMAGE_CREATE, len(raw).to_bytes(4, "big"))
        self.finish()
        for at in range(0, len(raw), 250):
            assert self.ask(Ins.IMAGE_LOAD, at.to_bytes(4, "big") + raw[at : at + 250]) == DONE
        self.begin(Ins.IMAGE_COMMIT)
        return state, replace(state, picture=picture_hash(raw)), self.finish

    def expert(self, state):
        """Change a setting of the app."""
        self.user.choose("Cosmos")
        return state, replace(state, expert=other(EXPERT, state.expert)), self.toggle

    def toggle(self):
        """Change the setting in the menu of the app, and leave the app."""
        self.user.choose("Expert mode:")
        self.user.choose("Quit")

    def restore(self, state):
        """Change the setting of the app, and put the old one back from a back-up."""
        self.contents()
        backup = self.ask(Ins.STORAGE_BACKUP).removesuffix(DONE)
        old = self.expert(state)[1]
        self.toggle()
        self.begin(Ins.STORAGE_RESTORE_INIT, RestoreRequest(size_bytes=len(backup), name="Cosmos").to_bytes())
        self.finish()
        assert self.ask(Ins.STORAGE_RESTORE, backup) == DONE

        def act():
            assert self.ask(Ins.STORAGE_RESTORE_COMMIT) == DONE

        return old, state, act


def acted(act):
    """Do the last act; return whether it came to its end before the power went."""
    try:
        act()
    except (
        OSError,
        HTTPException,
        AssertionError,
        UsageError,
        ValueError,
    ):  # whatever a device says that dies in the midst of it
        return False
    return True


#: hashes of what the app keeps, with its setting off and on; filled when the device is made, whose key they need
EXPERT = []


@pytest.fixture(scope="module")
def folder(home, tmp_path_factory):
    """Make a device with a PIN, an app and a picture, and go through every change once without a cut."""
    folder = tmp_path_factory.mktemp("walk") / "device"
    options = ("--model", "stax", "--state", str(folder), "--app", "cosmos", "--pin", PINS[0])
    with Held(*options, env=home) as device:
        walker = Walker(device)
        walker.unlock(PINS)
        for _ in range(2):
            walker.user.choose("Cosmos")
            walker.toggle()
            EXPERT.append(walker.contents())
        for change in (walker.minutes, walker.name, walker.picture):
            change(State(pin="", minutes=MINUTES[1], name=NAMES[1], picture=b"", expert=b""))[2]()
        device.end()
    return folder


def hold(folder, home):
    """Start what is there, and hold it."""
    return Held("--model", "stax", "--state", str(folder), env=home, seed="")


def test_a_device_lives_through_cuts_at_any_write(home, folder):
    """Each change is cut off somewhere between its writes; what starts afterwards is the device before or after it."""
    chance, counts = random.Random(KILLS), []
    with hold(folder, home) as device:
        walker = Walker(device)
        state = walker.state(PINS)
        for change in walker.changes:
            _old, state_then, act = change(state)
            watcher = Watcher(folder)
            act()
            counts.append(watcher.stop())
            state = state_then
        device.end()
    assert all(counts)
    allowed, cut, new, found = {state}, "nothing", state, []
    for kill in range(KILLS + 1):
        with hold(folder, home) as device:
            walker = Walker(device)
            pins = sorted({one.pin for one in allowed}, key=lambda _pin: chance.random())
            state = walker.state(pins)
            assert state in allowed, f"a cut of {cut} left a state between"
            found.append(state == new)
            if kill == KILLS:
                break
            number = kill % len(counts)
            old, new, act = walker.changes[number](state)
            at, group = chance.randrange(counts[number] + 1), worlds(device)["silicon"]
            watcher = Watcher(folder, group=group, at=at, later_s=chance.uniform(0, 0.002))
            is_done = acted(act)
            watcher.stop()
            device.process.wait(PATIENCE_S)
        allowed, cut = {new} if is_done else {old, new}, walker.changes[number].__name__
    if 2 * len(counts) <= KILLS:  # else chance may have cut them all on one side
        assert set(found[1:]) == {False, True}
