"""Small images, keys and a chip for tests of the boot: everything real but the size."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace

from tallystick.device.boot import library
from tallystick.device.boot.chain import Boot, boot, check_slot
from tallystick.device.boot.explain import Chain
from tallystick.device.boot.slot import Artefacts, Slots
from tallystick.device.hil import Flash
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.fuses import Fuses, key_table_hash
from tallystick.manager.factory.build import Release, sign
from tallystick.manager.factory.key import FactoryKeys
from tallystick.manager.factory.pack import archive
from tallystick.wire.environment import ENVIRONMENT, Environment
from tallystick.wire.firmware import CONFIG_KEY, HEADER, NORMAL_KEY, ImageHeader, ImageRole

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PLACES = library.places("/nowhere")


def keys_of(number: int) -> FactoryKeys:
    """Return the keys of factory `number`, always the same."""
    counter = iter(range(1000))
    return FactoryKeys.generate(
        lambda size: bytes((number * 50 + next(counter) + index * 7) % 256 for index in range(size))
    )


KEYS = keys_of(1)
OTHER_KEYS = keys_of(2)


def image(
    role: ImageRole, *, security_version: int = 1, version: str = "1.0.0", header=None, **members: bytes
) -> bytes:
    """Return a small image."""
    made = ImageHeader(role=role, version=version, security_version=security_version, python=PYTHON)
    contents = {
        HEADER: made.to_bytes() if header is None else header,
        ENVIRONMENT: Environment().to_bytes(),
        "__main__.py": b"print('started')\n",
        **{name.replace("_pub", ".pub"): data for name, data in members.items()},
    }
    return archive({name: data for name, data in contents.items() if data is not None})


@dataclass
class Bench:
    """One device's chip and flash, and the factory that made it."""

    keys: FactoryKeys = KEYS
    chip: Flash = field(default_factory=MemoryFlash)
    flash: Flash = field(default_factory=MemoryFlash)
    is_closed: bool = True

    def __post_init__(self) -> None:
        self.fuses = Fuses(self.chip)
        if not self.fuses.state.key_table:
            table = [key.public_key.to_bytes() for key in self.keys.rom]
            self.fuses.burn_identity(key_table=key_table_hash(table), device_id=bytes(16))
            if self.is_closed:
                self.fuses.close()
        self.slots = Slots(self.flash)

    def boot(self, *, is_dry: bool = False) -> Boot:
        """Boot what lies in the slots."""
        return boot(self.slots, self.fuses, places=PLACES, now_s=lambda: 0.0, is_dry=is_dry)

    def check(self, artefacts: Artefacts) -> Boot:
        """Check the artefacts alone."""
        return check_slot(artefacts, fuses=self.fuses.state, places=PLACES, chain=Chain(now_s=lambda: 0.0))


def release(
    keys: FactoryKeys = KEYS, *, security_version: int = 1, version: str = "1.0.0", rom_key: int = 0, **changed: bytes
) -> Artefacts:
    """Return a signed set of small images; `changed` replaces an image before it is signed."""
    numbers = {"security_version": security_version, "version": version}
    config_key, normal_key = (key.public_key.to_text().encode() for key in (keys.config, keys.normal))
    images = {
        "bootloader": image(ImageRole.BOOTLOADER, **numbers, **{CONFIG_KEY: config_key}),
        "secure_world": image(ImageRole.SECURE_WORLD, **numbers, **{NORMAL_KEY: normal_key}),
        "normal_world": image(ImageRole.NORMAL_WORLD, **numbers),
    }
    files = sign(keys, Release(**numbers), **{**images, **changed}, rom_key=rom_key)
    return Artefacts.from_files(files)


def changed(artefacts: Artefacts, **members: bytes) -> Artefacts:
    """Return the artefacts with some replaced after they were signed."""
    return replace(artefacts, **members)
