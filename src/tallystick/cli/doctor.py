"""`tally doctor`: everything that a bug report needs, and nothing secret."""

from __future__ import annotations

import platform
import sys
from urllib.parse import urlsplit

import click
from platformdirs import user_config_dir

from tallystick import __version__
from tallystick.cli import machine
from tallystick.cli.command import DeviceCommand
from tallystick.cli.render import Report
from tallystick.cli.target import DEVICE_VARIABLE, PROXY_VARIABLES, Run, current_run
from tallystick.errors import TransportError, UsageError
from tallystick.host import udev
from tallystick.host.transport.discovery import Candidate, Finder
from tallystick.host.transport.hid import hidapi, may_open


@click.command(cls=DeviceCommand)
def doctor() -> Report:
    """Look at this machine and say what stands between it and a device. Nothing is sent to any device."""
    run = current_run()
    packages, tools = machine.packages(), machine.tools()
    environment = {name: run.environ.get(name) for name in (DEVICE_VARIABLE, *PROXY_VARIABLES)}
    devices, problems = _devices(run)
    hid, hid_problems = _hid()
    rule = udev.check() if sys.platform == "linux" else None
    problems += hid_problems
    if rule is not None and rule.state in {udev.RuleState.MISSING, udev.RuleState.OUTDATED}:
        problems.append(f"{rule.words} Devices on USB need it: run `tally udev install`.")
    data = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "config_dir": user_config_dir("tallystick"),
        "packages": packages,
        "tools": tools,
        "environment": environment,
        "hid": hid,
        "udev": rule.state.value if rule else None,
        "devices": [{"url": one.url, "access": access} for one, access in devices],
        "problems": problems,
    }
    facts = [
        ("tallystick", __version__),
        ("Python", f"{platform.python_version()} on {platform.platform()}"),
        ("Configuration", user_config_dir("tallystick")),
        *machine.package_words(packages),
        *machine.tool_words(tools),
        *((name, value) for name, value in environment.items() if value),
        ("HID through", hid or "nothing"),
        ("udev", rule.words if rule else "not on this system"),
        *(("Device", f"{one.url} {one.product} ({access})") for one, access in devices),
        *(("Problem", problem) for problem in problems),
        ("Verdict", f"{len(problems)} to look at" if problems else "nothing stands in the way"),
    ]
    return Report(schema="doctor", data=data, facts=facts)


def _devices(run: Run) -> tuple[list[tuple[Candidate, str]], list[str]]:
    """Return the devices with a word about access to each, and what is wrong with them or with the environment."""
    names = [name for name in PROXY_VARIABLES if run.environ.get(name)]
    problems = [f"{names[0]} is set alone: it counts only with the other one."] if len(names) == 1 else []
    try:
        finder = run.finder()
        found = finder.candidates()
        if run.address:
            problems += _problems_of(finder, run.address)
    except UsageError as error:
        return [], [*problems, f"{error.message}: {error.remedy}."]
    devices = [(one, _access(one)) for one in found]
    problems += [
        f"This user may not open {one.url}: run `tally udev install`, then plug it in again."
        for one, access in devices
        if access == "denied"
    ]
    if not (devices or run.address):
        problems.append("No device was found: plug one in, or start one with `tally up`.")
    return devices, problems


def _problems_of(finder: Finder, address: str) -> list[str]:
    """Return what is wrong with an address that was chosen; knock where it leads over the network."""
    try:
        finder.open(address).close()
    except (TransportError, UsageError) as error:
        return [f"{address}: {error.message}. {error.remedy}."]
    parts = urlsplit(address if "//" in address else address.replace(":", "://", 1))
    if parts.scheme == "hid" or parts.hostname is None:
        return []
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return (
        [] if finder.probe(parts.hostname, port) else [f"Nothing listens at {address}: start a device with `tally up`."]
    )


def _access(one: Candidate) -> str:
    if one.kind != "usb":
        return "open"
    allowed = may_open(one.path.encode())
    return "unknown" if allowed is None else "open" if allowed else "denied"


def _hid() -> tuple[str | None, list[str]]:
    try:
        return getattr(hidapi(), "__name__", "hid"), []
    except TransportError as error:
        return None, [f"{error.message}: {error.remedy}."]
