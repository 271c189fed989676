"""What a device has to do next to be up to date: a pure function of what it says and what its manager has (wire-protocol I).

Nothing about an update is kept here or anywhere on the host. So an update that was cut off anywhere goes on by asking again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from tallystick.host.manager_address import NotOffered
from tallystick.host.manager_client import ManagerClient
from tallystick.wire.manager_firmware import DeviceVersion, FinalFirmware, McuVersion, OsuFirmware
from tallystick.wire.manager_flow import provider_of
from tallystick.wire.model import version_key
from tallystick.wire.version import BootloaderInfo, SecureElementInfo

#: a client that is nobody in particular (wire-protocol H.1)
SALT: Final = "0"
_OSU: Final = "-osu"
_NOT_FLASHED: Final = "none"
#: an old bootloader calls itself so, and takes what is made for the other (wire-protocol I.4)
_ALIASES: Final = {"0.0": "0.6"}

Reading = SecureElementInfo | BootloaderInfo


@unique
class NextStep(StrEnum):
    """What is to be done; the values are stable words."""

    NONE = "up_to_date"
    OSU = "install_update"
    MCU = "flash_mcu"
    FINAL = "install_final"
    #: the device does the rest by itself
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where a device is and what comes next. `final` is the firmware it will have in the end, or has.

    `osu` is there while one is to be installed or in hand; `mcu` is what is to be flashed, by its name in `mcu_version`;
    `flashes_mcu` tells whether that is part of the way.
    """

    reading: Reading
    step: NextStep
    final: FinalFirmware
    osu: OsuFirmware | None = None
    flashes_mcu: bool = False
    mcu_version: str = ""

    @property
    def is_up_to_date(self) -> bool:
        """True when nothing is left to do."""
        return self.step is NextStep.NONE


def plan(manager: ManagerClient, reading: Reading) -> Plan:
    """Compute what comes next for a device that said `reading` (I.2, I.6).

    Raises NotOffered when the manager does not know the device, its version, or anything to flash.
    """
    if isinstance(reading, BootloaderInfo):
        return _in_bootloader(manager, reading)
    provider = provider_of(reading.version)
    device = manager.device_version(reading.target_id, provider=provider)
    if not reading.is_osu:
        current = manager.firmware_version(device.id, reading.version, provider=provider)
        osu = manager.latest_firmware(device.id, current.id, provider=provider, salt=SALT)
        if osu is None:
            return Plan(reading=reading, step=NextStep.NONE, final=current)
        final = manager.final_firmware(osu.next_se_firmware_final_version)
        flashes = should_flash(reading.mcu_version, final, _mcus(manager, device, provider))
        return Plan(reading=reading, step=NextStep.OSU, final=final, osu=osu, flashes_mcu=flashes)
    osu = manager.osu_version(device.id, reading.version.partition(_OSU)[0] + _OSU, provider=provider)
    final = manager.final_firmware(osu.next_se_firmware_final_version)
    if should_flash(reading.mcu_version, final, _mcus(manager, device, provider)):
        return Plan(reading=reading, step=NextStep.MCU, final=final, osu=osu, flashes_mcu=True)
    step = NextStep.FINAL if final.firmware else NextStep.WAIT
    return Plan(reading=reading, step=step, final=final, osu=osu)


def _in_bootloader(manager: ManagerClient, reading: BootloaderInfo) -> Plan:
    """Plan for a bootloader: it tells which Secure World it belongs to, whether that is being updated or to be repaired."""
    if reading.se_target_id is None or reading.se_version is None:
        raise NotOffered(
            "the device's bootloader does not say what it belongs to",
            remedy="unplug it and plug it in again without holding a button",
        )
    provider = provider_of(reading.se_version)
    device = manager.device_version(reading.se_target_id, provider=provider)
    osu: OsuFirmware | None = None
    if _OSU in reading.se_version:
        osu = manager.osu_version(device.id, reading.se_version.partition(_OSU)[0] + _OSU, provider=provider)
        final = manager.final_firmware(osu.next_se_firmware_final_version)
    else:
        final = manager.firmware_version(device.id, reading.se_version, provider=provider)
    mcu = best_mcu(final, _mcus(manager, device, provider), provider=provider)
    return Plan(
        reading=reading,
        step=NextStep.MCU,
        final=final,
        osu=osu,
        flashes_mcu=True,
        mcu_version=flash_version(reading.version, mcu),
    )


def _mcus(manager: ManagerClient, device: DeviceVersion, provider: int) -> tuple[McuVersion, ...]:
    """Return the versions for this kind of device: different kinds may use the same names."""
    return tuple(
        one
        for one in manager.mcu_versions(provider=provider)
        if not one.device_versions or device.id in one.device_versions
    )


def should_flash(mcu_version: str, final: FinalFirmware, mcus: tuple[McuVersion, ...]) -> bool:
    """Tell whether a firmware needs another MCU than the one that says `mcu_version`; an unknown one has to be replaced."""
    return not any(one.name == mcu_version and one.id in final.mcu_versions for one in mcus)


def best_mcu(final: FinalFirmware, mcus: tuple[McuVersion, ...], *, provider: int) -> McuVersion:
    """Return the newest MCU that goes with a firmware (I.4); raise NotOffered when there is none."""
    fitting = [
        one
        for one in mcus
        if provider in one.providers and one.from_bootloader_version != _NOT_FLASHED and one.id in final.mcu_versions
    ]
    if not fitting:
        raise NotOffered(f"the manager has no MCU version for {final.version}", remedy="ask whoever runs it")
    return max(fitting, key=lambda one: version_key(one.name))


def flash_version(bootloader: str, mcu: McuVersion) -> str:
    """Return what to ask for: the MCU by its name, or first the bootloader it needs, by two numbers (I.4)."""
    here = _two(bootloader)
    needed = _two(mcu.from_bootloader_version)
    return mcu.name if not needed or _ALIASES.get(here, here) == needed else needed


def _two(version: str) -> str:
    return ".".join(version.split(".")[:2])
