"""The power goes at each write of what is done with attestation keys: the old keys or the new ones are there, never a mixture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cut_stage import MANY, cuts, records
from endorsement_stage import commit, identified, set_up, start
from os_stage import PIN

from tallystick.device.os.reset import erase
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.testing.device import VirtualDevice
from tallystick.testing.flash import FaultyFlash, PowerCut

STAGED = "staged"


def _device(flash: MemoryFlash | FaultyFlash) -> VirtualDevice:
    device = VirtualDevice(flash=flash, apps=(), onboarded=False)
    if device.status["onboarded"] and not device.status["unlocked"]:
        device.user.enter_pin(PIN)
    return device


def _stage(device: VirtualDevice) -> None:
    start(identified(device), 1)


def _commit(device: VirtualDevice) -> None:
    session = device.board.system.session
    manager = identified(device)
    session.endorsement.staged()
    pending = commit(manager, b"a new certificate")
    manager.decide(pending, agree=True)
    assert pending.response.ok


def _reset(device: VirtualDevice) -> None:
    session = device.board.system.session
    erase(vault=session.vault, storage=session.storage, identity=session.identity, endorsement=session.endorsement)


def _change_pin(device: VirtualDevice) -> None:
    user = device.user
    user.choose("Settings")
    user.choose("Change PIN")
    user.enter_pin(PIN)
    user.enter_pin("1234")
    user.enter_pin("1234")


def _before(kind: str) -> dict[str, bytes]:
    """Return the flash of a device with keys, and with a pair staged over one of them if `kind` says so."""
    flash = MemoryFlash()
    device = VirtualDevice(flash=flash, apps=(), pin=PIN)
    device.user.enter_pin(PIN)
    if kind != "empty":
        set_up(device, 1, 2)
    if kind == STAGED:
        start(identified(device), 1)
    device.close()
    return records(flash)


CHANGES = {
    "first pair": ("empty", _stage),
    "second pair": ("keys", _stage),
    "staged over staged": (STAGED, _stage),
    "commit over a key": (STAGED, _commit),
}


def _state(records: dict[str, bytes]) -> Any:
    """Return what a device with this flash has, in terms of keys; starting it mends nothing that this looks at."""
    device = _device(MemoryFlash(records))
    keys = device.board.system.session.endorsement
    seen = [
        (keys.public_key(slot), keys.certificate(slot), keys.commits(slot)) if keys.has(slot) else None
        for slot in (1, 2)
    ]
    staged = keys._read().staged
    device.close()
    return seen, None if staged is None else (staged[0], staged[1].reveal())


def _run(flash: MemoryFlash | FaultyFlash, change: Callable[[VirtualDevice], None]) -> bool:
    """Start and make the change; return whether the power held."""
    try:
        device = _device(flash)
        change(device)
    except PowerCut:
        return False
    device.close()
    return True


@pytest.mark.parametrize(("kind", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_cut_leaves_the_old_or_the_new_keys(kind: str, change: Callable[[VirtualDevice], None]) -> None:
    """After a cut at any write slots and staged pair are all as before or all as afterwards, and the change can be made."""
    original = _before(kind)
    done = MemoryFlash(original)
    assert _run(done, change)
    old, new = _state(original), _state(records(done))
    assert old != new
    for flash in cuts(original, lambda flash: _run(flash, change)):
        seen = _state(records(flash))
        assert seen in (old, new)
        if seen == old:
            assert _run(flash, change)
            assert _state(records(flash)) == new


def test_reset_cut_anywhere_leaves_no_key_that_opens() -> None:
    """However far a reset came, the next start ends it and nothing of the keys is in the flash; before it, nothing changed."""
    original = _before(STAGED)
    old = _state(original)
    ended = 0
    for cut in range(MANY):
        flash = MemoryFlash(original)
        held = _run(FaultyFlash(flash, cut_after=cut), _reset)
        device = VirtualDevice(flash=flash, apps=(), onboarded=False)
        if device.status["onboarded"]:
            device.close()
            assert _state({name: flash.read(name) or b"" for name in flash.names()}) == old
            continue
        ended += 1
        assert flash.read("endorsement") is None
        assert flash.read("attestation") == original["attestation"]
        device.close()
        if held:
            break
    assert ended > 2


def test_change_of_the_pin_keeps_the_keys() -> None:
    """The keys are sealed beside the phrase and not by the PIN: another one changes nothing about them, cut or not."""
    original = _before(STAGED)
    flash = MemoryFlash(original)
    assert _run(flash, _change_pin)
    assert flash.read("endorsement") == original["endorsement"]
