"""What a vault slot holds: header, wrapped key, items, and the authenticated list of the items.

Body: header, EDEK (60 bytes), count u8, then each item as name LV, version u32, size u16, sealed bytes; size u16, sealed
list. The list names each item and its version, so that none can be left out or put back; as an item it has no name and
the version 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Rng
from tallystick.device.secure.seal import WRAPPED_BYTES, Header, SealBroken, open_item, seal_item
from tallystick.errors import RemoteProtocolError, StateCorrupt
from tallystick.wire.buffer import Reader, Writer

MAX_ITEMS = 16
MAX_ITEM_BYTES = 4096
_LIST = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One sealed item: its version (32 bits) and its sealed bytes."""

    version: int
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultRecord:
    """One state of the vault, as it lies in flash."""

    header: Header
    wrapped: bytes = field(repr=False)
    items: Mapping[str, Item] = field(default_factory=dict)
    listing: bytes = field(default=b"", repr=False)

    def to_bytes(self) -> bytes:
        """Return the body of a slot."""
        writer = Writer().take(self.header.to_bytes()).take(self.wrapped).u8(len(self.items))
        for name, item in self.items.items():
            writer.text_lv(name).u32(item.version).u16(len(item.sealed)).take(item.sealed)
        return writer.u16(len(self.listing)).take(self.listing).to_bytes()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the body of a slot; raise StateCorrupt when it is none."""
        reader = Reader(raw)
        try:
            header, wrapped = Header.read(reader), reader.take(WRAPPED_BYTES)
            items: dict[str, Item] = {}
            for _ in range(_count(reader)):
                name = reader.text_lv()
                if not name or name in items:
                    raise RemoteProtocolError("an item without a name, or twice")
                items[name] = Item(reader.u32(), _sealed(reader))
            listing = _sealed(reader)
            reader.finish()
        except RemoteProtocolError as error:
            raise damaged() from error
        return cls(header=header, wrapped=wrapped, items=items, listing=listing)

    def open(self, key: Secret) -> dict[str, Secret]:
        """Return all items by name; raise StateCorrupt when one was changed, removed, added or put back."""
        header = self.header
        try:
            listing = open_item(self.listing, key, header=header, name=_LIST, version=0)
            if listing.reveal() != _listing(self.items):
                raise damaged()
            return {
                name: open_item(item.sealed, key, header=header, name=name, version=item.version)
                for name, item in self.items.items()
            }
        except SealBroken:
            raise damaged() from None

    def with_items(self, contents: Mapping[str, Secret], key: Secret, *, rng: Rng) -> Self:
        """Return a record in which the items of `contents` have a new version; the others stay as they are."""
        items, header = dict(self.items), self.header
        for name, plaintext in contents.items():
            version = items[name].version + 1 if name in items else 1
            sealed = seal_item(plaintext, key, header=header, name=name, version=version, rng=rng)
            items[name] = Item(version, sealed)
        listing = seal_item(Secret(_listing(items)), key, header=header, name=_LIST, version=0, rng=rng)
        return replace(self, items=items, listing=listing)


def damaged() -> StateCorrupt:
    """Return the error for a vault that is not what was written."""
    return StateCorrupt(
        "the vault is damaged",
        remedy="restore the device from its recovery words, with another state directory",
    )


def _listing(items: Mapping[str, Item]) -> bytes:
    writer = Writer().u8(len(items))
    for name, item in sorted(items.items()):
        writer.text_lv(name).u32(item.version)
    return writer.to_bytes()


def _count(reader: Reader) -> int:
    count = reader.u8()
    if count > MAX_ITEMS:
        raise RemoteProtocolError("too many items")
    return count


def _sealed(reader: Reader) -> bytes:
    size_bytes = reader.u16()
    if size_bytes > MAX_ITEM_BYTES:
        raise RemoteProtocolError("an item is too long")
    return reader.take(size_bytes)
