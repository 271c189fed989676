"""Versions of the OS and of the Normal World in the database: finding the next one, publishing a release."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tallystick.errors import UsageError
from tallystick.manager.catalog.service import blob_data, checked_text, keep_blob, providers_of
from tallystick.manager.db.model import Device, FinalFile, Mcu, Osu, Provider
from tallystick.manager.db.model import Final as FinalRow
from tallystick.manager.firmware.roll_out import is_offered
from tallystick.manager.firmware.script import StoredRelease
from tallystick.wire.firmware import ARTEFACTS, SECURE_WORLD
from tallystick.wire.manager_flow import DEFAULT_PERSO, DEFAULT_PROVIDER
from tallystick.wire.model import version_key

#: what the blob of a file of a release is called
KIND: Final = "firmware"
OSU: Final = "-osu"
#: ends the name of a first step that brings the last one along
WHOLE: Final = "_whole"
#: clients from this version on leave the last step to the device (wire-protocol I.3)
_NO_LAST_STEP: Final = (34, 1, 0)
_NORMAL_WORLD: Final = ARTEFACTS["normal_world"]
_MAX_VERSION: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFirmware:
    """A version of the OS that devices may run, with the Normal World it comes with; nothing to install."""

    version: str
    mcu_version: str
    mcu_bootloader_version: str = ""
    providers: tuple[int, ...] = (DEFAULT_PROVIDER,)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFirmware(KnownFirmware):
    """A release to publish: its files by name, and who is offered it (`roll_out`).

    Its Normal World is flashed on the way unless the device says that it has one of the same version: a version is one sequence
    of bytes, and a release with other ones under a version that is known is not published.
    """

    files: Mapping[str, bytes] = field(repr=False)
    notes: str = ""
    distribution_ratio: float | None = None
    exclude_by_default: bool = False
    minimum_live_version: str | None = None


def know(session: Session, device: Device, known: KnownFirmware) -> FinalRow:
    """Put in a version that devices run; one that is there stays as it is."""
    final = find_final(session, device_id=device.id, version=known.version)
    if final is not None:
        return final
    now = datetime.now(UTC)
    final = FinalRow(
        device_id=device.id, version=known.version, display_name=known.version, notes="", perso=DEFAULT_PERSO,
        firmware=None, hash=None, size=None, distribution_ratio=None, exclude_by_default=False, created=now, modified=now,
        providers=providers_of(session, known.providers), mcus=[], files=[],
    )  # fmt: skip
    session.add(final)
    session.flush()
    final.mcus = [_mcu(session, device, known, now=now)]
    session.flush()
    _link_updates(session, device)
    return final


def publish(session: Session, device: Device, new: NewFirmware) -> FinalRow:
    """Offer a release to the older versions of a device; published again, its terms are the new ones, for more providers.

    Raises UsageError when files are missing, a term is none, or the version is published with other files.
    """
    missing = set(ARTEFACTS.values()) - new.files.keys()
    if missing:
        raise UsageError(f"the release lacks {min(missing)}", remedy="give the folder that `tally factory build` made")
    if new.distribution_ratio is not None and not 0 <= new.distribution_ratio <= 1:
        raise UsageError("a distribution ratio is from 0 to 1", remedy="like 0.1 for every tenth user")
    minimum = new.minimum_live_version
    if minimum is not None and (len(minimum) > _MAX_VERSION or not any(version_key(minimum))):
        raise UsageError("the client's least version is none", remedy="give it like 2.71.0")
    notes = checked_text(new.notes, what="notes")
    final = know(session, device, new)
    _offer_to(session, final, new)
    blobs = {name: keep_blob(session, KIND, data) for name, data in sorted(new.files.items())}
    stored = {one.name: one.digest for one in final.files}
    if stored and stored != {name: blob.digest for name, blob in blobs.items()}:
        raise UsageError(
            f"{device.name} {new.version} is published with other files", remedy="give the release another version"
        )
    now = datetime.now(UTC)
    if not stored:
        final.files = [FinalFile(name=name, digest=blob.digest) for name, blob in blobs.items()]
    secure_world = new.files[SECURE_WORLD]
    final.firmware = f"{device.name}/{new.version}/upgrade"
    final.hash = hashlib.sha256(secure_world).hexdigest()
    final.size = sum(blob.size for blob in blobs.values())
    final.notes, final.modified = notes, now
    final.distribution_ratio, final.exclude_by_default = new.distribution_ratio, new.exclude_by_default
    mcu = _mcu(session, device, new, now=now)
    _check_normal_world(session, mcu, blobs[_NORMAL_WORLD].digest)
    mcu.final_id = final.id
    mcu.providers += [one for one in final.providers if one not in mcu.providers]
    final.mcus = [mcu]
    for step in final.steps:
        step.minimum_live_version, step.modified = minimum, now
    if not final.steps:
        session.add(
            Osu(
                final=final, name=new.version + OSU, firmware=f"{final.firmware}_osu", hash=final.hash,
                minimum_live_version=minimum, created=now, modified=now, previous=[],
            )
        )  # fmt: skip
    session.flush()
    _link_updates(session, device)
    return final


def _offer_to(session: Session, final: FinalRow, new: NewFirmware) -> None:
    """Add the providers of a release; raise UsageError when its version is known to others, who would be offered it too."""
    others = [one.id for one in final.providers if one.id not in new.providers]
    if others and not final.files:
        raise UsageError(
            f"the version {final.version} is known to provider {others[0]}, who would be offered it, too",
            remedy=f"give the release another version, or add --provider {others[0]}",
        )
    final.providers += [one for one in providers_of(session, new.providers) if one not in final.providers]


def _check_normal_world(session: Session, mcu: Mcu, digest: str) -> None:
    """Raise UsageError when the version of this Normal World is published with other bytes: no client could tell them apart."""
    release = None if mcu.final_id is None else session.get(FinalRow, mcu.final_id)
    stored = {} if release is None else {one.name: one.digest for one in release.files}
    if stored.get(_NORMAL_WORLD, digest) != digest:
        raise UsageError(
            f"the Normal World {mcu.name} is published with other bytes",
            remedy="build the release with another --mcu-version",
        )


def _mcu(session: Session, device: Device, known: KnownFirmware, *, now: datetime) -> Mcu:
    """Return the Normal World of a version, made if need be."""
    mcu = session.scalar(select(Mcu).where(Mcu.device_id == device.id, Mcu.name == known.mcu_version))
    if mcu is None:
        mcu = Mcu(
            device_id=device.id, name=known.mcu_version, description="", final_id=None,
            from_bootloader_version=known.mcu_bootloader_version, created=now, modified=now,
            providers=providers_of(session, known.providers), finals=[],
        )  # fmt: skip
        session.add(mcu)
        session.flush()
    return mcu


def _link_updates(session: Session, device: Device) -> None:
    """Let every step of an update begin at all older versions of the device."""
    finals = list(session.scalars(select(FinalRow).where(FinalRow.device_id == device.id)))
    for final in finals:
        for step in final.steps:
            step.previous = [one for one in finals if version_key(one.version) < version_key(final.version)]
    session.flush()


def leaves_the_end_to_the_device(live_version: str) -> bool:
    """Return whether a client of this version (empty: not told) sends no last step: it is given a first one that brings it along."""
    return version_key(live_version) >= _NO_LAST_STEP


def find_device(session: Session, *, target_id: int, provider: int) -> Device | None:
    """Return the device with a target id, None when it or the provider is unknown."""
    if session.get(Provider, provider) is None:
        return None
    return session.scalar(select(Device).where(Device.target_id == target_id))


def find_final(session: Session, *, device_id: int, version: str, provider: int | None = None) -> FinalRow | None:
    """Return a version of the OS, of a provider if one is given."""
    query = select(FinalRow).where(FinalRow.device_id == device_id, FinalRow.version == version)
    if provider is not None:
        query = query.where(FinalRow.providers.any(Provider.id == provider))
    return session.scalar(query)


def find_osu(session: Session, *, device_id: int, name: str, provider: int) -> Osu | None:
    """Return the step of an update that calls itself `name`, like ``1.2.0-osu``."""
    return session.scalar(
        select(Osu)
        .join(Osu.final)
        .where(Osu.name == name, FinalRow.device_id == device_id, FinalRow.providers.any(Provider.id == provider))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What a device runs, and who asks: ids, the salt of the user, the version of the client (empty: not told)."""

    final_id: int
    device_id: int
    provider: int
    salt: str = ""
    live_version: str = ""


def next_step(session: Session, runs: Runs) -> Osu | None:
    """Return the step to the highest version that is offered to a device and its user, None when there is none."""
    steps = session.scalars(
        select(Osu)
        .join(Osu.final)
        .where(
            Osu.previous.any(FinalRow.id == runs.final_id),
            FinalRow.device_id == runs.device_id,
            FinalRow.providers.any(Provider.id == runs.provider),
        )
    ).unique()
    offered = [step for step in steps if _is_offered(step, runs)]
    return max(offered, key=lambda step: (version_key(step.final.version), step.id), default=None)


def _is_offered(step: Osu, runs: Runs) -> bool:
    minimum = step.minimum_live_version
    if minimum and runs.live_version and version_key(runs.live_version) < version_key(minimum):
        return False
    final = step.final
    return is_offered(
        salt=runs.salt,
        firmware_id=final.id,
        ratio=final.distribution_ratio,
        exclude_by_default=final.exclude_by_default,
    )


def stored_release(session: Session, final: FinalRow, *, mcu_version: str = "") -> StoredRelease:
    """Return a release with its files."""
    return StoredRelease(
        target_id=final.device.target_id,
        version=final.version,
        mcu_version=mcu_version,
        files={one.name: blob_data(session, one.digest) for one in final.files},
    )


def find_mcu(session: Session, *, mcu_target_id: int, name: str) -> Mcu | None:
    """Return the Normal World of this name for a device in bootloader mode, with a release to install it from.

    Models of which no table knows what they say in that mode share one target id: there the name decides, as long as all that
    have it are of one release.
    """
    found = list(session.scalars(select(Mcu).where(Mcu.name == name, Mcu.final_id.is_not(None)).order_by(Mcu.id)))
    exact = [one for one in found if one.device.mcu_target_id == mcu_target_id]
    if exact:
        return exact[0]
    shared = [one for one in found if one.device.mcu_target_id is None]
    releases = {frozenset((file.name, file.digest) for file in one.release.files) for one in shared if one.release}
    return shared[0] if len(releases) == 1 else None
