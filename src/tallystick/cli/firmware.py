"""`tally firmware`: what the device runs, what it could run, and getting there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import click

from tallystick.cli.command import Lazy, LazyGroup
from tallystick.cli.follow import follow
from tallystick.cli.manager_target import ManagerCommand, connect_manager
from tallystick.cli.render import Report
from tallystick.cli.target import current_run

if TYPE_CHECKING:
    from tallystick.host.actions.firmware_plan import Plan, Reading

_TABLE = {
    "status": Lazy(target="tallystick.cli.firmware:status", summary="what the device runs and what comes next"),
    "update": Lazy(target="tallystick.cli.firmware:update", summary="bring it up to date, or go on with that"),
    "verify": Lazy(
        target="tallystick.cli.firmware_verify:verify", summary="check a release's signatures and hashes, offline"
    ),
}
_NEXT: Final = {
    "up_to_date": "nothing: it is up to date",
    "install_update": "install the update: tally firmware update",
    "flash_mcu": "go on with the update (MCU): tally firmware update",
    "install_final": "go on with the update (last step): tally firmware update",
    "wait": "wait: the device does the rest by itself",
}


@click.group(cls=LazyGroup, lazy=_TABLE)
def firmware() -> None:
    """Look at a device's firmware, update it, and check releases."""


@click.command(cls=ManagerCommand)
def status(manager_url: str) -> Report:
    """Tell what the device runs, whether its manager has something newer, and what comes next.

    Nothing is changed and nobody is asked. All of it comes from what the device says of itself, also in the middle of an
    update.
    """
    from tallystick.host.actions import firmware as actions

    run = current_run()
    session = run.connect()
    with contextlib.closing(connect_manager(run, session, manager_url)) as client:
        found = follow(run, actions.status(session, client))
    return _report("firmware.status", session.url, client.address.http, found)


@click.command(cls=ManagerCommand)
def update(manager_url: str) -> Report:
    """Bring the device's firmware up to date.

    Apps are removed on the way and can be installed again; the recovery words stay on the device. Wherever it is cut off, by
    cable, power, server or network, the same command goes on from there.
    """
    from tallystick.host.actions import firmware as actions

    run = current_run()
    session = run.connect()
    with contextlib.closing(connect_manager(run, session, manager_url)) as client:
        found = follow(run, actions.update(session, client))
    return _report("firmware.update", session.url, client.address.http, found)


def _report(schema: str, device: str, manager: str, plan: Plan) -> Report:
    data: dict[str, object] = {
        "device": device,
        "manager": manager,
        **_reading(plan.reading),
        "up_to_date": plan.is_up_to_date,
        "next": plan.step.value,
        "target_version": plan.final.version,
        "flashes_mcu": plan.flashes_mcu,
        "notes": plan.final.notes or None,
    }
    facts = [
        ("Device", device),
        ("Version", str(data["version"])),
        ("MCU version", str(data["mcu_version"] or "-")),
        ("Mode", str(data["mode"])),
        ("Newest", plan.final.version),
        ("Next", _NEXT[plan.step.value]),
    ]
    if plan.final.notes and not plan.is_up_to_date:
        facts.append(("Notes", "".join(one if one.isprintable() else " " for one in plan.final.notes)))
    return Report(schema=schema, data=data, facts=facts)


def _reading(reading: Reading) -> dict[str, object]:
    """Return what the device says of itself."""
    from tallystick.wire.version import BootloaderInfo

    if isinstance(reading, BootloaderInfo):
        return {
            "mode": "bootloader",
            "version": reading.se_version,
            "mcu_version": None,
            "bootloader_version": reading.version,
        }
    return {
        "mode": "updating" if reading.is_osu else "normal",
        "version": reading.version,
        "mcu_version": reading.mcu_version,
        "bootloader_version": reading.mcu_bootloader_version,
    }
