"""Devices and apps in the database: what there is, finding it, adding to it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.manager.db.model import App, AppOffer, AppRelease, Blob, Category, Device, Icon, Provider
from tallystick.manager.db.model import Final as FinalRow
from tallystick.manager.hsm.signer import Signer
from tallystick.manager.install.image import KIND, image_from_bytes, image_to_bytes
from tallystick.wire.image import AppImage
from tallystick.wire.install import InstallParameters
from tallystick.wire.manager_flow import DEFAULT_PROVIDER, PROVIDER_SUFFIXES
from tallystick.wire.model import MODELS, version_key

_CATEGORY: Final = "apps"
_NOT_PLAIN: Final = re.compile(r"[^a-z0-9.]+")
#: letters of a text for people, as the tables have it
_MAX_TEXT: Final = 4096
#: control characters and halves of letters
_NO_LETTERS: Final = frozenset({"Cc", "Cs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """An app to publish: its image, the models it is for (names; none means all), and how it is shown.

    `icon` is a PNG. `replace` allows other bytes under a version that is published already, and a name that is nearly that of
    another app: for a developer's own catalogue.
    """

    image: AppImage = field(repr=False)
    models: tuple[str, ...] = ()
    providers: tuple[int, ...] = (DEFAULT_PROVIDER,)
    description: str = ""
    notes: str = ""
    icon: bytes | None = field(default=None, repr=False)
    replace: bool = False


def stock(session: Session) -> None:
    """Put in what every catalogue has: providers, models, one category. What is there stays as it is."""
    now = datetime.now(UTC)
    names = {DEFAULT_PROVIDER: "default"} | {number: suffix for suffix, number in PROVIDER_SUFFIXES.items()}
    known = set(session.scalars(select(Provider.id)))
    session.add_all(Provider(id=number, name=name) for number, name in names.items() if number not in known)
    targets = set(session.scalars(select(Device.target_id)))
    for model in MODELS.values():
        if model.target_id not in targets:
            session.add(
                Device(
                    name=model.name,
                    display_name=model.product,
                    target_id=model.target_id,
                    mcu_target_id=model.mcu_target_id,
                    created=now,
                    modified=now,
                )
            )
    if session.scalar(select(Category).where(Category.name == _CATEGORY)) is None:
        session.add(Category(name=_CATEGORY, description="", created=now, modified=now))
    session.flush()


def devices_named(session: Session, models: Iterable[str]) -> list[Device]:
    """Return the devices of these models, all for none; raise UsageError for an unknown name."""
    wanted = set(models)
    found = [one for one in session.scalars(select(Device).order_by(Device.id)) if not wanted or one.name in wanted]
    unknown = wanted - {one.name for one in found}
    if unknown:
        raise UsageError(f"there is no model {min(unknown)}", remedy=f"choose of: {', '.join(MODELS)}")
    return found


def providers_of(session: Session, numbers: Iterable[int]) -> list[Provider]:
    """Return the providers with these numbers; raise UsageError for an unknown one."""
    wanted = set(numbers)
    found = list(session.scalars(select(Provider).where(Provider.id.in_(wanted)).order_by(Provider.id)))
    if len(found) != len(wanted):
        raise UsageError("there is no such provider", remedy="providers are 1 to 5; 1 is everybody's")
    return found


def keep_blob(session: Session, kind: str, data: bytes) -> Blob:
    """Store bytes, once for all who have the same."""
    digest = hashlib.sha256(data).hexdigest()
    blob = session.get(Blob, digest)
    if blob is None:
        blob = Blob(digest=digest, kind=kind, size=len(data), data=data)
        session.add(blob)
        session.flush()
    return blob


def publish_app(session: Session, new: NewApp, *, software: Signer) -> AppRelease:
    """Add an app and sign it for every known version of the OS of its devices; the same app again changes nothing.

    A description and notes replace those of before.

    Raises UsageError when the version is published with other bytes for one of the devices, when another app has nearly the
    same name, when a text cannot be shown, and when a model or provider is unknown.
    """
    try:
        parameters = InstallParameters.from_bytes(new.image.parameters)
    except RemoteProtocolError as error:
        raise UsageError(f"what the app says of itself: {error.message}", remedy="build the app anew") from error
    version = parameters.version or "0.0.0"
    now = datetime.now(UTC)
    blob = keep_blob(session, KIND, image_to_bytes(new.image))
    app = _app(session, parameters.name, new, now)
    releases = list(
        session.scalars(select(AppRelease).where(AppRelease.app_id == app.id, AppRelease.version == version))
    )
    release = next((one for one in releases if one.digest == blob.digest), None)
    known = [] if release is None else release.devices
    devices = [one for one in devices_named(session, new.models) if one not in known]
    # a native app has other bytes for each model
    if any(one in devices for other in releases for one in other.devices) and not new.replace:
        raise UsageError(
            f"{app.name} {version} is published with other bytes",
            remedy="give the app another version, or use --replace",
        )
    if release is None:
        release = AppRelease(
            app=app, version=version, blob=blob, notes="", size=blob.size, created=now, modified=now,
            devices=[], providers=[],
        )  # fmt: skip
        session.add(release)
    if new.notes:
        release.notes = checked_text(new.notes, what="notes")
    release.devices += devices
    release.providers += [one for one in providers_of(session, new.providers) if one not in release.providers]
    session.flush()
    sign_missing(session, software=software)
    return release


def _app(session: Session, name: str, new: NewApp, now: datetime) -> App:
    """Return the app of this name, made if need be, with the description and icon of what is published."""
    app = session.scalar(select(App).where(App.name == name))
    if app is None:
        if not new.replace:
            _require_distinct(session, name)
        category = session.scalars(select(Category).where(Category.name == _CATEGORY)).one()
        app = App(name=name, description="", category_id=category.id, created=now, modified=now)
        session.add(app)
        session.flush()
    if new.description:
        app.description = checked_text(new.description, what="description")
    if new.icon is not None:
        app.icon = plain(name)
        session.merge(Icon(name=app.icon, png=new.icon))
    return app


def _require_distinct(session: Session, name: str) -> None:
    """Raise UsageError when people, who name apps in any case, would take a new name for that of another app."""
    same = next((one for one in session.scalars(select(App.name)) if plain(one) == plain(name)), None)
    if same is not None:
        raise UsageError(
            f"the names {name} and {same} cannot be told apart",
            remedy="give the app another name: letters, digits and dots count, and no case",
        )


def checked_text(text: str, *, what: str) -> str:
    """Return a text for people; raise UsageError for one that is too long or has control characters other than ends of lines."""
    if len(text) > _MAX_TEXT or any(unicodedata.category(one) in _NO_LETTERS for one in text if one != "\n"):
        raise UsageError(
            f"the {what} cannot be shown to people",
            remedy=f"give at most {_MAX_TEXT} characters, and none that controls a terminal",
        )
    return text


def sign_missing(session: Session, *, software: Signer) -> int:
    """Sign every app for every version of the OS of its devices that it is not signed for yet; return how many that were.

    To be called after a version of the OS or an app was added.
    """
    signed = {(release, final) for release, final in session.execute(select(AppOffer.release_id, AppOffer.final_id))}
    finals: dict[int, list[FinalRow]] = {}
    for final in session.scalars(select(FinalRow).order_by(FinalRow.id)):
        finals.setdefault(final.device_id, []).append(final)
    count = 0
    for release in session.scalars(select(AppRelease).order_by(AppRelease.id)):
        wanted = [
            (device, final)
            for device in release.devices
            for final in finals.get(device.id, [])
            if (release.id, final.id) not in signed
        ]
        if wanted:
            image = image_from_bytes(blob_data(session, release.digest))
            session.add_all(_offer(release, device, final, image=image, software=software) for device, final in wanted)
            count += len(wanted)
    session.flush()
    return count


def _offer(release: AppRelease, device: Device, final: FinalRow, *, image: AppImage, software: Signer) -> AppOffer:
    digest = image.full_hash(device.target_id, final.version)
    name = plain(release.app.name)
    return AppOffer(
        release_id=release.id,
        final_id=final.id,
        firmware=f"{device.name}/{final.version}/{name}/app_{release.version}_{release.digest[:8]}",
        full_hash=digest.hex(),
        signature=software.sign_digest(digest),
        created=datetime.now(UTC),
    )


def blob_data(session: Session, digest: str) -> bytes:
    """Return stored bytes by their hash."""
    return session.scalars(select(Blob.data).where(Blob.digest == digest)).one()


def plain(name: str) -> str:
    """Return a name as part of a path: small letters, digits, dots and dashes."""
    return _NOT_PLAIN.sub("-", name.lower()).strip("-.") or "app"


def offers_for(session: Session, *, final: FinalRow, provider: int) -> list[AppOffer]:
    """Return the newest version of every app for one version of the OS, by the names of the apps."""
    offers = session.scalars(
        select(AppOffer)
        .join(AppOffer.release)
        .where(AppOffer.final_id == final.id, AppRelease.providers.any(Provider.id == provider))
    ).unique()
    newest: dict[int, AppOffer] = {}
    for offer in sorted(offers, key=lambda one: (version_key(one.release.version), one.release_id)):
        newest[offer.release.app_id] = offer
    return sorted(newest.values(), key=lambda one: one.release.app.name)


def offers_by_hash(session: Session, hashes: Sequence[str]) -> dict[str, AppOffer]:
    """Return the apps with these full hashes (hexadecimal); what is unknown is left out."""
    offers = session.scalars(select(AppOffer).where(AppOffer.full_hash.in_(hashes)).order_by(AppOffer.id)).unique()
    return {offer.full_hash: offer for offer in offers}
