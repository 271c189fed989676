"""Which script a client named: an app in or out, a step of a firmware update (wire-protocol H.2, H.3).

Names are given out by the catalogue: ``NAME`` and ``NAME_key`` install, ``NAME_del`` and ``NAME_del_key`` remove. The key's name
says nothing more, so a wrong one is refused; and so is a hash that is not that of what was named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tallystick.manager.catalog.service import blob_data
from tallystick.manager.db.model import App, AppOffer, AppRelease, Device, Osu
from tallystick.manager.db.model import Final as FinalRow
from tallystick.manager.firmware.script import ScriptKind
from tallystick.manager.firmware.service import WHOLE, find_mcu, stored_release
from tallystick.manager.flow import NOT_FOUND, FlowError
from tallystick.manager.genuine.work import checked_target
from tallystick.manager.install.flow import run_firmware, run_plain, run_script
from tallystick.manager.install.image import image_from_bytes
from tallystick.manager.service import Service
from tallystick.manager.work import Work
from tallystick.wire.loader import DeleteApp, load_script
from tallystick.wire.manager_flow import FlowRequest

_DELETE: Final = "_del"
_KEY: Final = "_key"
#: bootloaders have other target ids than the Secure Worlds they start
_SECURE_ELEMENT: Final = 3
#: apps whose commands are kept ready; those of the largest app take a few MiB
_KEPT: Final = 8


def install_work(service: Service, asked: FlowRequest) -> Work:
    """Return the script named by `firmware`."""
    checked_target(asked)
    name = asked.firmware
    if asked.firmware_key not in {"", name + _KEY}:
        raise FlowError(f"{asked.firmware_key} is not the key of {name}", status=NOT_FOUND)
    with service.sessions() as session:
        offered = _find_app(session, name.removesuffix(_DELETE))
        if offered is not None:
            return _app_work(service, session, offered, asked)
        step = session.scalar(select(Osu).where(Osu.firmware == name.removesuffix(WHOLE)))
        if step is not None:
            kind = ScriptKind.WHOLE if name.endswith(WHOLE) else ScriptKind.OSU
            return _firmware_work(service, session, step.final, asked, kind)
        final = session.scalar(select(FinalRow).where(FinalRow.firmware == name))
        if final is not None:
            return _firmware_work(service, session, final, asked, ScriptKind.FINAL)
    raise FlowError(f"nothing is called {name}" if name else "firmware is not named", status=NOT_FOUND)


def mcu_work(service: Service, asked: FlowRequest) -> Work:
    """Return the script that flashes a Normal World: plain, to a bootloader."""
    if asked.target_id >> 28 == _SECURE_ELEMENT and not asked.version:
        raise FlowError("version is not named", status=NOT_FOUND)
    with service.sessions() as session:
        mcu = find_mcu(session, mcu_target_id=asked.target_id, name=asked.version)
        if mcu is None or mcu.release is None:
            raise FlowError(f"there is no MCU version {asked.version} for this device", status=NOT_FOUND)
        release = stored_release(session, mcu.release, mcu_version=mcu.name)

    def script() -> Sequence[bytes]:
        return service.scripts.commands(ScriptKind.MCU, release, software=service.keyring.software)

    return Work(action="mcu", subject=mcu.name, flow=run_plain(asked.target_id, script), is_heavy=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfferedApp:
    """What is needed to install or remove an app; hashes are hexadecimal."""

    name: str
    firmware: str
    target_id: int
    full_hash: str
    digest: str
    signature: bytes


def _find_app(session: Session, firmware: str) -> _OfferedApp | None:
    """Return the app that is offered under a name; one query, since every install asks it."""
    found = session.execute(
        select(App.name, Device.target_id, AppOffer.full_hash, AppRelease.digest, AppOffer.signature)
        .join(AppRelease, AppRelease.id == AppOffer.release_id)
        .join(App, App.id == AppRelease.app_id)
        .join(FinalRow, FinalRow.id == AppOffer.final_id)
        .join(Device, Device.id == FinalRow.device_id)
        .where(AppOffer.firmware == firmware)
    ).one_or_none()
    if found is None:
        return None
    name, target_id, full_hash, digest, signature = found
    return _OfferedApp(
        name=name, firmware=firmware, target_id=target_id, full_hash=full_hash, digest=digest, signature=signature
    )


def _app_work(service: Service, session: Session, offered: _OfferedApp, asked: FlowRequest) -> Work:
    _check(offered.target_id, offered.full_hash, asked)
    if asked.firmware.endswith(_DELETE):
        command = DeleteApp(name=offered.name).to_bytes()
        flow = run_script(service.channel_keys, asked.target_id, lambda: (command,))
        return Work(action="remove", subject=offered.firmware, flow=flow)
    blob = blob_data(session, offered.digest)

    def script() -> Sequence[bytes]:
        return _load_commands(blob, offered.signature)

    flow = run_script(service.channel_keys, asked.target_id, script)
    return Work(action="install", subject=offered.firmware, flow=flow)


@lru_cache(maxsize=_KEPT)
def _load_commands(blob: bytes, signature: bytes) -> tuple[bytes, ...]:
    """Return the commands that load a stored app: the same for every device, before its channel wraps them."""
    return tuple(load_script(image_from_bytes(blob), signature=signature))


def _firmware_work(service: Service, session: Session, final: FinalRow, asked: FlowRequest, kind: ScriptKind) -> Work:
    _check(final.device.target_id, final.hash, asked)
    release = stored_release(session, final)

    def script(runs: str) -> Sequence[bytes]:
        return service.scripts.commands(kind, replace(release, runs=runs), software=service.keyring.software)

    return Work(
        action=kind.value,
        subject=asked.firmware,
        flow=run_firmware(service.channel_keys, asked.target_id, script),
        is_heavy=True,
    )


def _check(target_id: int, digest: str | None, asked: FlowRequest) -> None:
    """Refuse what is for another device, or has another hash than the client thinks."""
    if target_id != asked.target_id:
        raise FlowError(f"{asked.firmware} is for another device", status=NOT_FOUND)
    if asked.hash and asked.hash.lower() != digest:
        raise FlowError(f"{asked.firmware} has another hash", status=NOT_FOUND)
