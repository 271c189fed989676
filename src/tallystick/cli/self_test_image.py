"""A signed image of the self-test, made for one run of it: the worlds and apps of a device run out of such images."""

from __future__ import annotations

import sysconfig
from typing import TYPE_CHECKING

from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.boot.start import Handover
from tallystick.device.sandbox.program import Programs, spawn_image
from tallystick.manager.factory.build import Release, image
from tallystick.manager.factory.key import FactoryKeys
from tallystick.wire.firmware import ImageRole

if TYPE_CHECKING:
    from tallystick.device.sandbox.self_test import Spawn

_ENTRY = "tallystick.device.sandbox.probe_entry"


def spawn_from_image() -> Spawn:
    """Build the image, sign it with a key of the moment, check it as the boot does, and return how it is started."""
    release = Release(version="0.0.0", security_version=0, entries={ImageRole.NORMAL_WORLD: _ENTRY})
    raw = image(ImageRole.NORMAL_WORLD, release)
    key = FactoryKeys.generate().normal
    checked = VerifiedImage.by_signature(
        raw,
        key.sign(raw, comment="self-test"),
        [key.public_key],
        expect=Expectation(role=ImageRole.NORMAL_WORLD, minimum=0),
    )
    programs = Programs.of_image(checked.seal(), Handover(libraries=sysconfig.get_path("platlib")).seal())
    return spawn_image(programs.prefix, programs.descriptors)
