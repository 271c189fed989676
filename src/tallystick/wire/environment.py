"""The list of what an image needs and cannot hold: the interpreter and native modules (secure-world 2.2).

It lies inside the image, and its hash in the signed configuration.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, unique
from typing import Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.strict_json import Fields, matching, strict_json

#: the list's name inside an image
ENVIRONMENT = "environment.json"
MAX_ENTRIES = 4096
MAX_LIST = 1 << 20
_ANY = re.compile(r"[ -~]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RELATIVE = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*){0,15}")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}(\.[A-Za-z_][A-Za-z0-9_]{0,99}){0,15}")


@unique
class Root(Enum):
    """Where a listed file lies; the place is told at run time, the content is signed."""

    #: the folder of the interpreter's program
    INTERPRETER = "interpreter"
    #: the standard library
    STANDARD = "standard"
    #: the installed packages
    LIBRARIES = "libraries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file that an image needs and cannot hold: its place, size in bytes, SHA-256, and the module it is ("" for none)."""

    root: Root
    path: str
    size_bytes: int
    digest: bytes
    module: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The files outside an image that it runs with: the interpreter and native code (secure-world 2.2)."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the list; raise RemoteProtocolError for anything else, for paths that leave their root, or twice the same."""
        rows = strict_json(raw, "environment", limit=MAX_LIST)
        if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
            raise RemoteProtocolError("environment: not a list in bounds")
        entries = tuple(_entry(row) for row in rows)
        if len({(entry.root, entry.path) for entry in entries}) < len(entries):
            raise RemoteProtocolError("environment: a file twice")
        return cls(entries=entries)

    def to_bytes(self) -> bytes:
        """Return the list as a file, in one encoding."""
        rows = [[one.root.value, one.path, one.size_bytes, one.digest.hex(), one.module] for one in self.entries]
        return ("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n").encode()


def _entry(row: object) -> Entry:
    if not isinstance(row, list) or len(row) != 5:
        raise RemoteProtocolError("environment: a row has five members")
    fields = Fields(dict(zip(_ROW, row, strict=True)), frozenset(_ROW), "environment")
    module = fields.member("module")
    return Entry(
        root=_root(fields.text("root", _ANY)),
        path=fields.text("path", _RELATIVE),
        size_bytes=fields.number("size", maximum=1 << 30),
        digest=bytes.fromhex(fields.text("digest", _DIGEST)),
        module="" if module == "" else matching(module, _MODULE, "environment: module"),
    )


_ROW = ("root", "path", "size", "digest", "module")


def _root(text: str) -> Root:
    try:
        return Root(text)
    except ValueError:
        raise RemoteProtocolError("environment: an unknown root") from None
