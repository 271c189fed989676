"""Stage 1, the bootloader: the signed configuration, then the Secure World by its hash (secure-world 2.3).

The order is that of armory-boot: read the configuration, check its signature, parse it, read the image, compare. The key is
built into the bootloader's own image, which the ROM has checked; without a key nothing is accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.crypto.minisign import PublicKey
from tallystick.device.boot.explain import Chain
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.boot.library import Places, check_entries
from tallystick.errors import TrustError
from tallystick.wire.environment import ENVIRONMENT
from tallystick.wire.firmware import BootConfig, ImageRole
from tallystick.wire.strict_json import MAX_DOCUMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootloader:
    """A bootloader with its key, the lowest security versions of the chip, and where files outside the images lie."""

    key: PublicKey
    minimum: Mapping[ImageRole, int]
    places: Places

    def read(self, chain: Chain, *, config: bytes, signature: bytes) -> BootConfig:
        """Check the configuration and read it; raise BootFailure when it does not hold."""
        with chain.stage("configuration") as finding:
            if len(config) > MAX_DOCUMENT:
                raise TrustError("the configuration is too long")
            finding.digest = hashlib.sha256(config).digest()
            self.key.verify(config, signature)
            finding.key_id = self.key.key_id
            return BootConfig.from_bytes(config)

    def check(self, chain: Chain, *, config: bytes, signature: bytes, image: bytes) -> tuple[VerifiedImage, BootConfig]:
        """Check the Secure World, and return it with its configuration; raise BootFailure at the first thing that does not hold."""
        made = self.read(chain, config=config, signature=signature)
        with chain.stage("secure world") as finding:
            minimum = self.minimum[ImageRole.SECURE_WORLD]
            expect = Expectation(role=ImageRole.SECURE_WORLD, minimum=minimum)
            verified = VerifiedImage.by_digest(image, made.digest, size_bytes=made.size_bytes, expect=expect)
            finding.digest = verified.digest
            _check_same(made, verified)
        with chain.stage("environment") as finding:
            finding.digest = hashlib.sha256(verified.member(ENVIRONMENT)).digest()
            if finding.digest != made.environment:
                raise TrustError("the list of native code is not the one that was signed for")
            check_entries(verified.environment().entries, self.places)
        return verified, made


def _check_same(config: BootConfig, image: VerifiedImage) -> None:
    """Refuse an image that says other things about itself than what was signed for it."""
    header = image.header
    if (config.role, config.product, config.version, config.security_version) != (
        header.role,
        header.product,
        header.version,
        header.security_version,
    ):
        raise TrustError("configuration and image are not about the same")
