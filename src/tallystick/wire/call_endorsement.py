"""System calls about attestation keys: what proves to others which app spoke (attestation 4).

Names are those of the SDKs of real devices, where the calls end with words of their own instead of a status: `ERRORS` of each
call has them. A slot is 1 or 2. The code hash is the app's full hash as it was when the app was loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

from tallystick.wire.buffer import Reader
from tallystick.wire.call import CallStatus, DataRequest

__all__ = [
    "ENDORSEMENT_CALLS",
    "MAX_ENDORSED",
    "EndorsementAppSecret",
    "EndorsementCall",
    "EndorsementCertificate",
    "EndorsementCodeHash",
    "EndorsementDeriveAndSign",
    "EndorsementMetadata",
    "EndorsementPublicKey",
    "EndorsementSign",
    "EndorsementSignWithoutCodeHash",
]

#: bytes of a message to be signed
MAX_ENDORSED: Final = 16384
_PIN_NOT_VALIDATED: Final = 0x5503


def _errors(
    *, slot: int | None = None, empty: int | None = None, damaged: int | None = None, no_result: int | None = None
) -> Mapping[CallStatus, int]:
    words = {
        CallStatus.BAD_ARGUMENT: slot,
        CallStatus.LOCKED: _PIN_NOT_VALIDATED,
        CallStatus.EMPTY: empty,
        CallStatus.DAMAGED: damaged,
        CallStatus.NO_RESULT: no_result,
    }
    return {status: word for status, word in words.items() if word is not None}


class EndorsementCall(DataRequest):
    """Base of these calls."""

    __slots__ = ()
    #: what native apps know the call as, the newest name first
    NAMES: ClassVar[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _SlotCall(EndorsementCall):
    """A call about one slot."""

    slot: int

    def body(self) -> bytes:
        """Slot u8."""
        return bytes((self.slot,))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the slot, whatever it is: another than 1 and 2 is for the OS to refuse."""
        slot = reader.u8()
        reader.finish()
        return cls(slot)


@dataclass(frozen=True, slots=True)
class _MessageCall(EndorsementCall):
    """A call that signs a message."""

    message: bytes = field(repr=False)

    def body(self) -> bytes:
        """Return the message."""
        return self.message

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the message."""
        return cls(reader.rest())


@dataclass(frozen=True, slots=True)
class EndorsementCodeHash(EndorsementCall):
    """Ask for the app's own code hash. Value: 32 bytes; no key is needed."""

    NUMBER = 0x40
    NAMES = ("sys_endorsement_get_code_hash", "ENDORSEMENT_get_code_hash", "os_endorsement_get_code_hash")
    ERRORS = _errors()


@dataclass(frozen=True, slots=True)
class EndorsementPublicKey(_SlotCall):
    """Ask for the public key of a slot. Value: 65 bytes."""

    NUMBER = 0x41
    NAMES = ("sys_endorsement_get_public_key", "ENDORSEMENT_get_public_key", "os_endorsement_get_public_key")
    ERRORS = _errors(slot=0x4209, empty=0x4103, damaged=0x5218)


@dataclass(frozen=True, slots=True)
class EndorsementCertificate(_SlotCall):
    """Ask for the owner's certificate of a slot. Value: 1 to 72 bytes, as they were stored."""

    NUMBER = 0x42
    NAMES = (
        "sys_endorsement_get_public_key_signature",
        "ENDORSEMENT_get_public_key_certificate",
        "os_endorsement_get_public_key_certificate",
    )
    ERRORS = _errors(slot=0x420A, empty=0x4104, damaged=0x5219)


@dataclass(frozen=True, slots=True)
class EndorsementMetadata(_SlotCall):
    """Ask how many keys the slot has seen since the device was reset. Value: 8 bytes; zero for an empty slot."""

    NUMBER = 0x43
    NAMES = ("sys_endorsement_get_metadata", "ENDORSEMENT_get_metadata", "os_endorsement_get_metadata")
    ERRORS = _errors(slot=0x4225, damaged=0x5222)


@dataclass(frozen=True, slots=True)
class EndorsementAppSecret(EndorsementCall):
    """Ask for the secret that attestation key 1 gives this app alone. Value: 64 bytes."""

    NUMBER = 0x44
    NAMES = (
        "sys_endorsement_key1_get_app_secret",
        "ENDORSEMENT_key1_get_app_secret",
        "os_endorsement_key1_get_app_secret",
    )
    ERRORS = _errors(empty=0x4105, damaged=0x521A, no_result=0x534A)


@dataclass(frozen=True, slots=True)
class EndorsementSign(_MessageCall):
    """Sign message and code hash with attestation key 1. Value: DER of at most 72 bytes."""

    NUMBER = 0x45
    NAMES = ("sys_endorsement_key1_sign_data", "ENDORSEMENT_key1_sign_data", "os_endorsement_key1_sign_data")
    ERRORS = _errors(empty=0x4106, damaged=0x521B)


@dataclass(frozen=True, slots=True)
class EndorsementSignWithoutCodeHash(_MessageCall):
    """Sign the message alone with attestation key 1: for apps that may speak for all apps. Value: DER."""

    NUMBER = 0x46
    NAMES = (
        "sys_endorsement_key1_sign_without_code_hash",
        "ENDORSEMENT_key1_sign_without_code_hash",
        "os_endorsement_key1_sign_without_code_hash",
    )
    ERRORS = _errors(empty=0x4117, damaged=0x522E)


@dataclass(frozen=True, slots=True)
class EndorsementDeriveAndSign(_MessageCall):
    """Sign the message with the key that attestation key 2 has for this app. Value: DER."""

    NUMBER = 0x47
    NAMES = (
        "sys_endorsement_key2_derive_and_sign_data",
        "ENDORSEMENT_key2_derive_and_sign_data",
        "os_endorsement_key2_derive_sign_data",
    )
    ERRORS = _errors(empty=0x4107, damaged=0x521C, no_result=0x5716)


ENDORSEMENT_CALLS: Final[tuple[type[EndorsementCall], ...]] = (
    EndorsementCodeHash,
    EndorsementPublicKey,
    EndorsementCertificate,
    EndorsementMetadata,
    EndorsementAppSecret,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
    EndorsementDeriveAndSign,
)
