"""Where keys live, as a URL: ``file:DIR``, or ``pkcs11:`` in the manner of RFC 7512.

``pkcs11:token=LABEL;module=/path/of/library.so?pin-source=file:/path/of/pin``. The library may be named in the query too
(``module-path``, as the RFC has it), and the PIN come from a descriptor (``pin-source=fd:3``). A PIN in the URL itself
(``pin-value``) is refused: it would stand in the list of processes and in the shell's history.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import quote, unquote

from tallystick.crypto.secret import Secret
from tallystick.errors import UsageError

_FILE: Final = "file:"
_PKCS11: Final = "pkcs11:"
_FD: Final = "fd:"
_MAX_PIN_BYTES: Final = 255
_REMEDY: Final = "write file:DIR or pkcs11:token=LABEL;module=LIBRARY?pin-source=file:PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAddress:
    """A folder of development keys."""

    folder: Path

    @property
    def url(self) -> str:
        """The address as `parse_address` reads it."""
        return f"{_FILE}{quote(str(self.folder))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAddress:
    """A token: the library that speaks to it, its label, and where its PIN is read from (``file:PATH`` or ``fd:N``)."""

    module: Path
    token: str
    pin_source: str


def parse_address(url: str) -> FileAddress | TokenAddress:
    """Read the URL of a keyring; raise UsageError for anything that is not one, never with the URL in its text."""
    if url.startswith(_FILE):
        path = unquote(url[len(_FILE) :])
        path = path[2:] if path.startswith("///") else path
        if not path:
            _refuse("the URL of the keys names no folder")
        return FileAddress(folder=Path(path))
    if not url.startswith(_PKCS11):
        _refuse("the URL of the keys begins with neither file: nor pkcs11:")
    path, _, query = url[len(_PKCS11) :].partition("?")
    fields = _fields(path, ";") | _fields(query, "&")
    if "pin-value" in fields:
        raise UsageError(
            "a PIN does not belong into a URL: others on this machine can read it there",
            remedy="put it into a file of your own and write ?pin-source=file:PATH",
        )
    unknown = fields.keys() - {"module", "module-path", "token", "pin-source"}
    if unknown:
        _refuse(f"the URL of the keys has a field that is not known: {min(unknown)[:32]!r}")
    module = fields.get("module") or fields.get("module-path")
    token, pin_source = fields.get("token"), fields.get("pin-source")
    if not module or not token or not pin_source:
        _refuse("the URL of the token lacks module, token or pin-source")
    return TokenAddress(module=Path(module), token=token, pin_source=pin_source)


def read_pin(source: str) -> Secret:
    """Read a PIN from ``file:PATH`` or ``fd:N``, without the line's end; raise UsageError when there is none.

    A descriptor is read to its end and closed.
    """
    try:
        if source.startswith(_FD):
            with os.fdopen(int(source[len(_FD) :]), "rb") as stream:
                raw = stream.read(_MAX_PIN_BYTES + 2)
        else:
            path = source.removeprefix(_FILE)
            with Path(path[2:] if path.startswith("///") else path).open("rb") as stream:
                raw = stream.read(_MAX_PIN_BYTES + 2)
    except (OSError, ValueError):
        raise UsageError(
            "the PIN of the token cannot be read", remedy="pin-source is file:PATH or fd:NUMBER, readable by you"
        ) from None
    pin = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not 1 <= len(pin) <= _MAX_PIN_BYTES or not pin.isascii():
        raise UsageError(f"a PIN is 1 to {_MAX_PIN_BYTES} ASCII characters on one line")
    return Secret(pin)


def _fields(text: str, separator: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, is_set, value = part.partition("=")
        if not is_set or name in found:
            _refuse("the URL of the token has a field twice, or one without a value")
        found[name] = unquote(value)
    return found


def _refuse(message: str) -> NoReturn:
    raise UsageError(message, remedy=_REMEDY)
