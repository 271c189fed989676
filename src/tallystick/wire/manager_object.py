"""What the objects share that a manager answers over HTTP: the way from and to JSON, with exact types (wire-protocol H.2).

A server sends every member, with the type that the strictest client checks; a host ignores members it does not know, takes a
missing or null member for its default, and an object that stands where an id is expected for the id inside it. Numbers are
ids unless said otherwise; `bytes` is a size in bytes; dates are ISO 8601 with the zone. The objects are in `manager_app` and
`manager_firmware`.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

from tallystick.errors import RemoteProtocolError

#: members of one list in an answer; the whole catalogue of the vendor is far below it
_MAX_ENTRIES = 10_000


def named(name: str, **default: Any) -> Any:
    """Return a field that JSON calls by another name."""
    return field(metadata={"json": name}, **default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object of the manager; each kind is a class with its members as fields."""

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
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.to_json() if isinstance(value, Object) else value


def _read(hint: Any, value: Any) -> Any:
    """Return `value` as the type `hint`, or raise ValueError."""
    if isinstance(hint, UnionType):
        if value is None:
            return None
        return _read(next(one for one in get_args(hint) if one is not NoneType), value)
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or len(value) > _MAX_ENTRIES:
            raise ValueError("no list")
        inner = get_args(hint)[0]
        return tuple(_read(inner, _id_of(one) if inner is int else one) for one in value)
    if issubclass(hint, Object):
        return hint.from_json(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError("another type")
    return value


def _id_of(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


#: members that name other objects
Ids = tuple[int, ...]
