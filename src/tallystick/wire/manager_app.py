"""What a manager answers about apps (wire-protocol H.2); the types of members are those of `manager_object`."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.wire.manager_object import Ids, Object, named


@dataclass(frozen=True, slots=True, kw_only=True)
class AppVersion(Object):
    """One app for one kind of device, as the first API has it; `app` is the id of the application."""

    id: int
    name: str
    version: str
    app: int = 0
    description: str | None = None
    display_name: str = ""
    icon: str | None = None
    notes: str | None = None
    perso: str
    hash: str
    firmware: str
    firmware_key: str
    delete: str
    delete_key: str
    device_versions: Ids = ()
    se_firmware_final_versions: Ids = ()
    providers: Ids = ()
    type: str | None = None
    bytes: int | None = None
    warning: str | None = None
    date_creation: str = ""
    date_last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppV2(Object):
    """One app for one kind of device, as current clients read it; `compatible_wallets` is JSON in a text."""

    version_id: int = named("versionId")
    version_name: str = named("versionName")
    version_display_name: str | None = named("versionDisplayName", default=None)
    version: str
    currency_id: str | None = named("currencyId", default=None)
    description: str | None = None
    application_type: str | None = named("applicationType", default=None)
    date_modified: str = named("dateModified", default="")
    icon: str | None = None
    author_name: str | None = named("authorName", default=None)
    support_url: str | None = named("supportURL", default=None)
    contact_url: str | None = named("contactURL", default=None)
    source_url: str | None = named("sourceURL", default=None)
    compatible_wallets: str | None = named("compatibleWallets", default=None)
    hash: str
    perso: str
    firmware: str
    firmware_key: str = named("firmwareKey")
    delete: str
    delete_key: str = named("deleteKey")
    bytes: int | None = None
    warning: str | None = None
    is_dev_tools: bool = named("isDevTools", default=False)
    category: int | None = None
    parent: int | None = None
    parent_name: str | None = named("parentName", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Object):
    """One app, whatever its version and device, with each of its versions for each device: clients look their hashes up there."""

    id: int
    name: str
    description: str | None = None
    category: int | None = None
    publisher: int | None = None
    icon: str | None = None
    currency_id: str | None = named("currencyId", default=None)
    author_name: str | None = named("authorName", default=None)
    support_url: str | None = named("supportURL", default=None)
    contact_url: str | None = named("contactURL", default=None)
    source_url: str | None = named("sourceURL", default=None)
    compatible_wallets_json: str | None = named("compatibleWalletsJSON", default=None)
    providers: Ids = ()
    application_versions: tuple[AppVersion, ...] = ()
    date_creation: str = ""
    date_last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(Object):
    """A shelf of the catalogue."""

    id: int
    name: str
    description: str = ""
    providers: Ids = ()
    applications: Ids = ()
    date_creation: str = ""
    date_last_modified: str = ""
