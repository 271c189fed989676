"""The plain commands of the operating system: instruction bytes and the messages behind them (wire-protocol C).

Some messages have modules of their own, `tallystick.wire.version` (``E0 01``), `tallystick.wire.app_list` and
`tallystick.wire.battery`; their names are here too. Text that a device shows or a terminal prints must be printable: an escape sequence in a device's name is
refused where it enters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.app_list import AppListEntry, decode_app_list, encode_app_list
from tallystick.wire.battery import BatteryFlag, BatteryQuery, decode_battery, encode_battery
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.version import (
    BootloaderInfo,
    OnboardingStep,
    SecureElementInfo,
    SeedType,
    StateFlag,
    VersionFlags,
    parse_version,
)

__all__ = [
    "CLA_COMMON",
    "CLA_OS",
    "DASHBOARD_NAME",
    "MAX_APP_NAME_BYTES",
    "MAX_DEVICE_NAME_BYTES",
    "AppAndVersion",
    "AppListEntry",
    "BatteryFlag",
    "BatteryQuery",
    "BootloaderInfo",
    "CommonIns",
    "HostOnboarding",
    "Ins",
    "MemoryInfo",
    "OnboardingKind",
    "OnboardingStep",
    "SecureElementInfo",
    "SeedType",
    "StateFlag",
    "VersionFlags",
    "decode_app_list",
    "decode_app_name",
    "decode_battery",
    "decode_device_name",
    "encode_app_list",
    "encode_app_name",
    "encode_battery",
    "encode_device_name",
    "parse_version",
    "request",
]

CLA_OS: Final = 0xE0
CLA_COMMON: Final = 0xB0
#: what ``B0 01`` names when no app is open
DASHBOARD_NAME: Final = "BOLOS"
MAX_DEVICE_NAME_BYTES: Final = 20
MAX_APP_NAME_BYTES: Final = 32

_OTHER_DASHBOARD_NAMES = frozenset({"OLOS\x00", "OLOS"})
_FORMAT = 1
_APP_NAME_INVALID = 0x670A


@unique
class Ins(IntEnum):
    """Instructions of class E0."""

    CHANNEL = 0x00
    GET_VERSION = 0x01
    ONBOARDING_CHECK = 0x03
    VALIDATE_TARGET_ID = 0x04
    BATTERY = 0x10
    LANGUAGE_CREATE = 0x30
    LANGUAGE_LOAD = 0x31
    LANGUAGE_COMMIT = 0x32
    LANGUAGE_DELETE = 0x33
    LANGUAGE_LIST = 0x34
    CHANNEL_NONCE = 0x50
    CHANNEL_HOST_CERTIFICATE = 0x51
    CHANNEL_DEVICE_CERTIFICATE = 0x52
    CHANNEL_AUTHENTICATE = 0x53
    IMAGE_CREATE = 0x60
    IMAGE_LOAD = 0x61
    IMAGE_COMMIT = 0x62
    IMAGE_DELETE = 0x63
    IMAGE_SIZE = 0x64
    IMAGE_FETCH = 0x65
    IMAGE_HASH = 0x66
    STORAGE_INFO = 0x6A
    STORAGE_BACKUP = 0x6B
    STORAGE_RESTORE_INIT = 0x6C
    STORAGE_RESTORE = 0x6D
    STORAGE_RESTORE_COMMIT = 0x6E
    REINSTALL_CONSENT = 0x6F
    ENDORSEMENT_START = 0xC0
    ENDORSEMENT_COMMIT = 0xC2
    HOST_ONBOARDING = 0xD0
    GET_DEVICE_NAME = 0xD2
    SET_DEVICE_NAME = 0xD4
    OPEN_APP = 0xD8
    LIST_APPS = 0xDE
    LIST_APPS_CONTINUE = 0xDF


@unique
class CommonIns(IntEnum):
    """Instructions of class B0, answered with an app open too."""

    APP_AND_VERSION = 0x01
    SEED_COOKIE = 0x02
    LOAD_CERTIFICATE = 0x06
    STACK_DEBUG = 0x57
    QUIT_APP = 0xA7
    #: ours alone: which walls the device has; real devices answer 6D00 or 6E00 (see `wire.boundaries`)
    BOUNDARIES = 0xF0


def request(ins: Ins | CommonIns, p1: int = 0, p2: int = 0, *, data: bytes = b"") -> CommandApdu:
    """Return the command of an instruction, with the class it belongs to."""
    return CommandApdu(CLA_OS if isinstance(ins, Ins) else CLA_COMMON, ins, p1, p2, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAndVersion:
    """The answer to ``B0 01``: what is open. `flags` is absent from some apps (wire-protocol C.1)."""

    name: str
    version: str
    flags: bytes | None = None

    @property
    def is_dashboard(self) -> bool:
        """True when no app is open."""
        return self.name == DASHBOARD_NAME or self.name in _OTHER_DASHBOARD_NAMES

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the answer without its status word. Raises RemoteProtocolError."""
        reader = Reader(raw)
        if reader.u8() != _FORMAT:
            raise reader.error("the name of the open app has an unknown format")
        name, version = reader.text_lv(), reader.text_lv()
        flags = reader.lv() if reader.remaining else None
        reader.finish()
        return cls(name=name, version=version, flags=flags)

    def to_bytes(self) -> bytes:
        """Return the answer without its status word."""
        writer = Writer().u8(_FORMAT).text_lv(self.name).text_lv(self.version)
        return (writer if self.flags is None else writer.lv(self.flags)).to_bytes()


def encode_device_name(name: str) -> bytes:
    """Return a device's name as it is sent; raise LocalProtocolError above 20 bytes or when it is not printable."""
    raw = name.encode()
    if len(raw) > MAX_DEVICE_NAME_BYTES or not name.isprintable():
        raise LocalProtocolError(f"a device's name is printable and has at most {MAX_DEVICE_NAME_BYTES} bytes")
    return raw


def decode_device_name(raw: bytes) -> str:
    """Read a device's name, either way; raise RemoteProtocolError (6700) above 20 bytes or when it is not printable."""
    return _printable(raw, limit=MAX_DEVICE_NAME_BYTES, status=0x6700)


def encode_app_name(name: str) -> bytes:
    """Return the data of an open-app command; raise LocalProtocolError when `name` is empty, long or not printable."""
    raw = name.encode()
    if not 1 <= len(raw) <= MAX_APP_NAME_BYTES or not name.isprintable():
        raise LocalProtocolError(f"an app's name is printable and has 1 to {MAX_APP_NAME_BYTES} bytes")
    return raw


def decode_app_name(raw: bytes) -> str:
    """Read the data of an open-app command; raise RemoteProtocolError (670A) when it is no name."""
    if not raw:
        raise RemoteProtocolError("an app's name is missing", status=_APP_NAME_INVALID)
    return _printable(raw, limit=MAX_APP_NAME_BYTES, status=_APP_NAME_INVALID)


def _printable(raw: bytes, *, limit: int, status: int) -> str:
    try:
        text = bytes(raw).decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError("a name is not UTF-8", status=status) from None
    if len(raw) > limit or not text.isprintable():
        raise RemoteProtocolError(f"a name is printable and has at most {limit} bytes", status=status)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryInfo:
    """The flash of a device: sizes in blocks as the device counts, and slots for apps (wire-protocol E, sub-command 11)."""

    system: int
    applications: int
    free: int
    used_slots: int
    total_slots: int

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read five numbers of 32 bits. Raises RemoteProtocolError."""
        reader = Reader(raw)
        info = cls(
            system=reader.u32(),
            applications=reader.u32(),
            free=reader.u32(),
            used_slots=reader.u32(),
            total_slots=reader.u32(),
        )
        reader.finish()
        return info

    def to_bytes(self) -> bytes:
        """Return five numbers of 32 bits."""
        writer = Writer().u32(self.system).u32(self.applications).u32(self.free)
        return writer.u32(self.used_slots).u32(self.total_slots).to_bytes()


@unique
class OnboardingKind(IntEnum):
    """P1 of the host-onboarding command."""

    MAIN = 0
    SECOND_PIN = 1
    TEMPORARY_PASSPHRASE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOnboarding:
    """The data of ``E0 D0``: secrets as raw bytes (ASCII, NFKD), empty when absent; none of them is ever shown (C.5)."""

    pin: bytes = field(default=b"", repr=False)
    prefix: bytes = field(default=b"", repr=False)
    passphrase: bytes = field(default=b"", repr=False)
    words: bytes = field(default=b"", repr=False)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read four length-value fields. Raises RemoteProtocolError, whose text holds none of them."""
        reader = Reader(raw)
        message = cls(pin=reader.lv(), prefix=reader.lv(), passphrase=reader.lv(), words=reader.lv())
        reader.finish()
        return message

    def to_bytes(self) -> bytes:
        """Return four length-value fields."""
        return Writer().lv(self.pin).lv(self.prefix).lv(self.passphrase).lv(self.words).to_bytes()
