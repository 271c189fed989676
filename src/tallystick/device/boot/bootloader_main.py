"""What the bootloader's image runs: check the Secure World of one slot, and become it.

Ends with status 78 when anything does not hold, and tells the bench why; the ROM then tries the other slot.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from tallystick.crypto.minisign import PublicKey
from tallystick.device.boot.bootloader import Bootloader
from tallystick.device.boot.explain import BootFailure, Chain
from tallystick.device.boot.library import places, sealed
from tallystick.device.boot.secure import check_normal_world
from tallystick.device.boot.slot import Slots
from tallystick.device.boot.start import BOOT_FAILURE, Handover, become, member, tell_failure
from tallystick.device.silicon.flash import DirectoryFlash
from tallystick.errors import TallyError
from tallystick.wire.firmware import CONFIG_KEY, HEADER, NORMAL_KEY, ImageHeader, ImageRole

#: artefacts that this stage looks at
_NEEDED = ("secure_world", "normal_world", "normal_world_signature", "config_signature", "config")


def main(handover: Handover) -> int:
    """Check and start; return only when nothing was started."""
    chain = Chain(now_s=time.monotonic, slot=handover.slot)
    minimum = {role: handover.minimum.get(role.value, 0) for role in ImageRole}
    flash = DirectoryFlash(Path(handover.flash))
    try:
        artefacts = Slots(flash).read(handover.slot, only=_NEEDED)
        key = PublicKey.from_text(member(CONFIG_KEY).decode("ascii", "replace"))
        loader = Bootloader(key=key, minimum=minimum, places=places(handover.libraries))
        image, config = loader.check(
            chain, config=artefacts.config, signature=artefacts.config_signature, image=artefacts.secure_world
        )
        # the Secure World checks this once more when it starts it; here it decides whether the slot is good
        check_normal_world(
            chain,
            key=image.public_key(NORMAL_KEY),
            minimum=minimum,
            image=artefacts.normal_world,
            signature=artefacts.normal_world_signature,
            digest=config.normal_world,
        )
    except (BootFailure, TallyError, OSError) as error:
        tell_failure(handover.jig, chain.failure(error))
        return BOOT_FAILURE
    finally:
        flash.close()
    told = replace(
        handover,
        normal_world=config.normal_world.hex(),
        bootloader=ImageHeader.from_bytes(member(HEADER)).security_version,
        stages=(*handover.stages, *chain.to_json()),
        jig=-1,  # told: the Secure World has words of its own
        sealed=sealed(),
    )
    become(image.seal(), told, *sys.argv[1:])
    return BOOT_FAILURE
