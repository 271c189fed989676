"""Back-up and restoring of what apps keep: the messages of ``E0 6A`` to ``E0 6F`` (wire-protocol C).

Two kinds of clients differ: one puts a length byte before names and chunks, the other does not. Both are read: where the
first byte equals the number of bytes behind it, it is a length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer

__all__ = ["HASH_BYTES", "ReinstallRequest", "RestoreRequest", "StorageInfo", "decode_storage_name", "unframe"]

HASH_BYTES: Final = 32
_HAS_SETTINGS: Final = 1
_HAS_DATA: Final = 2
_MAX_NAME: Final = 32


def unframe(raw: bytes) -> tuple[bytes, bool]:
    """Return what stands behind a length byte and True, or `raw` itself and False when it has none."""
    if raw and raw[0] == len(raw) - 1:
        return raw[1:], True
    return raw, False


def decode_storage_name(raw: bytes) -> str:
    """Read the name of an app, in either form; raise RemoteProtocolError (6700) when it is none."""
    name, _ = unframe(raw)
    try:
        text = bytes(name).decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError("a name is not UTF-8", status=0x6700) from None
    if not 1 <= len(name) <= _MAX_NAME or not text.isprintable():
        raise RemoteProtocolError(f"a name is printable and has 1 to {_MAX_NAME} bytes", status=0x6700)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageInfo:
    """The answer to ``E0 6A``: bytes of the back-up, version of its form, what it holds, and a hash (32 bytes).

    Equal contents have equal hashes on one device; what the contents are, the hash does not tell.
    """

    size_bytes: int
    version: int = 1
    has_settings: bool = False
    has_data: bool = False
    content_hash: bytes = bytes(HASH_BYTES)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the answer without its status word; an empty storage may be told by its size alone."""
        reader = Reader(raw)
        size_bytes = reader.u32()
        if not size_bytes and not reader.remaining:
            return cls(size_bytes=0)
        version, properties = reader.u32(), reader.u16()
        if properties & ~(_HAS_SETTINGS | _HAS_DATA):
            raise reader.error("unknown properties of a storage")
        content_hash = reader.take(HASH_BYTES)
        reader.finish()
        return cls(
            size_bytes=size_bytes,
            version=version,
            has_settings=bool(properties & _HAS_SETTINGS),
            has_data=bool(properties & _HAS_DATA),
            content_hash=content_hash,
        )

    def to_bytes(self) -> bytes:
        """Return the answer without its status word."""
        properties = _HAS_SETTINGS * self.has_settings | _HAS_DATA * self.has_data
        writer = Writer().u32(self.size_bytes).u32(self.version).u16(properties)
        return writer.take(self.content_hash).to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """The data of ``E0 6C``: bytes of the back-up that will come, and the app's name."""

    size_bytes: int
    name: str
    #: whether this client puts length bytes before what it sends
    framed: bool = False

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read either form; raise RemoteProtocolError (6700) when it is cut short or the name is none."""
        body, framed = unframe(raw)
        reader = Reader(body)
        size_bytes = reader.u32()
        return cls(size_bytes=size_bytes, name=decode_storage_name(reader.rest()), framed=framed)

    def to_bytes(self) -> bytes:
        """Return the form this request was read from."""
        body = Writer().u32(self.size_bytes).take(self.name.encode()).to_bytes()
        return Writer().lv(body).to_bytes() if self.framed else body


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstallRequest:
    """The data of ``E0 6F``: what a client is about to put back after an update of the OS."""

    language: bool
    lock_image: bool
    apps: int
    storages: int

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read four bytes; raise RemoteProtocolError, 6700 for another number, 6A80 for a flag that is neither 0 nor 1."""
        reader = Reader(raw)
        language, lock_image, apps, storages = reader.u8(), reader.u8(), reader.u8(), reader.u8()
        reader.finish()
        if language > 1 or lock_image > 1:
            raise RemoteProtocolError("a flag is 0 or 1", status=0x6A80)
        return cls(language=bool(language), lock_image=bool(lock_image), apps=apps, storages=storages)

    def to_bytes(self) -> bytes:
        """Return four bytes."""
        return bytes((self.language, self.lock_image, self.apps, self.storages))
