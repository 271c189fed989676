"""What holds a device's key, on the command line: ``simulated``, ``tpm2`` or ``tpm2:WAY``; and `tally device retire`.

It is said when a device is made and then stays for its life. Later it may be said again, to name another way to the same TPM.
"""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.command import DeviceCommand
from tallystick.cli.render import Report
from tallystick.errors import UsageError

METAVAR = "simulated|tpm2[:WAY]"
HELP = "what holds the device's key, for life; WAY is device:/dev/tpmrm0, or swtpm:path=/absolute/path"
_SIMULATED, _TPM = "simulated", "tpm2"


def way_of(provider: str) -> str | None:
    """Return the way to the TPM, None for the simulated chip; raise UsageError for anything else."""
    if provider in {"", _SIMULATED}:
        return None
    from tallystick.device.silicon.tpm_link import DEFAULT, place_of

    name, _, way = provider.partition(":")
    if name != _TPM:
        raise UsageError(f"there is no key provider {name}", remedy=f"choose {METAVAR}")
    place_of(way or DEFAULT)
    return way or DEFAULT


def settle(folder: Path, provider: str) -> None:
    """See that the device in `folder` has the provider it is said to have, and note the way to its TPM.

    Raises UsageError when it was made with the other kind.
    """
    if not provider:
        return
    from tallystick.device.silicon.nvm import ChipMemory
    from tallystick.device.silicon.tpm_binding import binding_of, move

    way = way_of(provider)
    chip = ChipMemory.open(folder / "chip")
    try:
        has = _SIMULATED if binding_of(chip) is None else _TPM
        wanted = _SIMULATED if way is None else _TPM
        if has != wanted:
            raise UsageError(
                f"this device was made with its key in the provider {has}, for life, and {wanted} cannot open it",
                remedy="leave --key-provider away, or make another device with another --state",
            )
        if way is not None:
            move(chip, way)
    finally:
        chip.close()


@click.command(cls=DeviceCommand)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--yes", "is_sure", is_flag=True, help="do not ask")
def retire(folder: Path, is_sure: bool) -> Report:
    """Make an end of the device in DIR whose key is in a TPM: nothing it sealed opens again, and its TPM is free.

    Its indexes leave the TPM, and passwords that --take-ownership set are made empty again. Remove DIR afterwards.
    """
    from tallystick.device.silicon.entropy import SystemRng
    from tallystick.device.silicon.nvm import ChipMemory
    from tallystick.device.silicon.tpm_binding import retire as retire_binding

    chip = ChipMemory.open(folder / "chip")
    try:
        if not is_sure:
            click.confirm(f"Without its recovery words the seed in {folder} is lost. Go on?", abort=True, err=True)
        retire_binding(chip, rng=SystemRng())
    finally:
        chip.close()
    return Report(
        schema="device.retire",
        data={"folder": str(folder)},
        lines=(f"The device in {folder} is retired; remove the folder.",),
    )
