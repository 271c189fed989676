"""What a client asks a manager for: the flows, their queries, and the names both ends agree on (wire-protocol H.2, H.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, Self

from tallystick.errors import RemoteProtocolError

#: the key set that devices of one issuer share; an opaque name to clients
DEFAULT_PERSO: Final = "perso_11"
#: the result of a good genuine check
GENUINE: Final = "0000"
DEFAULT_PROVIDER: Final = 1
#: by what stands behind the dash of a version (H.2)
PROVIDER_SUFFIXES: Final[Mapping[str, int]] = {"das": 2, "club": 3, "shitcoins": 4, "ee": 5}
_VERSION = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?-(?P<suffix>.*)")
_DECIMAL = re.compile(r"[0-9]{1,10}", re.ASCII)


def provider_of(version: str) -> int:
    """Return the provider that the suffix of a version names, 1 for none or an unknown one."""
    match = _VERSION.fullmatch(version.removesuffix("-osu"))
    return DEFAULT_PROVIDER if match is None else PROVIDER_SUFFIXES.get(match["suffix"], DEFAULT_PROVIDER)


@unique
class FlowPath(StrEnum):
    """The paths of the flows, below the base of the WebSocket address."""

    GENUINE = "/genuine"
    APPS_LIST = "/apps/list"
    INSTALL = "/install"
    MCU = "/mcu"
    ENDORSE = "/endorse"


#: members of a request and the names that the query has for them
_QUERY: Final = {
    "perso": "perso",
    "firmware": "firmware",
    "firmware_key": "firmwareKey",
    "hash": "hash",
    "delete_key": "deleteKey",
    "version": "version",
    "endorse": "endorse",
    "endorse_scheme": "endorseScheme",
}
_MAX_QUERY_VALUE: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequest:
    """The query by which a client asks for a flow; `target_id` has 32 bits, what a flow has no use for is empty."""

    target_id: int
    perso: str = ""
    firmware: str = ""
    firmware_key: str = ""
    hash: str = ""
    delete_key: str = ""
    version: str = ""
    endorse: str = ""
    endorse_scheme: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read a query; unknown members are ignored. Raises RemoteProtocolError for a bad target id or an overlong value."""
        target = query.get("targetId", "")
        if not _DECIMAL.fullmatch(target) or int(target) > 0xFFFFFFFF:
            raise RemoteProtocolError("targetId is not a number of 32 bits", remedy="give the target id in decimal")
        values = {name: query.get(said, "") for name, said in _QUERY.items()}
        for name, value in values.items():
            if len(value) > _MAX_QUERY_VALUE or not value.isprintable():
                raise RemoteProtocolError(f"{_QUERY[name]} is longer than {_MAX_QUERY_VALUE} printable characters")
        return cls(target_id=int(target), **values)

    def to_query(self) -> dict[str, str]:
        """Return the members that are not empty, under the names of the query."""
        query = {"targetId": str(self.target_id)}
        query.update({said: value for name, said in _QUERY.items() if (value := getattr(self, name))})
        return query
