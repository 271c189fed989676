"""The calls about attestation keys, as an app sees them: named as in the SDKs of real devices, ``os.`` for ``os_``.

A slot is 1 or 2. What ends a call otherwise is a SyscallError: EMPTY where no key was made, LOCKED, DAMAGED; its `word` is
the error that the SDKs give.
"""

from __future__ import annotations

from tallystick.app.call import call
from tallystick.wire.syscall import (
    EndorsementAppSecret,
    EndorsementCertificate,
    EndorsementCodeHash,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
)


class EndorsementCalls:
    """Attestation, as far as an app can reach it: private keys stay with the OS."""

    async def endorsement_get_code_hash(self) -> bytes:
        """Return this app's code hash (32 bytes): the one that its signature signs."""
        digest: bytes = await call(EndorsementCodeHash())
        return digest

    async def endorsement_get_public_key(self, slot: int) -> bytes:
        """Return the public key (65 bytes) of attestation key 1 or 2."""
        key: bytes = await call(EndorsementPublicKey(slot))
        return key

    async def endorsement_get_public_key_signature(self, slot: int) -> bytes:
        """Return the owner's certificate of attestation key 1 or 2: 1 to 72 bytes, which nobody has looked at."""
        certificate: bytes = await call(EndorsementCertificate(slot))
        return certificate

    async def endorsement_get_metadata(self, slot: int) -> bytes:
        """Return how many keys the slot has seen since the device was reset (8 bytes, big endian)."""
        metadata: bytes = await call(EndorsementMetadata(slot))
        return metadata

    async def endorsement_key1_get_app_secret(self) -> bytes:
        """Return the secret (64 bytes) that this app alone has from attestation key 1."""
        secret: bytes = await call(EndorsementAppSecret())
        return secret

    async def endorsement_key1_sign_data(self, data: bytes) -> bytes:
        """Sign `data` (at most 16 KiB) and the code hash behind it with attestation key 1: DER."""
        signature: bytes = await call(EndorsementSign(data))
        return signature

    async def endorsement_key1_sign_without_code_hash(self, data: bytes) -> bytes:
        """Sign `data` alone with attestation key 1: DER. NOT_PERMITTED unless it was allowed when the app was installed."""
        signature: bytes = await call(EndorsementSignWithoutCodeHash(data))
        return signature

    async def endorsement_key2_derive_and_sign_data(self, data: bytes) -> bytes:
        """Sign `data` (at most 16 KiB) with the key that attestation key 2 has for this app: DER."""
        signature: bytes = await call(EndorsementDeriveAndSign(data))
        return signature

    #: what older SDKs call these
    endorsement_get_public_key_certificate = endorsement_get_public_key_signature
    endorsement_key2_derive_sign_data = endorsement_key2_derive_and_sign_data
