"""What a manager offers: devices, firmware and apps (wire-protocol H.2).

::

    Device ─┬─ Final ──┬─ FinalFile ── Blob        one version of the OS, and the files of its release
            │          ├─ Osu                      the step that comes before it; Osu.previous: from where
            │          └─ Mcu (many to many)       the Normal Worlds it runs with
            └─ AppRelease ── Blob                  one version of an app for some devices
                 └─ AppOffer                       signed for one version of the OS of one device
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tallystick.manager.db.base import Base, Big, Digest, Id, Name, Stamp, Text


def _link(name: str, left: str, right: str) -> Table:
    """Return a table that links two others."""
    return Table(
        name,
        Base.metadata,
        Column(f"{left}_id", ForeignKey(f"{left}.id", ondelete="CASCADE"), primary_key=True),
        Column(f"{right}_id", ForeignKey(f"{right}.id", ondelete="CASCADE"), primary_key=True, index=True),
    )


final_provider = _link("final_provider", "final", "provider")
mcu_provider = _link("mcu_provider", "mcu", "provider")
release_provider = _link("release_provider", "app_release", "provider")
release_device = _link("release_device", "app_release", "device")
final_mcu = _link("final_mcu", "final", "mcu")
osu_previous = _link("osu_previous", "osu", "final")


class Setting(Base):
    """One fact about the whole database, such as the realm and the issuer it belongs to."""

    __tablename__ = "setting"
    name: Mapped[Name] = mapped_column(primary_key=True)
    value: Mapped[Text]


class Provider(Base):
    """A channel of distribution; 1 is everybody's."""

    __tablename__ = "provider"
    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)


class Device(Base):
    """One kind of device; `mcu_target_id` is what it says in bootloader mode, where a table knows."""

    __tablename__ = "device"
    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)
    display_name: Mapped[Name]
    target_id: Mapped[Big] = mapped_column(unique=True)
    mcu_target_id: Mapped[Big | None]
    created: Mapped[Stamp]
    modified: Mapped[Stamp]


class Blob(Base):
    """Bytes by their SHA-256 in hexadecimal; `kind` says how to read them."""

    __tablename__ = "blob"
    digest: Mapped[Digest] = mapped_column(primary_key=True)
    kind: Mapped[Name]
    size: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Final(Base):
    """One version of the OS of one device; with files it can be installed, without it is only known."""

    __tablename__ = "final"
    __table_args__ = (UniqueConstraint("device_id", "version"),)
    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    version: Mapped[Name]
    display_name: Mapped[Name]
    notes: Mapped[Text]
    perso: Mapped[Name]
    firmware: Mapped[Name | None] = mapped_column(unique=True)
    hash: Mapped[Digest | None]
    size: Mapped[int | None]
    distribution_ratio: Mapped[float | None]
    exclude_by_default: Mapped[bool]
    created: Mapped[Stamp]
    modified: Mapped[Stamp]
    device: Mapped[Device] = relationship()
    providers: Mapped[list[Provider]] = relationship(secondary=final_provider, lazy="selectin")
    mcus: Mapped[list[Mcu]] = relationship(secondary=final_mcu, back_populates="finals", lazy="selectin")
    files: Mapped[list[FinalFile]] = relationship(lazy="select", cascade="all, delete-orphan")
    steps: Mapped[list[Osu]] = relationship(back_populates="final", lazy="selectin")


class FinalFile(Base):
    """One file of a release, by its name in the release's folder."""

    __tablename__ = "final_file"
    final_id: Mapped[int] = mapped_column(ForeignKey("final.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[Name] = mapped_column(primary_key=True)
    digest: Mapped[Digest] = mapped_column(ForeignKey("blob.digest"))
    blob: Mapped[Blob] = relationship()


class Osu(Base):
    """The first step of an update to `final`, offered to devices that run one of `previous`."""

    __tablename__ = "osu"
    id: Mapped[Id]
    final_id: Mapped[int] = mapped_column(ForeignKey("final.id", ondelete="CASCADE"), index=True)
    name: Mapped[Name]
    firmware: Mapped[Name] = mapped_column(unique=True)
    hash: Mapped[Digest | None]
    minimum_live_version: Mapped[Name | None]
    created: Mapped[Stamp]
    modified: Mapped[Stamp]
    final: Mapped[Final] = relationship(back_populates="steps", lazy="joined")
    previous: Mapped[list[Final]] = relationship(secondary=osu_previous, lazy="selectin")


class Mcu(Base):
    """One version of the Normal World of one device; `final_id` names the release whose files hold it."""

    __tablename__ = "mcu"
    __table_args__ = (UniqueConstraint("device_id", "name"),)
    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    name: Mapped[Name]
    description: Mapped[Text]
    from_bootloader_version: Mapped[Name]
    final_id: Mapped[int | None] = mapped_column(ForeignKey("final.id", use_alter=True))
    created: Mapped[Stamp]
    modified: Mapped[Stamp]
    device: Mapped[Device] = relationship()
    release: Mapped[Final | None] = relationship(foreign_keys=[final_id])
    providers: Mapped[list[Provider]] = relationship(secondary=mcu_provider, lazy="selectin")
    finals: Mapped[list[Final]] = relationship(secondary=final_mcu, back_populates="mcus", lazy="selectin")


class Category(Base):
    """A shelf of the catalogue."""

    __tablename__ = "category"
    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)
    description: Mapped[Text]
    created: Mapped[Stamp]
    modified: Mapped[Stamp]


class Icon(Base):
    """A picture of an app as PNG, by its name without suffix."""

    __tablename__ = "icon"
    name: Mapped[Name] = mapped_column(primary_key=True)
    png: Mapped[bytes] = mapped_column(LargeBinary)


class App(Base):
    """One app, whatever its version."""

    __tablename__ = "app"
    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)
    description: Mapped[Text]
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    icon: Mapped[Name | None]
    currency: Mapped[Name | None]
    created: Mapped[Stamp]
    modified: Mapped[Stamp]
    releases: Mapped[list[AppRelease]] = relationship(back_populates="app")


class AppRelease(Base):
    """One version of an app, for some devices and providers; the blob is of kind `app` (`install.image`)."""

    __tablename__ = "app_release"
    __table_args__ = (UniqueConstraint("app_id", "version", "digest"),)
    id: Mapped[Id]
    app_id: Mapped[int] = mapped_column(ForeignKey("app.id"), index=True)
    version: Mapped[Name]
    digest: Mapped[Digest] = mapped_column(ForeignKey("blob.digest"))
    notes: Mapped[Text]
    size: Mapped[int]
    created: Mapped[Stamp]
    modified: Mapped[Stamp]
    app: Mapped[App] = relationship(back_populates="releases", lazy="joined")
    blob: Mapped[Blob] = relationship()
    devices: Mapped[list[Device]] = relationship(secondary=release_device, lazy="selectin")
    providers: Mapped[list[Provider]] = relationship(secondary=release_provider, lazy="selectin")
    offers: Mapped[list[AppOffer]] = relationship(back_populates="release")


class AppOffer(Base):
    """An app's release signed for one version of the OS of one device: full hash and DER signature of the software key."""

    __tablename__ = "app_offer"
    __table_args__ = (UniqueConstraint("release_id", "final_id"),)
    id: Mapped[Id]
    release_id: Mapped[int] = mapped_column(ForeignKey("app_release.id", ondelete="CASCADE"))
    final_id: Mapped[int] = mapped_column(ForeignKey("final.id", ondelete="CASCADE"), index=True)
    firmware: Mapped[Name] = mapped_column(unique=True)
    full_hash: Mapped[Digest] = mapped_column(index=True)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[Stamp]
    release: Mapped[AppRelease] = relationship(back_populates="offers", lazy="joined")
    final: Mapped[Final] = relationship(lazy="joined")
