"""Who the other side is: an instance of this very app, on a device that the owner certified (attestation 6).

A peer proves two things. The owner's certificate says that its attestation key lives in a genuine device; a hello signed with
that key *and our own code hash* says that the app there is this one. Without the second, any app of a genuine device could
take keys.
"""

from __future__ import annotations

from enum import IntEnum, unique

from tallystick.app import CallStatus, Os, Reject, StatusWord, SyscallError
from tallystick.crypto.hash import sha256

from .blob import SignedKey, trim
from .owner import OWNER_PUBLIC_KEY

#: the attestation key that speaks for apps by their hash (scheme 1)
SLOT = 1
CHANNEL_KEY_BYTES = 16

_OWNER_ROLE = b"\xfe"


@unique
class Role(IntEnum):
    """First byte of a signed hello: which side said it."""

    SENDER = 1
    RECEIVER = 2


async def attestation(os: Os) -> bytes:
    """Return this device's attestation key and the owner's certificate of it."""
    public = await os.endorsement_get_public_key(SLOT)
    return public + trim(await os.endorsement_get_public_key_certificate(SLOT))


async def hello(os: Os, role: Role, ephemeral: bytes) -> bytes:
    """Return the public key of `ephemeral` (32 bytes), signed for `role` by this app on this device."""
    public = await os.public_of(ephemeral)
    return public + await os.endorsement_key1_sign_data(bytes((role,)) + public)


async def certified(os: Os, raw: bytes) -> bytes:
    """Return the attestation key (65 bytes) of a peer's attestation; raise Reject 6A80 unless the owner certified it."""
    said = SignedKey.from_bytes(raw)
    await _require_signed(os, OWNER_PUBLIC_KEY, sha256(_OWNER_ROLE + said.public), said.signature)
    return said.public


async def channel_key(os: Os, raw: bytes, role: Role, *, peer: bytes, ephemeral: bytes) -> bytes:
    """Return the key (16 bytes) of the channel to whoever said the hello `raw`.

    Raises Reject 6A80 unless it was said in `role`, by the device of attestation key `peer`, by an app of our own hash.
    """
    said = SignedKey.from_bytes(raw)
    own_hash = await os.endorsement_get_code_hash()
    await _require_signed(os, peer, sha256(bytes((role,)) + said.public + own_hash), said.signature)
    try:
        return (await os.agree(ephemeral, said.public))[:CHANNEL_KEY_BYTES]
    except SyscallError as error:
        raise _refusal(error) from None


async def _require_signed(os: Os, public: bytes, digest: bytes, signature: bytes) -> None:
    try:
        holds = await os.verify(public, digest, signature)
    except SyscallError as error:
        raise _refusal(error) from None
    if not holds:
        raise Reject(StatusWord.INCORRECT_DATA)


def _refusal(error: SyscallError) -> Exception:
    """Return 6A80 for a key that is no point of the curve, and `error` itself for anything else."""
    return Reject(StatusWord.INCORRECT_DATA) if error.status is CallStatus.BAD_ARGUMENT else error
