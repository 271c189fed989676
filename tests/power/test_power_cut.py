"""The power is cut after each single write: afterwards the old state or the new one, and the device starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tallystick.device import hil
from tallystick.device.secure.backoff import Backoff
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.testing.device import TEST_SEED, VirtualDevice
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.bundle import Bundle
from tallystick.wire.dashboard import HostOnboarding, Ins, request
from tallystick.wire.lock_image import LockImage

PIN, NEW_PIN = "4711", "20202020"
#: more writes than any of these changes makes
MANY = 60
KEEPER = """
from tallystick.app import App, start_with
class Keeper(App):
    async def handle(self, raw):
        if raw[1] == 1:
            await self.os.write("one", raw[4:])
            await self.os.set_setting("loud", True)
        if raw[1] == 2:
            await self.os.write("one", raw[4:])
        if raw[1] == 3:
            await self.os.set_setting("loud", False)
        return await self.os.read("one") or b""
start = start_with(Keeper)
"""
SETTINGS = [{"name": "loud", "label": "Loud"}]


def _bundle(version: str) -> Bundle:
    manifest = {"name": "Keeper", "version": version, "settings": SETTINGS}
    return Bundle.pack(json.dumps(manifest).encode(), {"app.py": KEEPER})


OLD, NEW = _bundle("1.0.0"), _bundle("2.0.0")


def start(flash: FaultyFlash | MemoryFlash, *, model: str = "nanosp") -> VirtualDevice:
    """Power on a device over what is in `flash`."""
    return VirtualDevice(flash=flash, model=model, apps=(), onboarded=False)


def unlock(device: VirtualDevice) -> str:
    """Enter whichever PIN opens the device; return it."""
    for pin in (PIN, NEW_PIN):
        if device.frame.scene != "pinentry":
            return ""
        device.user.enter_pin(pin)
        if device.status["unlocked"]:
            return pin
        device.user.dismiss()
    raise AssertionError("neither the old nor the new PIN opens the device")


def state(device: VirtualDevice) -> Any:
    """Return everything a person could tell the state by."""
    session = device.board.system.session
    apps = {
        app.name: (
            app.version,
            session.storage.settings(app.name),
            session.storage.records(app.name),
            session.storage.restored(app.name),
        )
        for app in session.registry.apps()
    }
    return (
        device.status["onboarded"],
        session.identity.name,
        device.serial,
        session.storage.lock_image(),
        device.board.system.lock.minutes,
        apps,
    )


Flash = dict[str, bytes]
Change = Callable[[VirtualDevice], None]


def _copy(flash: MemoryFlash) -> Flash:
    return {name: flash.read(name) or b"" for name in flash.names()}


def _kinds(flash: hil.Flash) -> set[str]:
    """Return what lies in the flash but for the chip: a record in two slots once, and an app's whatever its number."""
    parts = (
        name.removesuffix(".a").removesuffix(".b").split(".") for name in flash.names() if not name.startswith("chip.")
    )
    return {part[0] if len(part) == 1 else f"{part[0]}.{part[-1]}" for part in parts}


def _out_of_the_box() -> MemoryFlash:
    flash = MemoryFlash()
    start(flash).close()
    return flash


def _owned(model: str = "nanosp") -> MemoryFlash:
    """Return the flash of a device with a PIN, an app, and something in it."""
    flash = MemoryFlash()
    device = VirtualDevice(flash=flash, model=model, seed=TEST_SEED, pin=PIN, apps=[OLD])
    device.user.enter_pin(PIN)
    device.open("Keeper")
    assert device.exchange(b"\x80\x01\x00\x00precious").ok
    device.close()
    return flash


def _set_up_new(device: VirtualDevice) -> None:
    user = device.user
    user.choose("Restore from words")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    user.choose("12 words")
    for word in TEST_SEED.split():
        user.enter_word(word)


def _set_up_by_host(device: VirtualDevice) -> None:
    device.replug("right")
    message = HostOnboarding(pin=PIN.encode(), words=TEST_SEED.encode())
    assert device.exchange(request(Ins.HOST_ONBOARDING, data=message.to_bytes()).to_bytes()).ok


def _change_pin(device: VirtualDevice) -> None:
    user = device.user
    user.choose("Settings")
    user.choose("Change PIN")
    user.enter_pin(PIN)
    user.enter_pin(NEW_PIN)
    user.enter_pin(NEW_PIN)


def _rename(device: VirtualDevice) -> None:
    device.send(request(Ins.SET_DEVICE_NAME, data=b"Till").to_bytes())
    device.user.approve()


def _auto_lock(device: VirtualDevice) -> None:
    device.user.choose("Settings")
    device.user.choose("Auto-lock")
    device.user.choose("2 min")


def _write_record(device: VirtualDevice) -> None:
    device.open("Keeper")
    device.exchange(b"\x80\x02\x00\x00more precious")


def _set_setting(device: VirtualDevice) -> None:
    device.open("Keeper")
    device.exchange(b"\x80\x03\x00\x00")


def _install(device: VirtualDevice) -> None:
    device.install("cosmos")


def _update(device: VirtualDevice) -> None:
    device.install(NEW)


def _remove(device: VirtualDevice) -> None:
    device.board.system.session.registry.remove("Keeper")


def _reset(device: VirtualDevice) -> None:
    device.user.choose("Settings")
    device.user.choose("Reset device")
    device.user.approve()


def _restore(device: VirtualDevice) -> None:
    device.exchange(request(Ins.STORAGE_INFO, data=b"Keeper").to_bytes())
    backup = device.exchange(request(Ins.STORAGE_BACKUP).to_bytes()).data
    head = len(backup).to_bytes(4, "big") + b"Keeper"
    device.send(request(Ins.STORAGE_RESTORE_INIT, data=head).to_bytes())
    device.user.approve()
    assert device.exchange(request(Ins.STORAGE_RESTORE, data=backup).to_bytes()).ok
    assert device.exchange(request(Ins.STORAGE_RESTORE_COMMIT).to_bytes()).ok


CHANGES: dict[str, tuple[Callable[[], MemoryFlash], Change]] = {
    "set-up on the screen": (_out_of_the_box, _set_up_new),
    "set-up by the host": (_out_of_the_box, _set_up_by_host),
    "change of PIN": (_owned, _change_pin),
    "rename": (_owned, _rename),
    "auto-lock": (_owned, _auto_lock),
    "record of an app": (_owned, _write_record),
    "setting of an app": (_owned, _set_setting),
    "install": (_owned, _install),
    "update": (_owned, _update),
    "remove": (_owned, _remove),
    "reset": (_owned, _reset),
    "restore of app data": (_owned, _restore),
}


def _run(flash: FaultyFlash | MemoryFlash, change: Change, *, model: str = "nanosp") -> VirtualDevice | None:
    """Start a device and make the change; return None when the power went."""
    try:
        device = start(flash, model=model)
        unlock(device)
        change(device)
    except PowerCut:
        return None
    return device


def _seen(records: Flash, *, model: str = "nanosp") -> tuple[str, Any]:
    """Start a device over a copy of `records`, unlock it, use it; return the PIN that opened it and its state."""
    device = start(MemoryFlash(records), model=model)
    pin = unlock(device)
    assert device.exchange("B001000000").ok
    assert device.exchange("E001000000").ok
    seen = state(device)
    if "Keeper" in seen[-1] and device.status["onboarded"]:
        device.open("Keeper")
        kept = device.exchange("80000000").data
        assert kept == seen[-1]["Keeper"][2].get("one", b"")
    device.close()
    return pin, seen


@pytest.mark.parametrize(("before", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_cut_after_any_write_leaves_the_old_or_the_new_state(before: Callable[[], MemoryFlash], change: Change) -> None:
    """Every count of writes until the change is through: what starts afterwards is the device before or after it."""
    original = _copy(before())
    done = MemoryFlash(original)
    whole = _run(done, change)
    assert whole is not None
    whole.close()
    old, new = _seen(original), _seen(_copy(done))
    assert old != new or change is _restore
    cuts, found = 0, set()
    for cut in range(MANY):
        inner = MemoryFlash(original)
        if _run(FaultyFlash(inner, cut_after=cut), change) is not None:
            break
        cuts += 1
        seen = _seen(_copy(inner))
        assert seen in (old, new), f"a cut after {cut} writes left a state between"
        found.add(seen == new)
    else:
        raise AssertionError("the change never came to its end")
    assert cuts > 0
    assert False in found


@pytest.mark.parametrize(("before", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_change_can_be_made_after_a_cut(before: Callable[[], MemoryFlash], change: Change) -> None:
    """After a cut before its last write the change can be made again, and then stands; nothing useless is left in flash."""
    original = _copy(before())
    done = MemoryFlash(original)
    whole = _run(done, change)
    assert whole is not None
    whole.close()
    new = _seen(_copy(done))
    for cut in range(MANY):
        inner = MemoryFlash(original)
        if _run(FaultyFlash(inner, cut_after=cut), change) is not None:
            break
        again = MemoryFlash(_copy(inner))
        pin, seen = _seen(_copy(again))
        if (pin, seen) != new or change is _restore:
            device = _run(again, change)
            assert device is not None
            device.close()
        start(again).close()
        assert _seen(_copy(again))[1][:3] == new[1][:3]
        assert _kinds(again) == _kinds(done)


def test_cut_while_a_picture_is_stored_leaves_none_or_all_of_it() -> None:
    """The picture on the lock screen is one write."""
    original = _copy(_owned("stax"))
    raw = LockImage(width=400, height=672, bits=1, pixels=bytes(400 * 672 // 8)).to_bytes()

    def change(device: VirtualDevice) -> None:
        device.send(request(Ins.IMAGE_CREATE, data=len(raw).to_bytes(4, "big")).to_bytes())
        device.user.approve()
        for at in range(0, len(raw), 250):
            part = at.to_bytes(4, "big") + raw[at : at + 250]
            assert device.exchange(request(Ins.IMAGE_LOAD, data=part).to_bytes()).ok
        device.send(request(Ins.IMAGE_COMMIT).to_bytes())
        device.user.approve()

    for cut in range(MANY):
        inner = MemoryFlash(original)
        device = _run(FaultyFlash(inner, cut_after=cut), change, model="stax")
        assert inner.read("lock-image") == (None if device is None else raw)
        _seen(_copy(inner), model="stax")
        if device is not None:
            return
    raise AssertionError("the picture was never stored")


def test_cut_gives_no_free_try_of_the_pin() -> None:
    """A try is counted before it is made: cut at any write of it, three wrong PINs at most are ever compared."""
    original = _copy(_owned())
    for cut in range(1, 3):
        records, tries = original, 0
        while any(name.startswith("vault.") for name in records):
            inner = MemoryFlash(records)
            try:
                device = start(FaultyFlash(inner, cut_after=None))
                flash = device.flash
                assert isinstance(flash, FaultyFlash)
                flash.restore(cut_after=cut)
                device.user.enter_pin("9999")
            except PowerCut:
                pass
            tries += 1
            records = _copy(inner)
            assert tries <= 4
            if Backoff(flash=inner, clock=VirtualClock(), counter=None).failures() == 3:
                break
        assert tries == 3
        device = start(MemoryFlash(records))
        assert not device.status["onboarded"]


@pytest.mark.parametrize("cut", range(8))
def test_reset_by_wrong_pins_ends_at_the_next_start(cut: int) -> None:
    """However far the reset came when the power went, the next start ends it: nothing of the owner is left."""
    inner = MemoryFlash(_copy(_owned()))
    flash = FaultyFlash(inner)
    try:
        device = start(flash)
        for _ in range(2):
            device.user.enter_pin("9999")
            device.user.dismiss()
        flash.restore(cut_after=1 + cut)
        device.user.enter_pin("9999")
    except PowerCut:
        pass
    device = start(MemoryFlash(_copy(inner)))
    assert not device.status["onboarded"]
    assert _kinds(device.flash) == {"apps", "attestation", "model", "serial"}
    assert device.board.system.session.vault.tries_left == 3
    assert "Welcome" in device.screen
