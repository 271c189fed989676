"""The power goes at each write of an install, a removal and a change of authority: the old device or the new one starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from channel_stage import AUTHORITY, Manager, native
from cut_stage import cuts, records

from tallystick.device.silicon.flash import MemoryFlash
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.loader import (
    DeleteApp,
    DeleteAppByHash,
    SetupCustomCertificate,
)

SOFTWARE = known_key("software")


def _install(manager: Manager) -> None:
    manager.install(native("New", version="3.0"), signed_by=SOFTWARE)


def _remove_by_name(manager: Manager) -> None:
    manager.send(DeleteApp(name="Old").to_bytes())


def _remove(manager: Manager) -> None:
    (app,) = (app for app in manager.device.board.system.session.registry.apps() if app.name == "Old")
    manager.send(DeleteAppByHash(full_hash=app.full_hash).to_bytes())


def _set_up(manager: Manager) -> None:
    manager.send(SetupCustomCertificate(name="Me", public_key=AUTHORITY.public_key).to_bytes())


CHANGES = {"install": _install, "remove by name": _remove_by_name, "remove by hash": _remove, "authority": _set_up}


def _device(flash: MemoryFlash | FaultyFlash) -> VirtualDevice:
    return VirtualDevice(flash=flash, apps=(), onboarded=False)


def _before() -> dict[str, bytes]:
    flash = MemoryFlash()
    device = VirtualDevice(flash=flash, apps=())
    manager = Manager(device)
    manager.open()
    manager.install(native("Old"), signed_by=SOFTWARE)
    device.close()
    return records(flash)


def _state(records: dict[str, bytes]) -> Any:
    device = _device(MemoryFlash(records))
    session = device.board.system.session
    apps = [(app.name, app.version, app.full_hash) for app in session.registry.apps()]
    seen = (apps, session.storage.custom_ca(), device.status["onboarded"], device.status["issuer_public_key"])
    device.close()
    return seen


def _run(flash: MemoryFlash | FaultyFlash, change: Callable[[Manager], None]) -> bool:
    """Start, open a channel, make the change; return whether the power held."""
    try:
        device = _device(flash)
        manager = Manager(device)
        manager.open()
        change(manager)
    except PowerCut:
        return False
    device.close()
    return True


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_cut_leaves_the_old_or_the_new_device(change: Callable[[Manager], None]) -> None:
    """Whatever the number of writes before the cut, no half of an app is ever there, and the change can be made again."""
    original = _before()
    done = MemoryFlash(original)
    assert _run(done, change)
    old, new = _state(original), _state(records(done))
    assert old != new
    for flash in cuts(original, lambda flash: _run(flash, change)):
        seen = _state(records(flash))
        assert seen in (old, new)
        if seen == old:
            assert _run(flash, change)
        assert sorted(flash.names()) == sorted(done.names()) or seen == new
