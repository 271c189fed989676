"""The commands that bring an image into a device: announced, loaded by segments, checked, committed (wire-protocol E, G.1).

Behind a secure channel the image is an app and ends with `Commit`; before a bootloader it is a firmware and ends with `Boot`,
which has the same sub-command, 09.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.image import CreateApp
from tallystick.wire.loader_message import BareMessage, LoaderIns, LoaderMessage, read_signature, write_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLoadOffset(LoaderMessage):
    """05: begin a segment at `address` (32 bits), counted from the app's lowest; absolute before a bootloader."""

    ins: ClassVar = LoaderIns.SET_LOAD_OFFSET
    address: int

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the address."""
        return cls(address=reader.u32())

    def write(self, writer: Writer) -> None:
        """Write the address."""
        writer.u32(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(LoaderMessage):
    """06: one byte at least of `data` for the segment, at `offset` (16 bits) in it."""

    ins: ClassVar = LoaderIns.LOAD
    offset: int
    data: bytes

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read offset and data."""
        offset = reader.u16()
        if not reader.remaining:
            raise reader.error("there is nothing to load")
        return cls(offset=offset, data=reader.rest())

    def write(self, writer: Writer) -> None:
        """Write offset and data."""
        if not self.data:
            raise LocalProtocolError("there is nothing to load")
        writer.u16(self.offset).rest(self.data)


@dataclass(frozen=True, slots=True)
class Flush(BareMessage):
    """07: write what is still buffered of the segment."""

    ins: ClassVar = LoaderIns.FLUSH


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCrc(LoaderMessage):
    """08: compare `length` bytes (32 bits) from `offset` (16 bits) of the segment with a CRC-16."""

    ins: ClassVar = LoaderIns.CRC
    offset: int = 0
    length: int
    crc: int

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read offset, length and CRC."""
        return cls(offset=reader.u16(), length=reader.u32(), crc=reader.u16())

    def write(self, writer: Writer) -> None:
        """Write offset, length and CRC."""
        writer.u16(self.offset).u32(self.length).u16(self.crc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(LoaderMessage):
    """09 in the channel: what was loaded is complete; `signature` (DER) is over its full hash, None for unsigned."""

    ins: ClassVar = LoaderIns.COMMIT
    signature: bytes | None = None

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the signature, if there is one."""
        return cls(signature=read_signature(reader))

    def write(self, writer: Writer) -> None:
        """Write the signature, if there is one."""
        write_signature(writer, self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot(LoaderMessage):
    """09 before a bootloader: start the firmware at `address` (32 bits, bit 0 set by hosts), with its signature or without."""

    ins: ClassVar = LoaderIns.COMMIT
    address: int
    signature: bytes | None = None

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the address, and the signature if there is one."""
        return cls(address=reader.u32(), signature=read_signature(reader))

    def write(self, writer: Writer) -> None:
        """Write the address, and the signature if there is one."""
        write_signature(writer.u32(self.address), self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(LoaderMessage):
    """0B: begin an app."""

    ins: ClassVar = LoaderIns.CREATE_APP
    app: CreateApp

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the parameters, 20 or 21 bytes."""
        return cls(app=CreateApp.from_bytes(reader.rest()))

    def write(self, writer: Writer) -> None:
        """Write the parameters."""
        writer.take(self.app.to_bytes())
