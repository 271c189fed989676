"""`tally device create`, `boot` and `flash`: a device's chip and flash as folders, for one that is switched off.

DIR/chip is the chip with its fuses, DIR/flash what lies in its flash. Whoever holds the folders holds the device; what the
fuses say protects against other images, not against somebody who writes other fuses.
"""

from __future__ import annotations

import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tallystick.cli.command import DeviceCommand
from tallystick.cli.exit import ExitCode
from tallystick.cli.key_provider import HELP, METAVAR, way_of
from tallystick.cli.provision import bind, is_device, key_hash, opened, provision, read_artefacts
from tallystick.cli.render import Report
from tallystick.device.boot.chain import Boot, boot, check_slot, update
from tallystick.device.boot.explain import BootFailure, Chain, Stage, Verdict
from tallystick.device.boot.library import Places, places
from tallystick.device.boot.slot import Slots
from tallystick.device.silicon.flash import DirectoryFlash
from tallystick.device.silicon.fuses import Fuses, FuseState
from tallystick.device.silicon.nvm import ChipMemory
from tallystick.errors import UsageError
from tallystick.wire.model import MODELS

_FOLDER = click.Path(file_okay=False, path_type=Path)
_IMAGES = click.option(
    "--images", metavar="DIR", type=_FOLDER, required=True, help="from: tally factory build … --out DIR"
)


@click.command(cls=DeviceCommand)
@click.argument("folder", metavar="DIR", type=_FOLDER)
@_IMAGES
@click.option(
    "--model", type=click.Choice(sorted(MODELS)), default="nanosp", show_default=True, help="which device it is"
)
@click.option(
    "--open", "is_open", is_flag=True, help="leave the chip open: it also starts a bootloader that is not signed"
)
@click.option("--key-provider", metavar=METAVAR, default="simulated", show_default=True, help=HELP)
@click.option(
    "--take-ownership",
    "takes_ownership",
    is_flag=True,
    help="set the TPM's passwords of owner and lock-out: for a TPM that is for this device alone",
)
def create(folder: Path, images: Path, model: str, is_open: bool, key_provider: str, takes_ownership: bool) -> Report:
    """Make a new device in DIR: burn the fuses for the keys of the images, and put the images into its first slot."""
    way = way_of(key_provider)
    if takes_ownership and way is None:
        raise UsageError("--take-ownership is about a TPM", remedy="add --key-provider tpm2, or leave it away")
    device_id, found = make_device(
        folder, images=images, model=model, is_open=is_open, tpm=way, takes_ownership=takes_ownership
    )
    return Report(
        schema="device.create",
        data={
            "folder": str(folder),
            "model": model,
            "device_id": device_id.hex(),
            "key_provider": "simulated" if way is None else "tpm2",
            **_facts(found),
        },
        lines=(f"Made a {model} in {folder}: version {found.secure_world.header.version}, {found.state.value} boot.",),
    )


def make_device(
    folder: Path,
    *,
    images: Path,
    model: str,
    is_open: bool = False,
    tpm: str | None = None,
    takes_ownership: bool = False,
) -> tuple[bytes, Boot]:
    """Make a new device in `folder`, its key in the TPM at `tpm` if it is given; return its id (16 bytes) and its checked boot.

    Raises:
        UsageError: there is a device already, or the images cannot be read.
        TrustError: they would not start.
        KeyRefused: the TPM cannot be used.

    """
    artefacts = read_artefacts(images)
    wanted = FuseState(key_table=key_hash(artefacts), is_closed=not is_open)

    def prepare(chip: ChipMemory) -> None:
        check_slot(artefacts, fuses=wanted, places=_places(), chain=Chain(now_s=time.monotonic))
        bind(chip, tpm, takes_ownership=takes_ownership)

    device_id = provision(folder, artefacts, model=model, is_open=is_open, prepare=prepare)
    with _opened(folder) as (fuses, slots, *_):
        return device_id, _boot(slots, fuses)


@click.command("boot", cls=DeviceCommand)
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--explain", is_flag=True, help="show every stage: key, hash, verdict, milliseconds")
def boot_device(folder: Path, explain: bool) -> Report:
    """Check the boot chain of the device in DIR as its ROM would, without starting it or using up an attempt."""
    with _opened(folder) as (fuses, slots, *_):
        try:
            found = _boot(slots, fuses)
        except BootFailure as failure:
            if not explain:
                raise
            data: dict[str, object] = {"state": "failed", "slot": None, "version": None, "security_version": None}
            return _explained(folder, data, failure.stages, exit_code=ExitCode.NOT_TRUSTED)
    return _explained(folder, _facts(found), found.stages if explain else (), exit_code=ExitCode.DONE)


@click.command(cls=DeviceCommand)
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option(
    "--images",
    metavar="DIR",
    type=_FOLDER,
    help="from: tally factory build … --out DIR; without it those of this installation, for a device that `tally up` made",
)
def flash(folder: Path, images: Path | None) -> Report:
    """Put other images into the device in DIR: checked first, into the slot not in use, on trial at the next start."""
    if images is None:
        from tallystick.cli.workshop import images as of_this_installation

        images = of_this_installation(_model(folder))
    artefacts = read_artefacts(images)
    with _opened(folder) as (fuses, slots, *_):
        slot = update(slots, fuses, artefacts, places=_places())
        found = _boot(slots, fuses)
    return Report(
        schema="device.flash",
        data={"folder": str(folder), **_facts(found)},
        lines=(f"Version {found.secure_world.header.version} is in slot {slot}, on trial from the next start.",),
    )


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Fuses, Slots, DirectoryFlash, ChipMemory]]:
    """Open chip and flash of a device, and close them."""
    if not is_device(folder):
        raise UsageError(
            f"there is no device in {folder}", remedy="make one with: tally device create DIR --images DIR"
        )
    with opened(folder) as parts:
        yield parts


def _model(folder: Path) -> str:
    """Return the name of the device's model; raise UsageError when it says none that there is."""
    with _opened(folder) as (_fuses, _slots, contents, _chip):
        name = (contents.read("model") or b"").decode("ascii", "replace")
    if name not in MODELS:
        raise UsageError(f"the device in {folder} does not say which model it is", remedy="name them: --images DIR")
    return name


def _places() -> Places:
    return places(sysconfig.get_path("platlib"))


def _boot(slots: Slots, fuses: Fuses) -> Boot:
    return boot(slots, fuses, places=_places(), is_dry=True)


def _facts(found: Boot) -> dict[str, object]:
    header = found.secure_world.header
    return {
        "state": found.state.value,
        "slot": found.slot,
        "version": header.version,
        "security_version": header.security_version,
    }


def _explained(folder: Path, data: dict[str, object], stages: tuple[Stage, ...], *, exit_code: int) -> Report:
    failed = [f"Boot failure in slot {one.slot}: {one.reason}" for one in stages if one.verdict is Verdict.FAILED]
    good = [f"Boot state {data['state']}: version {data['version']} from slot {data['slot']}."]
    return Report(
        schema="device.boot",
        data={"folder": str(folder), **data, "stages": [one.to_json() for one in stages]},
        lines=failed + (good if data["version"] else ["Boot failure"]),
        headings=("SLOT", "STAGE", "KEY", "HASH", "VERDICT", "MS") if stages else (),
        rows=[
            (one.slot, one.name, one.key_id or "-", one.digest[:16] or "-", one.verdict.value, f"{one.duration_ms:.1f}")
            for one in stages
        ],
        exit_code=exit_code,
    )
