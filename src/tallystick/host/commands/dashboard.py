"""The plain commands of the operating system (wire-protocol C)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.gesture import Gesture
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.boundaries import Boundaries
from tallystick.wire.buffer import Reader
from tallystick.wire.dashboard import (
    MAX_APP_NAME_BYTES,
    MAX_DEVICE_NAME_BYTES,
    AppAndVersion,
    AppListEntry,
    BatteryQuery,
    BootloaderInfo,
    CommonIns,
    Ins,
    SecureElementInfo,
    decode_app_list,
    decode_battery,
    decode_device_name,
    encode_app_name,
    encode_device_name,
    parse_version,
    request,
)
from tallystick.wire.status import Layer

_OS = Layer.OS


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVersion:
    """Ask what the device is and in which state (C.2)."""

    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 01 00 00 00``."""
        return request(Ins.GET_VERSION)

    def parse(self, data: bytes) -> SecureElementInfo | BootloaderInfo:
        """Return the form that the target id calls for."""
        return parse_version(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBoundaries:
    """Ask a device of ours which walls it has; real devices do not know the command."""

    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``B0 F0 00 00 00``."""
        return request(CommonIns.BOUNDARIES)

    def parse(self, data: bytes) -> Boundaries:
        """Return whether the worlds are isolated, and what is missing."""
        return Boundaries.from_bytes(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAppAndVersion:
    """Ask what is open: an app or the dashboard (C.1)."""

    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``B0 01 00 00 00``."""
        return request(CommonIns.APP_AND_VERSION)

    def parse(self, data: bytes) -> AppAndVersion:
        """Return name, version and flags; refuse names that would play tricks on a terminal."""
        opened = AppAndVersion.from_bytes(data)
        # old dashboards end their name in a NUL, which the codec knows and nobody prints
        if not (opened.is_dashboard or opened.name.isprintable()) or not opened.version.isprintable():
            raise RemoteProtocolError("the name of the open app is not printable")
        return opened


@dataclass(frozen=True, slots=True, kw_only=True)
class ListApps:
    """Ask for a page of the installed apps: the first, which the person must allow, or the next (C.4)."""

    is_continued: bool = False
    layer: ClassVar[Layer] = _OS

    @property
    def gesture(self) -> Gesture | None:
        """Only the first page is asked for."""
        return None if self.is_continued else Gesture.ALLOW_LIST_APPS

    def to_apdu(self) -> CommandApdu:
        """``E0 DE 00 00 00``, then ``E0 DF 00 00 00``."""
        return request(Ins.LIST_APPS_CONTINUE if self.is_continued else Ins.LIST_APPS)

    def parse(self, data: bytes) -> tuple[AppListEntry, ...]:
        """Return the entries; none means that the list is at its end."""
        entries = decode_app_list(data)
        if not all(entry.name.isprintable() for entry in entries):
            raise RemoteProtocolError("the name of an installed app is not printable")
        return entries


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApp:
    """Ask the person to open the app of this name."""

    name: str
    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = Gesture.ALLOW_OPEN_APP

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.encode()) <= MAX_APP_NAME_BYTES or not self.name.isprintable():
            raise UsageError(
                f"an app's name is printable and has 1 to {MAX_APP_NAME_BYTES} bytes",
                remedy="give a name as `tally app list` shows it",
            )

    def to_apdu(self) -> CommandApdu:
        """``E0 D8 00 00 Lc``, name."""
        return request(Ins.OPEN_APP, data=encode_app_name(self.name))

    def parse(self, data: bytes) -> None:
        """Nothing is answered; the device then re-enumerates with the app running."""
        Reader(data).finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuitApp:
    """Have the running app ended; the device then re-enumerates with its dashboard."""

    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``B0 A7 00 00 00``."""
        return request(CommonIns.QUIT_APP)

    def parse(self, data: bytes) -> None:
        """Nothing is answered."""
        Reader(data).finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeviceName:
    """Ask for the name its owner gave the device."""

    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 D2 00 00 00``."""
        return request(Ins.GET_DEVICE_NAME)

    def parse(self, data: bytes) -> str:
        """Return the name, at most 20 bytes of printable UTF-8."""
        return decode_device_name(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDeviceName:
    """Give the device another name (1 to 20 bytes of printable UTF-8), if the person agrees."""

    name: str
    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = Gesture.ALLOW_RENAME

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.encode()) <= MAX_DEVICE_NAME_BYTES or not self.name.isprintable():
            raise UsageError(
                f"a device's name is printable and has 1 to {MAX_DEVICE_NAME_BYTES} bytes", remedy="choose another name"
            )

    def to_apdu(self) -> CommandApdu:
        """``E0 D4 00 00 Lc``, name."""
        return request(Ins.SET_DEVICE_NAME, data=encode_device_name(self.name))

    def parse(self, data: bytes) -> None:
        """Nothing is answered."""
        Reader(data).finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBattery:
    """Ask for one number about the battery."""

    query: BatteryQuery = BatteryQuery.PERCENT
    layer: ClassVar[Layer] = _OS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``E0 10 00 P2 00``, P2 being the query."""
        return request(Ins.BATTERY, 0, self.query)

    def parse(self, data: bytes) -> int:
        """Return the number: percent, mV, degrees Celsius, mA or flags; a percentage above 100 means that it is unknown."""
        return decode_battery(self.query, data)
