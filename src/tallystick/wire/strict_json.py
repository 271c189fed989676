"""JSON read strictly: for documents that decide what runs, where two readers must never see two things."""

from __future__ import annotations

import json
import re
from typing import Any

from tallystick.errors import RemoteProtocolError

#: bytes of one document, where nothing else is said
MAX_DOCUMENT = 64 << 10


def strict_json(raw: bytes, what: str, *, limit: int = MAX_DOCUMENT) -> Any:
    """Read one JSON document of at most `limit` bytes.

    Raises RemoteProtocolError for more bytes, other than UTF-8, duplicate names, and constants that JSON does not have.
    """
    if len(raw) > limit:
        raise RemoteProtocolError(f"{what}: longer than {limit} bytes")
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"{what}: not strict JSON") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name twice")
    return document


def _refuse(constant: str) -> None:
    raise ValueError(constant)


class Fields:
    """The members of one JSON object, each to be taken exactly once and with its type."""

    def __init__(self, document: object, names: frozenset[str], what: str) -> None:
        if not isinstance(document, dict) or set(document) != names:
            raise RemoteProtocolError(f"{what}: the members are not those of the format")
        self._document = document
        self._what = what

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        """Return a text that `pattern` matches whole."""
        return matching(self._document[name], pattern, f"{self._what}: {name}")

    def number(self, name: str, *, minimum: int = 0, maximum: int) -> int:
        """Return a whole number within bounds; true and false are none."""
        value = self._document[name]
        if type(value) is not int or not minimum <= value <= maximum:
            raise RemoteProtocolError(f"{self._what}: {name} is not a number in bounds")
        return value

    def equal(self, name: str, wanted: object) -> None:
        """Refuse a member that is not exactly `wanted`, of the same type."""
        value = self._document[name]
        if type(value) is not type(wanted) or value != wanted:
            raise RemoteProtocolError(f"{self._what}: {name} is not {wanted}")

    def member(self, name: str) -> Any:
        """Return a member as it is."""
        return self._document[name]


def matching(value: object, pattern: re.Pattern[str], what: str) -> str:
    """Return `value` if it is a text that `pattern` matches whole; else RemoteProtocolError."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise RemoteProtocolError(f"{what} is not as it must be")
    return value
