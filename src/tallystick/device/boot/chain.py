"""The whole chain of one device: every stage of a slot, the choice of the slot, and updates checked before they are installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tallystick.crypto.minisign import PublicKey
from tallystick.device.boot.bootloader import Bootloader
from tallystick.device.boot.explain import BootFailure, BootState, Chain, Stage
from tallystick.device.boot.image import VerifiedImage
from tallystick.device.boot.library import Places
from tallystick.device.boot.rom import Rom
from tallystick.device.boot.secure import check_normal_world
from tallystick.device.boot.slot import Artefacts, Slots
from tallystick.device.silicon.fuses import Fuses, FuseState
from tallystick.errors import TrustError
from tallystick.wire.firmware import CONFIG_KEY, NORMAL_KEY, ImageRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """A chain that holds: the slot, the state that seals are bound to, and the images, ready to run as they were checked."""

    slot: str
    state: BootState
    bootloader: VerifiedImage = field(repr=False)
    secure_world: VerifiedImage = field(repr=False)
    normal_world: VerifiedImage = field(repr=False)
    stages: tuple[Stage, ...] = field(repr=False)

    @property
    def versions(self) -> Mapping[ImageRole, int]:
        """The security version of each image: what the minimums rise to once it is READY."""
        images = (self.bootloader, self.secure_world, self.normal_world)
        return {image.header.role: image.header.security_version for image in images}


def check_slot(artefacts: Artefacts, *, fuses: FuseState, places: Places, chain: Chain) -> Boot:
    """Check everything in one slot, in the order of the boot; raise BootFailure at the first thing that does not hold."""
    rom = Rom(fuses)
    bootloader = rom.check(
        chain,
        key_table=artefacts.key_table,
        image=artefacts.bootloader,
        signature=artefacts.bootloader_signature,
    )
    config_key = _built_in(chain, bootloader, CONFIG_KEY)
    secure_world, config = Bootloader(key=config_key, minimum=fuses.minimum, places=places).check(
        chain, config=artefacts.config, signature=artefacts.config_signature, image=artefacts.secure_world
    )
    normal_world = check_normal_world(
        chain,
        key=_built_in(chain, secure_world, NORMAL_KEY),
        minimum=fuses.minimum,
        image=artefacts.normal_world,
        signature=artefacts.normal_world_signature,
        digest=config.normal_world,
    )
    return Boot(
        slot=chain.slot,
        state=rom.state,
        bootloader=bootloader,
        secure_world=secure_world,
        normal_world=normal_world,
        stages=tuple(chain.stages),
    )


def boot(
    slots: Slots, fuses: Fuses, *, places: Places, now_s: Callable[[], float] = time.monotonic, is_dry: bool = False
) -> Boot:
    """Return the first slot, in order, that passes every check itself; raise BootFailure when none does.

    The stages of slots that failed are part of the result. With `is_dry` nothing is written: a look, not a start.
    """
    chain = Chain(now_s=now_s)
    for slot in slots.order():
        chain.slot = slot
        try:
            found = check_slot(slots.read(slot), fuses=fuses.state, places=places, chain=chain)
        except BootFailure:
            continue
        if not is_dry:
            slots.begin(slot)
        return found
    raise BootFailure(tuple(chain.stages), reason=chain.stages[-1].reason)


def update(
    slots: Slots, fuses: Fuses, artefacts: Artefacts, *, places: Places, now_s: Callable[[], float] = time.monotonic
) -> str:
    """Check `artefacts` as the boot will and install them into the slot not in use; return its name.

    An update that a manager had begun is given up.

    Raises TrustError, with nothing written, for what would not start.
    """
    try:
        check_slot(artefacts, fuses=fuses.state, places=places, chain=Chain(now_s=now_s))
    except BootFailure as failure:
        raise TrustError(f"the update would not start: {failure.reason}") from failure
    slots.abandon()
    return slots.install(artefacts)


def _built_in(chain: Chain, image: VerifiedImage, name: str) -> PublicKey:
    """Return the key that `image` holds for the next stage; a checked image without one is a failure of its own."""
    try:
        return image.public_key(name)
    except TrustError as error:
        with chain.stage(name):
            raise TrustError(error.message) from error
