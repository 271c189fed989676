"""The catalogue over HTTP (wire-protocol H.1, H.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from starlette.responses import Response

from tallystick.manager.catalog.service import offers_by_hash, offers_for
from tallystick.manager.db.base import iso
from tallystick.manager.db.model import App, AppOffer, AppRelease, Category, Device, Icon
from tallystick.manager.db.model import Final as FinalRow
from tallystick.manager.web import Parameters, RequestError, View, not_found
from tallystick.wire import manager_app as wire
from tallystick.wire.manager_flow import DEFAULT_PERSO, DEFAULT_PROVIDER

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_MAX_HASHES: Final = 1000
_TYPE: Final = "tool"
_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}


def apps_by_target(session: Session, asked: Parameters) -> object:
    """Return the apps for a device and a version of its OS, an empty list when either is unknown."""
    final = session.scalar(
        select(FinalRow)
        .join(FinalRow.device)
        .where(
            Device.target_id == asked.number("target_id"),
            FinalRow.version == asked.text("firmware_version_name").removesuffix("-osu"),
        )
    )
    if final is None:
        return []
    return [app_v2(offer).to_json() for offer in offers_for(session, final=final, provider=asked.provider)]


def apps_by_hash(session: Session, asked: Parameters) -> object:
    """Return for each full hash in the body the app, or null, in the same order."""
    hashes = asked.body
    if not isinstance(hashes, list) or len(hashes) > _MAX_HASHES:
        raise RequestError(f"the body is not a list of at most {_MAX_HASHES} hashes")
    wanted = [one.lower() if isinstance(one, str) and _HASH.fullmatch(one) else "" for one in hashes]
    found = offers_by_hash(session, sorted(set(wanted) - {""}))
    return [app_v2(found[one]).to_json() if one in found else None for one in wanted]


def get_apps(session: Session, asked: Parameters) -> object:
    """Return the apps of a version of the OS, as the first API has them."""
    final = session.get(FinalRow, asked.number("current_se_firmware_final_version"))
    if final is None or final.device_id != asked.number("device_version"):
        raise not_found("such firmware for this device")
    offers = offers_for(session, final=final, provider=asked.provider)
    return {"application_versions": [app_version(offer).to_json() for offer in offers]}


def applications(session: Session, _asked: Parameters) -> object:
    """Return all apps with all their versions, also those that no catalogue has any more."""
    everything = selectinload(App.releases).selectinload(AppRelease.offers)
    return [_application(app).to_json() for app in session.scalars(select(App).options(everything).order_by(App.id))]


def categories(session: Session, _asked: Parameters) -> object:
    """Return the shelves of the catalogue."""
    apps = list(session.execute(select(App.category_id, App.id).order_by(App.id)))
    return [
        wire.Category(
            id=one.id,
            name=one.name,
            description=one.description,
            providers=(DEFAULT_PROVIDER,),
            applications=tuple(app for category, app in apps if category == one.id),
            date_creation=iso(one.created),
            date_last_modified=iso(one.modified),
        ).to_json()
        for one in session.scalars(select(Category).order_by(Category.id))
    ]


def icon(session: Session, asked: Parameters) -> object:
    """Return a picture as PNG."""
    found = session.get(Icon, asked.text("icon"))
    if found is None:
        raise not_found("icon of this name")
    return Response(found.png, media_type="image/png", headers=_A_DAY)


def no_languages(_session: Session, asked: Parameters) -> object:
    """Return the language packages for a device: there are none."""
    asked.number("device_version", default=0)
    return []


def app_v2(offer: AppOffer) -> wire.AppV2:
    """Return an app as current clients read it."""
    release = offer.release
    return wire.AppV2(
        version_id=offer.id,
        version_name=release.app.name,
        version_display_name=release.app.name,
        version=release.version,
        currency_id=release.app.currency,
        description=release.app.description or None,
        application_type="currency" if release.app.currency else _TYPE,
        date_modified=iso(release.modified),
        icon=release.app.icon,
        hash=offer.full_hash,
        perso=DEFAULT_PERSO,
        firmware=offer.firmware,
        firmware_key=f"{offer.firmware}_key",
        delete=f"{offer.firmware}_del",
        delete_key=f"{offer.firmware}_del_key",
        bytes=release.size,
        category=release.app.category_id,
    )


def app_version(offer: AppOffer) -> wire.AppVersion:
    """Return an app as the first API has it."""
    release = offer.release
    return wire.AppVersion(
        id=offer.id,
        name=release.app.name,
        version=release.version,
        app=release.app_id,
        description=release.app.description or None,
        display_name=release.app.name,
        icon=release.app.icon,
        notes=release.notes or None,
        perso=DEFAULT_PERSO,
        hash=offer.full_hash,
        firmware=offer.firmware,
        firmware_key=f"{offer.firmware}_key",
        delete=f"{offer.firmware}_del",
        delete_key=f"{offer.firmware}_del_key",
        device_versions=(offer.final.device_id,),
        se_firmware_final_versions=(offer.final_id,),
        providers=tuple(one.id for one in release.providers),
        type="currency" if release.app.currency else _TYPE,
        bytes=release.size,
        date_creation=iso(release.created),
        date_last_modified=iso(release.modified),
    )


def _application(app: App) -> wire.Application:
    return wire.Application(
        id=app.id,
        name=app.name,
        description=app.description or None,
        category=app.category_id,
        icon=app.icon,
        currency_id=app.currency,
        providers=tuple(sorted({one.id for release in app.releases for one in release.providers})),
        application_versions=tuple(
            app_version(offer)
            for offer in sorted((offer for release in app.releases for offer in release.offers), key=lambda one: one.id)
        ),
        date_creation=iso(app.created),
        date_last_modified=iso(app.modified),
    )


#: by their paths
VIEWS: Final[Mapping[str, View]] = MappingProxyType(
    {
        "/get_apps": get_apps,
        "/applications": applications,
        "/categories": categories,
        "/v2/apps/by-target": apps_by_target,
        "/v2/apps/hash": apps_by_hash,
        "/language-package": no_languages,
        "/language-packages": no_languages,
        "/icons/{icon}.png": icon,
    }
)
