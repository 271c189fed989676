"""Stage 2, what the Secure World checks: the Normal World, against the second key (secure-world 2.1).

The same code checks a Normal World that comes from a slot and one that is embedded in the Secure World's image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tallystick.crypto.minisign import PublicKey
from tallystick.device.boot.explain import Chain
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire.firmware import ImageRole


def check_normal_world(
    chain: Chain, *, key: PublicKey, minimum: Mapping[ImageRole, int], image: bytes, signature: bytes, digest: bytes
) -> VerifiedImage:
    """Check the Normal World by `key`, which is built into the Secure World's image; raise BootFailure.

    `digest` is the SHA-256 that the configuration of this release names: another release's world is genuine and still refused.
    """
    expect = Expectation(role=ImageRole.NORMAL_WORLD, minimum=minimum[ImageRole.NORMAL_WORLD])
    with chain.stage("normal world") as finding:
        try:
            verified = VerifiedImage.by_signature(image, signature, [key], expect=expect)
        except (TrustError, RemoteProtocolError):
            finding.digest = hashlib.sha256(image).digest()  # people are told what was refused, too
            raise
        finding.key_id, finding.digest = verified.key_id, verified.digest
        if verified.digest != digest:
            raise TrustError("the Normal World is not the one of this release")
    return verified
