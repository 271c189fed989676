"""What a manager answers about devices and their firmware (wire-protocol H.2); the types of members are those of `manager_object`."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.wire.manager_object import Ids, Object


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceVersion(Object):
    """One kind of device; `target_id` is decimal text."""

    id: int
    name: str = ""
    display_name: str = ""
    target_id: str = ""
    description: str = ""
    device: int = 0
    providers: Ids = ()
    mcu_versions: Ids = ()
    se_firmware_final_versions: Ids = ()
    osu_versions: Ids = ()
    application_versions: Ids = ()
    date_creation: str = ""
    date_last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalFirmware(Object):
    """One version of the OS; `firmware` None or empty: it installs itself."""

    id: int
    name: str
    version: str
    se_firmware: int = 0
    description: str = ""
    display_name: str = ""
    notes: str = ""
    perso: str
    firmware: str | None = None
    firmware_key: str | None = None
    hash: str | None = None
    distribution_ratio: float | None = None
    exclude_by_default: bool = False
    osu_versions: Ids = ()
    device_versions: Ids = ()
    mcu_versions: Ids = ()
    application_versions: Ids = ()
    providers: Ids = ()
    bytes: int | None = None
    date_creation: str = ""
    date_last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OsuFirmware(Object):
    """One step of an update: what is installed first to get to the final firmware `next_se_firmware_final_version`."""

    id: int
    name: str
    description: str = ""
    display_name: str = ""
    notes: str | None = ""
    perso: str
    firmware: str
    firmware_key: str
    hash: str | None = None
    next_se_firmware_final_version: int
    previous_se_firmware_final_versions: Ids = ()
    device_versions: Ids = ()
    providers: Ids = ()
    minimum_live_common_version: str | None = None
    date_creation: str = ""
    date_last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class McuVersion(Object):
    """One version of the Normal World; `from_bootloader_version` may be empty or `none`."""

    id: int
    mcu: int = 0
    name: str
    description: str | None = ""
    providers: Ids = ()
    device_versions: Ids = ()
    from_bootloader_version: str = ""
    from_bootloader_version_id: int | None = None
    se_firmware_final_versions: Ids = ()
    date_creation: str = ""
    date_last_modified: str = ""
