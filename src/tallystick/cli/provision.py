"""A device's folder: what tells one from another kind, and how a new one is made of the files of a release.

DIR/chip is the chip, DIR/flash what lies in its flash. The embedded board keeps its flash in DIR itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.device.boot.slot import Artefacts, Slots
from tallystick.device.silicon.flash import DirectoryFlash
from tallystick.device.silicon.fuses import DEVICE_ID_BYTES, ROM_KEY_BYTES, ROM_KEYS, Fuses, key_table_hash
from tallystick.device.silicon.nvm import FILE, KEY_PROVIDER, ChipMemory
from tallystick.errors import UsageError
from tallystick.wire.firmware import ARTEFACTS, MAX_IMAGE

_REMEDY = "make images with: tally factory build"


def is_device(folder: Path) -> bool:
    """Tell whether `folder` holds a device with a chip of its own, as the isolated board takes it."""
    return (folder / "chip" / FILE).exists()


def require_isolated(folder: Path) -> None:
    """Refuse a folder for the isolated board that holds something else; raise UsageError."""
    if folder.is_dir() and not is_device(folder) and any(one.is_file() for one in folder.iterdir()):
        raise UsageError(
            f"{folder} holds no device of the isolated board, but other files",
            remedy="add --board embedded if it is the state of an embedded board, or choose another folder",
        )


def require_embedded(folder: Path) -> None:
    """Refuse a folder for the embedded board that is a device of the isolated one; raise UsageError."""
    if (folder / "chip").is_dir() or (folder / "flash").is_dir():
        raise UsageError(
            f"{folder} is a device of the isolated board",
            remedy="leave --board embedded away, or choose another folder",
        )


def read_artefacts(folder: Path) -> Artefacts:
    """Read the files of a release, once; raise UsageError when one is missing. Whoever uses them checks them as bytes."""
    files: dict[str, bytes] = {}
    for name in ARTEFACTS.values():
        try:
            with (folder / name).open("rb") as file:
                files[name] = file.read(MAX_IMAGE + 1)
        except OSError as error:
            raise UsageError(f"{folder / name} cannot be read: {error.strerror}", remedy=_REMEDY) from error
    if len(files[ARTEFACTS["key_table"]]) != ROM_KEYS * ROM_KEY_BYTES:
        raise UsageError(f"{ARTEFACTS['key_table']} is no key table", remedy=_REMEDY)
    return Artefacts.from_files(files)


def key_hash(artefacts: Artefacts) -> bytes:
    """Return what the fuses are to hold of the key table (32 bytes)."""
    table = artefacts.key_table
    return key_table_hash([table[start : start + ROM_KEY_BYTES] for start in range(0, len(table), ROM_KEY_BYTES)])


def provision(
    folder: Path,
    artefacts: Artefacts,
    *,
    model: str,
    is_open: bool = False,
    prepare: Callable[[ChipMemory], None] = lambda _chip: None,
) -> bytes:
    """Make a new device in `folder` and return its id (16 bytes); `prepare` is given its chip first, and may refuse.

    What is written here is checked by the boot at every start, whatever was checked before.

    Raises:
        UsageError: there is a device already.

    """
    with opened(folder, is_new=True) as (fuses, slots, flash, chip):
        if fuses.state.key_table:
            raise UsageError(f"there is a device in {folder} already", remedy="choose another folder")
        prepare(chip)
        device_id = os.urandom(DEVICE_ID_BYTES)
        # the fuses last: a device cut off before is made again from the start
        slots.provision(artefacts)
        flash.write("model", model.encode())
        fuses.burn_identity(key_table=key_hash(artefacts), device_id=device_id, is_closed=not is_open)
        return device_id


@contextmanager
def opened(folder: Path, *, is_new: bool = False) -> Iterator[tuple[Fuses, Slots, DirectoryFlash, ChipMemory]]:
    """Open chip and flash of a device, and close them."""
    chip = ChipMemory.open(folder / "chip", create=is_new)
    try:
        contents = DirectoryFlash(folder / "flash")
        try:
            yield Fuses(chip), Slots(contents), contents, chip
        finally:
            contents.close()
    finally:
        chip.close()


def bind(chip: ChipMemory, tpm: str | None, *, takes_ownership: bool = False) -> None:
    """Put the key where it is to be; a device whose making was cut off keeps to what it began with.

    Raises:
        UsageError: it began with a TPM, and none is named now.
        KeyRefused: the TPM cannot be used.

    """
    if tpm is None and chip.read(KEY_PROVIDER) is None:
        return
    if tpm is None:
        raise UsageError("the making of a device with a TPM was cut off here", remedy="name the TPM again")
    from tallystick.device.silicon.entropy import SystemRng
    from tallystick.device.silicon.tpm_binding import bind as bind_to

    bind_to(chip, tpm, rng=SystemRng(), takes_ownership=takes_ownership)
