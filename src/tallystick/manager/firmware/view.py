"""Devices and firmware over HTTP (wire-protocol H.1, H.2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tallystick.manager.db.base import iso
from tallystick.manager.db.model import AppOffer, Device, Mcu, Osu, Provider
from tallystick.manager.db.model import Final as FinalRow
from tallystick.manager.firmware.service import (
    OSU,
    WHOLE,
    Runs,
    find_device,
    find_final,
    find_osu,
    leaves_the_end_to_the_device,
    next_step,
)
from tallystick.manager.web import Parameters, View, not_found
from tallystick.wire import manager_firmware as wire
from tallystick.wire.manager_flow import provider_of


def get_device_version(session: Session, asked: Parameters) -> object:
    """Return the device with a target id."""
    device = find_device(session, target_id=asked.number("target_id"), provider=asked.provider)
    if device is None:
        raise not_found("such device for this provider")
    return device_version(session, device).to_json()


def get_firmware_version(session: Session, asked: Parameters) -> object:
    """Return the version of the OS that a device says it runs."""
    version = asked.text("version_name")
    provider = asked.number("provider", default=provider_of(version))
    found = find_final(session, device_id=asked.number("device_version"), version=version, provider=provider)
    if found is None:
        raise not_found("such firmware for this device and provider")
    return final_firmware(session, found).to_json()


def get_osu_version(session: Session, asked: Parameters) -> object:
    """Return the step of an update that a device says it is in."""
    name = asked.text("version_name")
    provider = asked.number("provider", default=provider_of(name))
    name = name.removesuffix(OSU) + OSU
    found = find_osu(session, device_id=asked.number("device_version"), name=name, provider=provider)
    if found is None:
        raise not_found("such update for this device and provider")
    return osu_firmware(found, is_whole=_is_whole(asked)).to_json()


def get_latest_firmware(session: Session, asked: Parameters) -> object:
    """Return the next update of a device, or ``null`` in the way that clients want it."""
    step = next_step(
        session,
        Runs(
            final_id=asked.number("current_se_firmware_final_version"),
            device_id=asked.number("device_version"),
            provider=asked.provider,
            salt=asked.text("salt", default=""),
            live_version=asked.text("livecommonversion", default=""),
        ),
    )
    if step is None:
        return {"result": "null", "se_firmware_osu_version": {}}
    return {"result": "success", "se_firmware_osu_version": osu_firmware(step, is_whole=_is_whole(asked)).to_json()}


def final_by_id(session: Session, asked: Parameters) -> object:
    """Return a version of the OS."""
    found = session.get(FinalRow, asked.number("id"))
    if found is None:
        raise not_found("firmware of this id")
    return final_firmware(session, found, is_whole=_is_whole(asked)).to_json()


def mcu_versions(session: Session, asked: Parameters) -> object:
    """Return all versions of Normal Worlds, of one provider if it is given."""
    query = select(Mcu).order_by(Mcu.id)
    provider = asked.number("provider", default=0)
    if provider:
        query = query.where(Mcu.providers.any(Provider.id == provider))
    return [mcu_version(one).to_json() for one in session.scalars(query)]


def mcu_by_id(session: Session, asked: Parameters) -> object:
    """Return one version of a Normal World."""
    found = session.get(Mcu, asked.number("id"))
    if found is None:
        raise not_found("MCU version of this id")
    return mcu_version(found).to_json()


def mcu_for_bootloader(session: Session, asked: Parameters) -> object:
    """Return the newest version of a Normal World for a bootloader (an old client asks so)."""
    found = session.scalar(
        select(Mcu).where(Mcu.from_bootloader_version == asked.text("bootloader_version")).order_by(Mcu.id.desc())
    )
    if found is None:
        raise not_found("MCU version for this bootloader")
    return mcu_version(found).to_json()


def device_version(session: Session, device: Device) -> wire.DeviceVersion:
    """Return a device as clients read it."""
    finals = tuple(session.scalars(select(FinalRow.id).where(FinalRow.device_id == device.id).order_by(FinalRow.id)))
    return wire.DeviceVersion(
        id=device.id,
        name=device.name,
        display_name=device.display_name,
        target_id=str(device.target_id),
        description="",
        device=device.id,
        providers=tuple(session.scalars(select(Provider.id).order_by(Provider.id))),
        mcu_versions=tuple(session.scalars(select(Mcu.id).where(Mcu.device_id == device.id).order_by(Mcu.id))),
        se_firmware_final_versions=finals,
        osu_versions=tuple(session.scalars(select(Osu.id).where(Osu.final_id.in_(finals)).order_by(Osu.id))),
        application_versions=_offers(session, finals),
        date_creation=iso(device.created),
        date_last_modified=iso(device.modified),
    )


def final_firmware(session: Session, final: FinalRow, *, is_whole: bool = False) -> wire.FinalFirmware:
    """Return a version of the OS as clients read it, without a script when its first step brings the last one along (`is_whole`)."""
    firmware = None if is_whole else final.firmware
    return wire.FinalFirmware(
        id=final.id,
        name=final.version,
        version=final.version,
        se_firmware=final.device_id,
        description=final.notes,
        display_name=final.display_name,
        notes=final.notes,
        perso=final.perso,
        firmware=firmware,
        firmware_key=None if firmware is None else f"{firmware}_key",
        hash=final.hash,
        distribution_ratio=final.distribution_ratio,
        exclude_by_default=final.exclude_by_default,
        osu_versions=tuple(step.id for step in final.steps),
        device_versions=(final.device_id,),
        mcu_versions=tuple(sorted(mcu.id for mcu in final.mcus)),
        application_versions=_offers(session, (final.id,)),
        providers=_ids(final.providers),
        bytes=final.size,
        date_creation=iso(final.created),
        date_last_modified=iso(final.modified),
    )


def osu_firmware(step: Osu, *, is_whole: bool = False) -> wire.OsuFirmware:
    """Return the first step of an update as clients read it, one that brings the last along if `is_whole`."""
    final = step.final
    firmware = step.firmware + (WHOLE if is_whole else "")
    return wire.OsuFirmware(
        id=step.id,
        name=step.name,
        description=final.notes,
        display_name=step.name,
        notes=final.notes,
        perso=final.perso,
        firmware=firmware,
        firmware_key=f"{firmware}_key",
        hash=step.hash,
        next_se_firmware_final_version=final.id,
        previous_se_firmware_final_versions=tuple(sorted(one.id for one in step.previous)),
        device_versions=(final.device_id,),
        providers=_ids(final.providers),
        minimum_live_common_version=step.minimum_live_version,
        date_creation=iso(step.created),
        date_last_modified=iso(step.modified),
    )


def mcu_version(mcu: Mcu) -> wire.McuVersion:
    """Return a version of a Normal World as clients read it."""
    return wire.McuVersion(
        id=mcu.id,
        mcu=mcu.device_id,
        name=mcu.name,
        description=mcu.description,
        providers=_ids(mcu.providers),
        device_versions=(mcu.device_id,),
        from_bootloader_version=mcu.from_bootloader_version,
        from_bootloader_version_id=None,
        se_firmware_final_versions=tuple(sorted(one.id for one in mcu.finals)),
        date_creation=iso(mcu.created),
        date_last_modified=iso(mcu.modified),
    )


def _is_whole(asked: Parameters) -> bool:
    return leaves_the_end_to_the_device(asked.text("livecommonversion", default=""))


def _ids(providers: list[Provider]) -> tuple[int, ...]:
    return tuple(sorted(one.id for one in providers))


def _offers(session: Session, finals: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(session.scalars(select(AppOffer.id).where(AppOffer.final_id.in_(finals)).order_by(AppOffer.id)))


#: by their paths
VIEWS: Final[Mapping[str, View]] = MappingProxyType(
    {
        "/get_device_version": get_device_version,
        "/get_firmware_version": get_firmware_version,
        "/get_osu_version": get_osu_version,
        "/get_latest_firmware": get_latest_firmware,
        "/firmware_final_versions/{id}": final_by_id,
        "/mcu_versions": mcu_versions,
        "/mcu_versions/{id}": mcu_by_id,
        "/mcu_versions_bootloader": mcu_for_bootloader,
    }
)
