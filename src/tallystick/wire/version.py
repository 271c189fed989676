"""The answer to ``E0 01``: what a device is and in which state (wire-protocol C.2).

Two forms, told apart by the top digit of the target id: 3 is the secure element (dashboard or OSU), anything else the
bootloader. Which of the later fields a secure element sends depends on model and version: the table `FIELDS`. Values are
plain; `to_bytes` leaves out what this version does not have, and stops at the first value that is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.model import by_target_id, version_key
from tallystick.wire.version_flag import OnboardingStep, SeedType, StateFlag, VersionFlags

__all__ = [
    "FIELDS",
    "BootloaderInfo",
    "OnboardingStep",
    "SecureElementInfo",
    "SeedType",
    "StateFlag",
    "VersionFlags",
    "parse_version",
]


_Version = tuple[int, int, int]
_ALWAYS: Final[_Version] = (0, 0, 0)

#: from which version on each model sends each later field, in the order they are sent; a model not named never does.
#: For the recover state clients disagree; these are the thresholds that the answers of real devices bear out.
FIELDS: Final[dict[str, dict[str, _Version]]] = {
    "mcu_bootloader_version": {
        "nanos": (2, 0, 0),
        "nanox": (2, 0, 0),
        "nanosp": (1, 0, 0),
        "stax": (1, 0, 0),
        "flex": _ALWAYS,
        "apex_p": _ALWAYS,
    },
    "hardware_version": {"nanox": (2, 0, 0)},
    "language": {"nanox": (2, 1, 0), "nanosp": (1, 1, 0), "stax": (1, 0, 0), "flex": _ALWAYS, "apex_p": _ALWAYS},
    "recover_state": {"nanox": (2, 1, 0), "nanosp": (1, 1, 0), "stax": (1, 0, 0), "flex": _ALWAYS},
    "recovery_key_state": {"stax": (1, 7, 0), "flex": (1, 4, 0)},
}

_OSU: Final = "-osu"
_NANOS_MODERN: Final[_Version] = (2, 0, 0)
_MCU_HASH_BYTES = 32
_SE_VERSION_AT_LEAST = 5


def _later_fields(target_id: int, version: str) -> list[str]:
    model = by_target_id(target_id)
    if model is None or _OSU in version:
        # an OSU sends none of them, and clients skip them there
        return []
    key = version_key(version)
    return [name for name, since in FIELDS.items() if model.name in since and key >= since[model.name]]


def _is_old_nano_s(target_id: int, version: str) -> bool:
    model = by_target_id(target_id)
    return model is not None and model.name == "nanos" and version_key(version) < _NANOS_MODERN


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureElementInfo:
    """What the dashboard or an OSU answers.

    `version` and the MCU versions are text without a trailing NUL; `mcu_hash` (32 bytes) is sent by old Nano S firmware only;
    the last four are one byte each. `extra` is what a device newer than this table sent behind them.
    """

    target_id: int
    version: str
    flags: VersionFlags
    mcu_version: str
    mcu_hash: bytes | None = None
    mcu_bootloader_version: str | None = None
    hardware_version: int | None = None
    language: int | None = None
    recover_state: int | None = None
    recovery_key_state: int | None = None
    extra: bytes = b""

    @property
    def is_osu(self) -> bool:
        """True while an intermediate image of a firmware update runs."""
        return _OSU in self.version

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the answer without its status word; raise RemoteProtocolError when a field is cut short."""
        reader = Reader(raw)
        target_id = reader.u32()
        version = reader.text_lv()
        flags = VersionFlags(reader.lv())
        mcu_version = reader.text_lv().rstrip("\x00")
        mcu_hash = bootloader = None
        numbers: dict[str, int] = {}
        if reader.remaining and _is_old_nano_s(target_id, version):
            mcu_hash = reader.lv()
            if len(mcu_hash) != _MCU_HASH_BYTES:
                raise reader.error(f"a hash of the MCU has {_MCU_HASH_BYTES} bytes, not {len(mcu_hash)}")
        for name in _later_fields(target_id, version):
            if not reader.remaining:
                break
            if name == "mcu_bootloader_version":
                bootloader = reader.text_lv()
            else:
                numbers[name] = _one_byte(reader, name)
        return cls(
            target_id=target_id,
            version=version,
            flags=flags,
            mcu_version=mcu_version,
            mcu_hash=mcu_hash,
            mcu_bootloader_version=bootloader,
            hardware_version=numbers.get("hardware_version"),
            language=numbers.get("language"),
            recover_state=numbers.get("recover_state"),
            recovery_key_state=numbers.get("recovery_key_state"),
            extra=reader.rest(),
        )

    def to_bytes(self) -> bytes:
        """Return the answer without its status word, with the fields that this model and version sends."""
        writer = Writer().u32(self.target_id).text_lv(self.version).lv(self.flags.raw)
        if _is_old_nano_s(self.target_id, self.version):
            writer.text_lv(self.mcu_version + "\x00")
            if self.mcu_hash is not None:
                writer.lv(self.mcu_hash)
            return writer.take(self.extra).to_bytes()
        writer.text_lv(self.mcu_version)
        for name in _later_fields(self.target_id, self.version):
            value: str | int | None = getattr(self, name)
            if value is None:
                return writer.to_bytes()
            writer.lv(value.encode() if isinstance(value, str) else bytes((value,)))
        return writer.take(self.extra).to_bytes()


def _one_byte(reader: Reader, name: str) -> int:
    value = reader.lv()
    if len(value) != 1:
        raise reader.error(f"the field {name} has one byte, not {len(value)}")
    return value[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class BootloaderInfo:
    """What a bootloader answers; a blank one sends an empty `version` and nothing more.

    `target_id` is the MCU's, `se_target_id` (32 bits) the secure element's, `se_version` its version where it is told.
    """

    target_id: int
    version: str = ""
    flags: VersionFlags | None = None
    se_version: str | None = None
    se_target_id: int | None = None
    extra: bytes = b""

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the answer without its status word; raise RemoteProtocolError when a field is cut short.

        An old bootloader announces longer flags than it sends: the flags are then what is there.
        """
        reader = Reader(raw)
        target_id, version = reader.u32(), reader.text_lv()
        if not reader.remaining:
            return cls(target_id=target_id, version=version)
        flags = VersionFlags(reader.take(min(reader.u8(), reader.remaining)))
        se_version = se_target_id = None
        if reader.remaining:
            field = reader.lv()
            if len(field) > 4:
                se_version, field = _text(field, reader), reader.lv()
            if len(field) != 4:
                raise reader.error(f"a target id has 4 bytes, not {len(field)}")
            se_target_id = int.from_bytes(field, "big")
        return cls(
            target_id=target_id,
            version=version,
            flags=flags,
            se_version=se_version,
            se_target_id=se_target_id,
            extra=reader.rest(),
        )

    def to_bytes(self) -> bytes:
        """Return the answer without its status word.

        Raises LocalProtocolError for a secure-element version without its target id, or under 5 letters: nobody could tell
        it from a target id.
        """
        writer = Writer().u32(self.target_id).text_lv(self.version)
        if self.flags is None:
            return writer.to_bytes()
        writer.lv(self.flags.raw)
        if self.se_version is not None:
            if self.se_target_id is None or len(self.se_version.encode()) < _SE_VERSION_AT_LEAST:
                raise LocalProtocolError("a secure-element version has 5 letters at least and a target id behind it")
            writer.text_lv(self.se_version)
        if self.se_target_id is not None:
            writer.u8(4).u32(self.se_target_id)
            writer.take(self.extra)
        return writer.to_bytes()


def _text(field: bytes, reader: Reader) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError:
        raise reader.error("a version is not UTF-8") from None


def parse_version(raw: bytes) -> SecureElementInfo | BootloaderInfo:
    """Read an ``E0 01`` answer (without its status word) in whichever form its target id says."""
    if Reader(raw).u32() >> 28 == 3:
        return SecureElementInfo.from_bytes(raw)
    return BootloaderInfo.from_bytes(raw)
