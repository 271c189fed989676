"""Public keys that the command line names: in hexadecimal, as a file that holds them so, or as a key file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tallystick.cli.workshop_folder import workshop_folder
from tallystick.errors import RemoteProtocolError, UsageError

if TYPE_CHECKING:
    from tallystick.host.trust import Issuer

_MAX_KEY_FILE: Final = 16 << 10


def named_key(text: str, whose: str) -> bytes:
    """Return a key (65 bytes) that is given in hexadecimal, or as a file; `whose` is for the error, a UsageError."""
    key = key_of(text)
    if key is None:
        said = _read(text)
        if said is None:
            raise UsageError(
                f"{whose} key is neither hexadecimal nor a file that can be read",
                remedy="give 65 bytes in hexadecimal, beginning with 04; tally manager keys show prints them",
            )
        key = key_of(said) or key_of(_member(said, "public_key"))
    if key is None:
        raise UsageError(f"the file of {whose} key holds no public key", remedy="name a key file, or give it in hex")
    return key


def named_realm(text: str) -> str | None:
    """Return the realm of a key that is given as a key file; None where nothing says it."""
    realm = _member(_read(text) or "", "realm") if key_of(text) is None else None
    return realm if isinstance(realm, str) else None


def workshop_issuers() -> list[Issuer]:
    """Return the issuer of this user's workshop, if it has made one."""
    from tallystick.host.trust import Issuer

    try:
        said = _read(str(workshop_folder("keyring") / "issuer.json"))
    except OSError:  # no place for keys, no keys
        said = None
    key = key_of(_member(said or "", "public_key"))
    return [] if key is None else [Issuer(name="workshop", public_key=key)]


def offline_issuers(issuer_key: str) -> list[Issuer]:
    """Return the issuers that count where no device is at hand: the one that was named, else the workshop's and the vendor's."""
    from tallystick.host.trust import VENDOR_ISSUER, Issuer

    if issuer_key:
        return [Issuer(name="--issuer-key", public_key=named_key(issuer_key, "the issuer's"))]
    return [*workshop_issuers(), VENDOR_ISSUER]


def key_of(text: object) -> bytes | None:
    """Return a public key in hexadecimal as 65 bytes, None for anything else."""
    from tallystick.host.trust import parse_issuer_key

    try:
        return parse_issuer_key(text) if isinstance(text, str) else None
    except RemoteProtocolError:
        return None


def _read(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_KEY_FILE).decode("ascii", "replace")
    except (OSError, ValueError):
        return None


def _member(text: str, name: str) -> object:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document.get(name) if isinstance(document, dict) else None
