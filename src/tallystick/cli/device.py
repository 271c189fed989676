"""`tally device`: which devices there are, what one says about itself, and its name."""

from __future__ import annotations

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.follow import follow
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.host.actions import device as actions
from tallystick.host.transport.discovery import Candidate
from tallystick.wire.dashboard import BootloaderInfo, SecureElementInfo, StateFlag
from tallystick.wire.model import by_target_id

_TABLE = {
    "info": Lazy(target="tallystick.cli.device:info", summary="what the device is and in which state"),
    "list": Lazy(target="tallystick.cli.device:list_devices", summary="every device that could be meant"),
    "check": Lazy(target="tallystick.cli.device_check:check", summary="whether it is genuine"),
    "attest": Lazy(target="tallystick.cli.device_attest:attest", summary="who it is, link by link, to show to others"),
    "rename": Lazy(target="tallystick.cli.device:rename", summary="give the device another name"),
    "create": Lazy(target="tallystick.cli.boot:create", summary="make a new device in a folder, with signed images"),
    "boot": Lazy(target="tallystick.cli.boot:boot_device", summary="check a device's boot chain, stage by stage"),
    "retire": Lazy(target="tallystick.cli.key_provider:retire", summary="free the TPM of a device that is not wanted"),
    "flash": Lazy(target="tallystick.cli.boot:flash", summary="put other signed images into a device that is off"),
    "selftest": Lazy(
        target="tallystick.cli.self_test:self_test", summary="whether anything gets out of its sandbox here"
    ),
}


@click.group(cls=LazyGroup, lazy=_TABLE)
def device() -> None:
    """List devices, look at one, check that it is genuine, give it a name."""


@click.command(cls=DeviceCommand)
def info() -> Report:
    """Tell what the device is and in which state. Nothing has to be allowed on the device."""
    run = current_run()
    report = follow(run, actions.info(run.connect()))
    walls = report.boundaries
    members: dict[str, object] = {
        "device": report.url,
        "name": report.name,
        "open_app": None if report.opened.is_dashboard else report.opened.name,
        "open_app_version": None if report.opened.is_dashboard else report.opened.version,
        "battery_percent": report.battery_percent,
        "worlds": None if walls is None else "isolated" if walls.is_isolated else "not isolated",
        "boundaries": None if walls is None else list(walls.missing),
        "key_provider": None if walls is None else walls.key_provider.name.lower(),
        **_version(report.version),
    }
    facts = [(label, _words(members[member])) for member, label in _LABELS.items() if members.get(member) is not None]
    return Report(schema="device.info", data=members, facts=facts)


@click.command("list", cls=DeviceCommand)
def list_devices() -> Report:
    """List every device that could be meant, in the order of preference. Finding none is not an error.

    Devices that `tally up` holds at other ports follow: they are meant only by their address, with --device.
    With --ble those that are heard over Bluetooth are listed too, which takes some seconds.
    """
    run = current_run()
    finder = run.finder()
    found = finder.candidates()
    found += [one for one in run.neighbours() if one.url not in {other.url for other in found}]
    found += finder.nearby() if run.is_ble else []
    return Report(
        schema="device.list",
        data={"devices": [_candidate(one) for one in found]},
        lines=() if found else ("No device: plug one in, or start one with `tally up`.",),
        headings=("URL", "MODEL", "PRODUCT", "SERIAL") if found else (),
        rows=[(one.url, one.model or "-", one.product or "-", one.serial or "-") for one in found],
    )


@click.command(cls=DeviceCommand)
@click.argument("name")
def rename(name: str) -> Report:
    """Give the device the name NAME (at most 20 bytes). It asks for a confirmation on its screen."""
    run = current_run()
    session = run.connect()
    current = follow(run, actions.rename(session, name))
    return Report(
        schema="device.rename",
        data={"device": session.url, "name": current},
        lines=(f"The device is now called {current}.",),
    )


#: the members that people are shown, and under which words
_LABELS = {
    "device": "Device",
    "name": "Name",
    "model": "Model",
    "target_id": "Target id",
    "mode": "Mode",
    "version": "OS version",
    "mcu_version": "MCU version",
    "bootloader_version": "Bootloader",
    "onboarded": "Set up",
    "unlocked": "Unlocked",
    "recovery_mode": "Recovery mode",
    "open_app": "Open app",
    "open_app_version": "App version",
    "battery_percent": "Battery %",
    "worlds": "Worlds",
    "boundaries": "Missing walls",
    "key_provider": "Key in",
}


def _version(version: SecureElementInfo | BootloaderInfo | None) -> dict[str, object]:
    """Return the members that come from ``E0 01``: all None when the open app or a lock kept the device from answering."""
    members: dict[str, object] = dict.fromkeys(
        (
            "model",
            "target_id",
            "mode",
            "version",
            "mcu_version",
            "bootloader_version",
            "onboarded",
            "unlocked",
            "recovery_mode",
        )
    )
    if version is None:
        return members
    is_bootloader = isinstance(version, BootloaderInfo)
    model = by_target_id((version.se_target_id or 0) if isinstance(version, BootloaderInfo) else version.target_id)
    members |= {
        "model": model.name if model else None,
        "target_id": f"{version.target_id:08x}",
        "mode": "bootloader" if is_bootloader else "normal",
    }
    if isinstance(version, BootloaderInfo):
        return members | {"version": version.se_version, "bootloader_version": version.version or None}
    members |= {
        "mode": "updating" if version.is_osu else "normal",
        "version": version.version,
        "mcu_version": version.mcu_version or None,
        "bootloader_version": version.mcu_bootloader_version,
    }
    # an app that answers in the OS's place sends no flags (cosmos-app 2): then nothing is known, rather than "no"
    if version.flags.raw:
        state = version.flags.state
        members |= {
            "onboarded": StateFlag.ONBOARDED in state,
            "unlocked": StateFlag.PIN_VALIDATED in state,
            "recovery_mode": StateFlag.RECOVERY_MODE in state,
        }
    return members


def _words(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(str(one) for one in value) or "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _candidate(one: Candidate) -> dict[str, object]:
    return {
        "url": one.url,
        "kind": one.kind,
        "model": one.model or None,
        "product": one.product or None,
        "serial": one.serial or None,
        "path": one.path or None,
    }
