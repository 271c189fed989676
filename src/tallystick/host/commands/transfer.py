"""The commands of the key transfer app (attestation 6): ours, and the published one.

What the two devices say to each other passes through the host as it is: only they can check it. The host sees public keys,
signatures and one blob that nobody but the receiver reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, unique
from typing import ClassVar

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.gesture import Gesture
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.status import Layer

CLA = 0xE0
APP_NAME = "Transfer"
DIGEST_BYTES = 32

_PUBLIC_BYTES = 65
_BLOB_BYTES = 48
_MAX_SIGNATURE_BYTES = 72


@unique
class Ins(IntEnum):
    """Instruction bytes; EXPORT and IMPORT have their steps in P1."""

    PUBLIC_KEY = 0x00
    SIGN = 0x02
    ATTESTATION = 0x04
    EXPORT = 0x06
    IMPORT = 0x08
    CREATE = 0x0A
    STATUS = 0x0C


@unique
class KeyState(Enum):
    """What a device has: no key, one that can move, or one that signed and stays."""

    NONE = "none"
    SEALED = "sealed"
    UNSEALED = "unsealed"


class _Fixed:
    """A command that is nothing but its instruction, with a step where it has one."""

    __slots__ = ()
    INS: ClassVar[Ins]
    STEP: ClassVar[int] = 0
    layer: ClassVar[Layer] = Layer.TRANSFER
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 INS STEP 00 00``."""
        return CommandApdu(CLA, self.INS, self.STEP, 0)


@dataclass(frozen=True, slots=True)
class GetStatus(_Fixed):
    """Ask what the device has."""

    INS: ClassVar[Ins] = Ins.STATUS

    def parse(self, data: bytes) -> KeyState:
        """Available u8, sealed u8."""
        states = {b"\0\0": KeyState.NONE, b"\1\0": KeyState.UNSEALED, b"\1\1": KeyState.SEALED}
        if data not in states:
            raise RemoteProtocolError("the app's answer is no state of a key")
        return states[data]


@dataclass(frozen=True, slots=True)
class GetPublicKey(_Fixed):
    """Ask for the public key."""

    INS: ClassVar[Ins] = Ins.PUBLIC_KEY

    def parse(self, data: bytes) -> bytes:
        """Return 65 bytes, uncompressed."""
        if len(data) != _PUBLIC_BYTES or data[0] != 4:
            raise RemoteProtocolError("the app's answer is no public key")
        return data


@dataclass(frozen=True, slots=True)
class Create(_Fixed):
    """Have a key made."""

    INS: ClassVar[Ins] = Ins.CREATE

    def parse(self, data: bytes) -> None:
        """Nothing is answered."""
        _expect_nothing(data)


class _Said(_Fixed):
    """A command answered with a public key and a signature."""

    __slots__ = ()

    def parse(self, data: bytes) -> bytes:
        """Return both as they came: 65 bytes and at most 72 of DER."""
        if not _PUBLIC_BYTES < len(data) <= _PUBLIC_BYTES + _MAX_SIGNATURE_BYTES:
            raise RemoteProtocolError("the app's answer is no key with a signature")
        return data


@dataclass(frozen=True, slots=True)
class GetAttestation(_Said):
    """Ask for the device's attestation key and the owner's certificate of it."""

    INS: ClassVar[Ins] = Ins.ATTESTATION


@dataclass(frozen=True, slots=True)
class ExportHello(_Said):
    """Begin an export: the person is asked."""

    INS: ClassVar[Ins] = Ins.EXPORT
    STEP: ClassVar[int] = 1
    gesture: ClassVar[Gesture | None] = Gesture.ALLOW_EXPORT


@dataclass(frozen=True, slots=True)
class ImportHello(_Said):
    """Begin an import: our app asks the person, the published one does not."""

    INS: ClassVar[Ins] = Ins.IMPORT
    STEP: ClassVar[int] = 1
    gesture: ClassVar[Gesture | None] = Gesture.ALLOW_IMPORT


@dataclass(frozen=True, slots=True)
class _Told:
    """A command that brings what the other side said."""

    said: bytes
    INS: ClassVar[Ins]
    STEP: ClassVar[int]
    layer: ClassVar[Layer] = Layer.TRANSFER
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 INS STEP 00 Lc``, bytes."""
        return CommandApdu(CLA, self.INS, self.STEP, 0, self.said)


@dataclass(frozen=True, slots=True)
class _Taken(_Told):
    """One that is answered with nothing."""

    def parse(self, data: bytes) -> None:
        """Nothing is answered."""
        _expect_nothing(data)


@dataclass(frozen=True, slots=True)
class ExportMeet(_Taken):
    """Bring the sender the receiver's attestation."""

    INS: ClassVar[Ins] = Ins.EXPORT
    STEP: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class ExportLetGo(_Told):
    """Bring the sender the receiver's hello: it erases the key and answers it, encrypted for the receiver alone."""

    INS: ClassVar[Ins] = Ins.EXPORT
    STEP: ClassVar[int] = 3

    def parse(self, data: bytes) -> bytes:
        """Return IV and ciphertext, 48 bytes."""
        if len(data) != _BLOB_BYTES:
            raise RemoteProtocolError("the app's answer is no encrypted key")
        return data


@dataclass(frozen=True, slots=True)
class ImportMeet(_Taken):
    """Bring the receiver the sender's attestation."""

    INS: ClassVar[Ins] = Ins.IMPORT
    STEP: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class ImportOpen(_Taken):
    """Bring the receiver the sender's hello."""

    INS: ClassVar[Ins] = Ins.IMPORT
    STEP: ClassVar[int] = 3


@dataclass(frozen=True, slots=True)
class ImportKeep(_Taken):
    """Bring the receiver the key."""

    INS: ClassVar[Ins] = Ins.IMPORT
    STEP: ClassVar[int] = 4


@dataclass(frozen=True, slots=True)
class SignDigest:
    """Sign 32 bytes; a sealed key asks the person, and is unsealed for ever."""

    digest: bytes
    layer: ClassVar[Layer] = Layer.TRANSFER
    gesture: ClassVar[Gesture | None] = Gesture.BREAK_SEAL

    def __post_init__(self) -> None:
        if len(self.digest) != DIGEST_BYTES:
            raise UsageError(f"what is signed has {DIGEST_BYTES} bytes, not {len(self.digest)}")

    def to_apdu(self) -> CommandApdu:
        """``E0 02 00 00 20``, digest."""
        return CommandApdu(CLA, Ins.SIGN, 0, 0, self.digest)

    def parse(self, data: bytes) -> bytes:
        """Return the DER signature."""
        if not 0 < len(data) <= _MAX_SIGNATURE_BYTES:
            raise RemoteProtocolError("the app's answer holds no signature")
        return data


def _expect_nothing(data: bytes) -> None:
    if data:
        raise RemoteProtocolError("the app answered more than was asked")
