"""The objects that a manager answers over HTTP, with their exact types (wire-protocol H.2).

A server sends every member, with the type that the strictest client checks; a host ignores members it does not know, takes a
missing or null member for its default, and an object that stands where an id is expected for the id inside it. Numbers are
ids unless said otherwise; `bytes` is a size in bytes; dates are ISO 8601 with the zone.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

from tallystick.errors import RemoteProtocolError

__all__ = [
    "AppV2",
    "AppVersion",
    "Application",
    "Category",
    "DeviceVersion",
    "FinalFirmware",
    "McuVersion",
    "OsuFirmware",
]

#: members of one list in an answer; the whole catalogue of the vendor is far below it
_MAX_ENTRIES = 10_000


def _named(name: str, **default: Any) -> Any:
    """Return a field that JSON calls by another name."""
    return field(metadata={"json": name}, **default)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """What all objects share: the way from and to JSON."""

    def to_json(self) -> dict[str, Any]:
        """Return every member under the name that clients read."""
        return {json: _plain(getattr(self, name)) for name, json, _, _ in _members(type(self))}

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Read an object; raise RemoteProtocolError when a member is missing or has another type."""
        if not isinstance(document, dict):
            raise RemoteProtocolError(f"the manager's answer is not a {cls.__name__}")
        values: dict[str, Any] = {}
        for name, json, hint, required in _members(cls):
            value = document.get(json)
            if value is None and not required:
                continue
            try:
                values[name] = _read(hint, value)
            except (ValueError, TypeError):
                raise RemoteProtocolError(f"the manager's answer: {cls.__name__}.{json} is not as it must be") from None
        return cls(**values)


#: what was found out about each class, once
_FOUND: dict[type[Any], tuple[tuple[str, str, Any, bool], ...]] = {}


def _members(cls: type[Any]) -> tuple[tuple[str, str, Any, bool], ...]:
    if cls not in _FOUND:
        hints = get_type_hints(cls)
        _FOUND[cls] = tuple(
            (
                one.name,
                one.metadata.get("json", one.name),
                hints[one.name],
                one.default is MISSING and one.default_factory is MISSING,
            )
            for one in fields(cls)
        )
    return _FOUND[cls]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _read(hint: Any, value: Any) -> Any:
    """Return `value` as the type `hint`, or raise ValueError."""
    if isinstance(hint, UnionType):
        if value is None:
            return None
        return _read(next(one for one in get_args(hint) if one is not NoneType), value)
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or len(value) > _MAX_ENTRIES:
            raise ValueError("no list")
        return tuple(_read(get_args(hint)[0], _id_of(one)) for one in value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError("another type")
    return value


def _id_of(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceVersion(_Object):
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
class FinalFirmware(_Object):
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
class OsuFirmware(_Object):
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
class McuVersion(_Object):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AppVersion(_Object):
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
class AppV2(_Object):
    """One app for one kind of device, as current clients read it; `compatible_wallets` is JSON in a text."""

    version_id: int = _named("versionId")
    version_name: str = _named("versionName")
    version_display_name: str | None = _named("versionDisplayName", default=None)
    version: str
    currency_id: str | None = _named("currencyId", default=None)
    description: str | None = None
    application_type: str | None = _named("applicationType", default=None)
    date_modified: str = _named("dateModified", default="")
    icon: str | None = None
    author_name: str | None = _named("authorName", default=None)
    support_url: str | None = _named("supportURL", default=None)
    contact_url: str | None = _named("contactURL", default=None)
    source_url: str | None = _named("sourceURL", default=None)
    compatible_wallets: str | None = _named("compatibleWallets", default=None)
    hash: str
    perso: str
    firmware: str
    firmware_key: str = _named("firmwareKey")
    delete: str
    delete_key: str = _named("deleteKey")
    bytes: int | None = None
    warning: str | None = None
    is_dev_tools: bool = _named("isDevTools", default=False)
    category: int | None = None
    parent: int | None = None
    parent_name: str | None = _named("parentName", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(_Object):
    """One app, whatever its version and device."""

    id: int
    name: str
    description: str | None = None
    category: int | None = None
    icon: str | None = None
    providers: Ids = ()
    application_versions: Ids = ()
    date_creation: str = ""
    date_last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(_Object):
    """A shelf of the catalogue."""

    id: int
    name: str
    description: str = ""
    providers: Ids = ()
    applications: Ids = ()
    date_creation: str = ""
    date_last_modified: str = ""
