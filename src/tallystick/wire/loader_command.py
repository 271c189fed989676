"""The commands of the loader: what stands inside the secure channel's ``E0 00``, or plain before a bootloader (wire-protocol E, G.1).

The first byte is the sub-command. Every class reads and writes whole plaintexts, sub-command included. Those that load an
image are in `loader_image`; here are the others, and how all of them are told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.certificate import PUBLIC_KEY_BYTES, read_public_key
from tallystick.wire.loader_image import Boot, CheckCrc, Commit, Create, Flush, Load, SetLoadOffset
from tallystick.wire.loader_message import (
    UNKNOWN_COMMAND,
    BareMessage,
    LoaderIns,
    LoaderMessage,
    read_name,
    write_name,
)

HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteApp(LoaderMessage):
    """0C: remove the app of a name (printable, 1 to 32 bytes); hosts count on 9000 when there is none."""

    ins: ClassVar = LoaderIns.DELETE_APP
    name: str

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the name."""
        return cls(name=read_name(reader))

    def write(self, writer: Writer) -> None:
        """Write the name."""
        write_name(writer, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAppByHash(LoaderMessage):
    """15: remove the app of a full hash (32 bytes)."""

    ins: ClassVar = LoaderIns.DELETE_APP_BY_HASH
    full_hash: bytes

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the hash."""
        return cls(full_hash=reader.take(HASH_BYTES))

    def write(self, writer: Writer) -> None:
        """Write the hash."""
        if len(self.full_hash) != HASH_BYTES:
            raise LocalProtocolError(f"a full hash has {HASH_BYTES} bytes, not {len(self.full_hash)}")
        writer.take(self.full_hash)


@dataclass(frozen=True, slots=True)
class ListApps(BareMessage):
    """0E: the first page of the list of apps; answered as in `tallystick.wire.app_list`."""

    ins: ClassVar = LoaderIns.LIST_APPS


@dataclass(frozen=True, slots=True)
class ListMoreApps(BareMessage):
    """0F: the next page; nothing behind the last."""

    ins: ClassVar = LoaderIns.LIST_MORE_APPS


@dataclass(frozen=True, slots=True)
class VersionQuery(BareMessage):
    """10: the version, answered by `tallystick.wire.loader.LoaderVersion`."""

    ins: ClassVar = LoaderIns.GET_VERSION


@dataclass(frozen=True, slots=True)
class MemoryQuery(BareMessage):
    """11: the flash, answered by `tallystick.wire.dashboard.MemoryInfo`."""

    ins: ClassVar = LoaderIns.GET_MEMORY_INFORMATION


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupCustomCertificate(LoaderMessage):
    """12: trust the key (65 bytes) of a custom CA under a name (printable, 1 to 32 bytes)."""

    ins: ClassVar = LoaderIns.SETUP_CUSTOM_CERTIFICATE
    name: str
    public_key: bytes

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read name and key."""
        name, size = read_name(reader), reader.u8()
        if size != PUBLIC_KEY_BYTES:
            raise reader.error(f"a public key has {PUBLIC_KEY_BYTES} bytes, not {size}")
        return cls(name=name, public_key=read_public_key(reader))

    def write(self, writer: Writer) -> None:
        """Write name and key."""
        write_name(writer, self.name)
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise LocalProtocolError(f"a public key has {PUBLIC_KEY_BYTES} bytes, not {len(self.public_key)}")
        writer.lv(self.public_key)


@dataclass(frozen=True, slots=True)
class ResetCustomCertificate(BareMessage):
    """13: forget the custom CA."""

    ins: ClassVar = LoaderIns.RESET_CUSTOM_CERTIFICATE


@dataclass(frozen=True, slots=True)
class EnterBootloader(BareMessage):
    """B0: restart into the bootloader of the MCU."""

    ins: ClassVar = LoaderIns.MCU_BOOTLOADER


LoaderCommand = (
    SetLoadOffset
    | Load
    | Flush
    | CheckCrc
    | Commit
    | Boot
    | Create
    | DeleteApp
    | DeleteAppByHash
    | ListApps
    | ListMoreApps
    | VersionQuery
    | MemoryQuery
    | SetupCustomCertificate
    | ResetCustomCertificate
    | EnterBootloader
)

_IN_CHANNEL: Final[dict[int, type[LoaderCommand]]] = {
    kind.ins: kind
    for kind in (
        *(SetLoadOffset, Load, Flush, CheckCrc, Commit, Create, DeleteApp, DeleteAppByHash, ListApps, ListMoreApps),
        *(VersionQuery, MemoryQuery, SetupCustomCertificate, ResetCustomCertificate, EnterBootloader),
    )
}
_BEFORE_BOOTLOADER: Final[dict[int, type[LoaderCommand]]] = {
    kind.ins: kind for kind in (SetLoadOffset, Load, Flush, CheckCrc, Boot)
}


def decode_command(plain: bytes, *, bootloader: bool = False) -> LoaderCommand:
    """Read a plaintext of the channel, or with `bootloader` the data of a plain ``E0 00`` sent to a bootloader (G.1).

    Raises RemoteProtocolError: 6D00 for an unknown sub-command, 6700 for fields that do not fit.
    """
    kind = (_BEFORE_BOOTLOADER if bootloader else _IN_CHANNEL).get(Reader(plain).u8())
    if kind is None:
        raise RemoteProtocolError(f"sub-command {plain[0]:02x} is not known", status=UNKNOWN_COMMAND)
    return kind.from_bytes(plain)
