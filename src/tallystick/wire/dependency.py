"""What an app depends on: tag 06 of the install parameters (wire-protocol E.4), which clients encode in two ways.

One writes a single dependency, LV name and perhaps LV version; the other a list of length-prefixed entries of that form.
A value is read as a list when it is one to the last byte.
"""

from __future__ import annotations

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader

__all__ = ["decode_dependencies"]


def decode_dependencies(raw: bytes) -> tuple[str, ...]:
    """Return the names of the apps that must be there; raise RemoteProtocolError (6700) when `raw` is neither form."""
    try:
        return _read_list(raw)
    except RemoteProtocolError:
        return (_read_entry(raw),)


def _read_list(raw: bytes) -> tuple[str, ...]:
    reader = Reader(raw)
    names = []
    while reader.remaining:
        names.append(_read_entry(reader.lv()))
    return tuple(names)


def _read_entry(raw: bytes) -> str:
    reader = Reader(raw)
    name = reader.text_lv()
    if reader.remaining:
        reader.text_lv()
    reader.finish()
    if not name:
        raise reader.error("a dependency has no name")
    return name
