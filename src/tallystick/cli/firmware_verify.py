"""`tally firmware verify`: a release in a folder, checked as the boot will check it, beside what a device runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tallystick.cli.command import DeviceCommand
from tallystick.cli.exit import ExitCode
from tallystick.cli.follow import follow
from tallystick.cli.provision import key_hash, read_artefacts
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.errors import TransportError, UsageError

if TYPE_CHECKING:
    from tallystick.device.boot.explain import Stage

_FOLDER = click.Path(file_okay=False, path_type=Path)
_WORDS: Final = {
    "newer": "newer than what the device runs: it may be installed",
    "same": "what the device says it runs",
    "older": "older than what the device runs: it is refused",
    "unknown": "the device does not say what it runs",
}


@click.command(cls=DeviceCommand)
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option(
    "--rom-keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="rom-keys.bin of a release that you trust; without it the release is checked by the keys it brings",
)
@click.option("--alone", is_flag=True, help="without a device to compare with")
def verify(folder: Path, *, rom_keys: Path | None, alone: bool) -> Report:
    """Check every signature and hash of the release in DIR, and compare its version with what the device runs.

    No manager is asked. Exit code 9 says that something does not hold.
    """
    from tallystick.device.boot.explain import Verdict

    stages, versions = _checked(folder, rom_keys)
    is_good = not any(one.verdict is Verdict.FAILED for one in stages)
    running, compared = (None, None) if alone or not is_good else _compared(versions[0])
    reason = next((one.reason for one in stages if one.verdict is Verdict.FAILED), "")
    lines = (
        [f"Version {versions[0]} (MCU {versions[1]}): everything holds."] if is_good else [f"Not to be used: {reason}"]
    )
    if is_good and rom_keys is None:
        lines.append("Checked by the keys that the release brings: add --rom-keys to say whose they are to be.")
    if compared is not None:
        lines.append(f"It is {_WORDS[compared]}{f' ({running})' if running else ''}.")
    return Report(
        schema="firmware.verify",
        data={
            "folder": str(folder),
            "holds": is_good,
            "reason": reason or None,
            "version": versions[0] or None,
            "mcu_version": versions[1] or None,
            "keys": "given" if rom_keys else "own",
            "running_version": running,
            "compared": compared,
            "stages": [one.to_json() for one in stages],
        },
        lines=lines,
        headings=("STAGE", "KEY", "HASH", "VERDICT"),
        rows=[(one.name, one.key_id or "-", one.digest[:16] or "-", one.verdict.value) for one in stages],
        exit_code=ExitCode.DONE if is_good else ExitCode.NOT_TRUSTED,
    )


def _checked(folder: Path, rom_keys: Path | None) -> tuple[tuple[Stage, ...], tuple[str, str]]:
    """Return the stages of the check, and the versions of Secure World and Normal World where all of it holds."""
    import sysconfig
    from dataclasses import replace

    from tallystick.device.boot.chain import check_slot
    from tallystick.device.boot.explain import BootFailure, Chain
    from tallystick.device.boot.library import places
    from tallystick.device.silicon.fuses import FuseState

    artefacts = read_artefacts(folder)
    trusted = artefacts if rom_keys is None else replace(artefacts, key_table=_read(rom_keys, len(artefacts.key_table)))
    fuses = FuseState(key_table=key_hash(trusted), is_closed=True)
    chain = Chain(now_s=time.monotonic)
    try:
        found = check_slot(artefacts, fuses=fuses, places=places(sysconfig.get_path("platlib")), chain=chain)
    except BootFailure as failure:
        return failure.stages, ("", "")
    return found.stages, (found.secure_world.header.version, found.normal_world.header.version)


def _read(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        table = file.read(size + 1)
    if len(table) != size:
        raise UsageError(f"{path} is no key table", remedy="name the rom-keys.bin of a release that you trust")
    return table


def _compared(version: str) -> tuple[str | None, str]:
    """Return what the device runs, and how the release compares."""
    from tallystick.host.actions.device import info
    from tallystick.wire.model import version_key
    from tallystick.wire.version import SecureElementInfo

    run = current_run()
    try:
        session = run.connect()
    except TransportError as error:
        error.remedy = "; or ".join(filter(None, (error.remedy, "leave the device out with --alone")))
        raise
    said = follow(run, info(session)).version
    running = said.version if isinstance(said, SecureElementInfo) else (said.se_version if said else None)
    if not running:
        return None, "unknown"
    here, there = version_key(version), version_key(running)
    return running, "same" if here == there else ("newer" if here > there else "older")
