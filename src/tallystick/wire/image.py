"""App images: what is loaded into a device and what it hashes to (wire-protocol E.1, E.3, E.4 and E.6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.install import Curve, Derivation, InstallParameters, Slip21Path

__all__ = ["AppFlag", "AppImage", "CreateApp", "Curve", "Derivation", "InstallParameters", "Slip21Path"]

_WITHOUT_API_LEVEL: Final = 20
_WITH_API_LEVEL: Final = 21
#: above this low digit of the target id, the full hash begins with target id and version
_LAST_GENERATION_WITHOUT_TARGET: Final = 3


class AppFlag(IntFlag):
    """What an app is and may do; a list of apps tells the low 16 bits."""

    MAIN = 0x1
    BOLOS_UPGRADE = 0x2
    SIGNED = 0x4
    BOLOS_UX = 0x8
    DERIVE_MASTER = 0x10
    SHARED_NVRAM = 0x20
    GLOBAL_PIN = 0x40
    DEBUG = 0x80
    AUTO_BOOT = 0x100
    BOLOS_SETTINGS = 0x200
    CUSTOM_CA = 0x400
    LIBRARY = 0x800
    NO_RUN = 0x1000
    LANGUAGE_PACK = 0x2000
    ISSUER = 0x4000
    ENABLED = 0x8000
    BACKGROUND_IMAGE = 0x10000
    NOT_REVIEWED = 0x20000
    RESERVED = 0x40000
    #: our own: may sign with attestation key 1 what it likes, in the name of any app
    SIGN_WITHOUT_CODE_HASH = 0x80000000


_NO_FLAGS: Final = AppFlag(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApp:
    """The parameters of CREATE APP, without the sub-command byte 0B: lengths in bytes, `boot_offset` from the lowest address.

    `api_level` (one byte) is None in the form of 20 bytes.
    """

    api_level: int | None = None
    code_length: int
    data_length: int
    parameters_length: int
    flags: AppFlag = _NO_FLAGS
    boot_offset: int = 0

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read 20 or 21 bytes; raise RemoteProtocolError (6700) for any other number."""
        if len(raw) not in {_WITHOUT_API_LEVEL, _WITH_API_LEVEL}:
            raise RemoteProtocolError(f"the parameters of an app have 20 or 21 bytes, not {len(raw)}", status=0x6700)
        reader = Reader(raw)
        return cls(
            api_level=reader.u8() if len(raw) == _WITH_API_LEVEL else None,
            code_length=reader.u32(),
            data_length=reader.u32(),
            parameters_length=reader.u32(),
            flags=AppFlag(reader.u32()),
            boot_offset=reader.u32(),
        )

    def to_bytes(self) -> bytes:
        """Return 20 bytes, or 21 with an API level."""
        writer = Writer() if self.api_level is None else Writer().u8(self.api_level)
        writer.u32(self.code_length).u32(self.data_length).u32(self.parameters_length)
        return writer.u32(self.flags).u32(self.boot_offset).to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppImage:
    """A whole app: what CREATE APP announced and the three areas in the order of their addresses.

    Raises LocalProtocolError when an area has another length than announced.
    """

    create: CreateApp
    code: bytes
    data: bytes
    parameters: bytes

    def __post_init__(self) -> None:
        announced = (self.create.code_length, self.create.data_length, self.create.parameters_length)
        if announced != (len(self.code), len(self.data), len(self.parameters)):
            raise LocalProtocolError("an area of the app has another length than announced")

    def full_hash(self, target_id: int, os_version: str) -> bytes:
        """Return the SHA-256 (32 bytes) that a signature of this app for this target and OS version signs."""
        digest = hashlib.sha256()
        if target_id & 0x0F > _LAST_GENERATION_WITHOUT_TARGET:
            digest.update(Writer().u32(target_id).to_bytes() + os_version.encode("ascii"))
        for part in (self.create.to_bytes(), self.code, self.data, self.parameters):
            digest.update(part)
        return digest.digest()

    def code_hash(self) -> bytes:
        """Return the SHA-256 (32 bytes) over code and data: no public source says what a vendor's device hashes here."""
        return hashlib.sha256(self.code + self.data).digest()
