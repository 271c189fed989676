"""Stage 2, what the Secure World checks: the Normal World, against the second key (secure-world 2.1).

The same code checks a Normal World that comes from a slot and one that is embedded in the Secure World's image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tallystick.crypto.minisign import PublicKey
from tallystick.device.boot.explain import Chain
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.wire.firmware import ImageRole


def check_normal_world(
    chain: Chain, *, key: PublicKey, minimum: Mapping[ImageRole, int], image: bytes, signature: bytes
) -> VerifiedImage:
    """Check the Normal World by `key`, which is built into the Secure World's image; raise BootFailure."""
    expect = Expectation(role=ImageRole.NORMAL_WORLD, minimum=minimum[ImageRole.NORMAL_WORLD])
    with chain.stage("normal world") as finding:
        finding.digest = hashlib.sha256(image).digest()
        verified = VerifiedImage.by_signature(image, signature, [key], expect=expect)
        finding.key_id = verified.key_id
    return verified
