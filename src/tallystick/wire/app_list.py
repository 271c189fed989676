"""The list of installed apps: answers to ``E0 DE`` and ``E0 DF``, plain or in the channel (wire-protocol C.4).

A page is ``01`` and entries, an empty page ends the list. Each entry begins with its own length, itself included: 70 and
the length of the name. Strict clients refuse any other number, so this codec does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer

__all__ = ["AppListEntry", "decode_app_list", "encode_app_list"]

_FORMAT = 1
_FIXED_BYTES = 70
_HASH_BYTES = 32
_MAX_NAME_BYTES = 0xFF - _FIXED_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class AppListEntry:
    """One installed item: flash `blocks` (16 bits), the low 16 bits of its flags, two hashes (32 bytes) and its name."""

    blocks: int
    flags: int
    code_hash: bytes
    full_hash: bytes
    name: str

    @property
    def is_app(self) -> bool:
        """False for an item of the OS, such as a language pack: it has no code hash."""
        return any(self.code_hash)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take one entry off `reader`; raise RemoteProtocolError when its length is not 70 and the name's."""
        length = reader.u8()
        entry = cls(
            blocks=reader.u16(),
            flags=reader.u16(),
            code_hash=reader.take(_HASH_BYTES),
            full_hash=reader.take(_HASH_BYTES),
            name=reader.text_lv(),
        )
        if length != _FIXED_BYTES + len(entry.name.encode()):
            raise reader.error(f"an entry says it has {length} bytes, which does not go with its name")
        return entry

    def to_bytes(self) -> bytes:
        """Return the entry; raise LocalProtocolError when a field does not fit."""
        name = self.name.encode()
        if len(self.code_hash) != _HASH_BYTES or len(self.full_hash) != _HASH_BYTES or len(name) > _MAX_NAME_BYTES:
            raise LocalProtocolError(f"an entry has two hashes of 32 bytes and a name of at most {_MAX_NAME_BYTES}")
        writer = Writer().u8(_FIXED_BYTES + len(name)).u16(self.blocks).u16(self.flags)
        return writer.take(self.code_hash).take(self.full_hash).lv(name).to_bytes()


def decode_app_list(raw: bytes) -> tuple[AppListEntry, ...]:
    """Read one page (without its status word); empty means that the list is at its end. Raises RemoteProtocolError."""
    if not raw:
        return ()
    reader = Reader(raw)
    if reader.u8() != _FORMAT:
        raise reader.error("the list of apps has an unknown format")
    entries = []
    while reader.remaining:
        entries.append(AppListEntry.read(reader))
    return tuple(entries)


def encode_app_list(entries: Sequence[AppListEntry]) -> bytes:
    """Return one page, empty for no entries."""
    if not entries:
        return b""
    return bytes((_FORMAT,)) + b"".join(entry.to_bytes() for entry in entries)
