"""System calls about what an app keeps: its settings and its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.call import Request


@dataclass(frozen=True, slots=True)
class ReadSetting(Request):
    """Read a setting the manifest declares. Value: bool."""

    NUMBER = 0x30
    name: str

    def body(self) -> bytes:
        """Return the name as UTF-8."""
        return self.name.encode()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the name."""
        return cls(reader.rest().decode("utf-8", "replace"))

    def pack(self, value: bool) -> bytes:  # noqa: FBT001 -- the value of this call
        """One byte."""
        return bytes([value])

    def unpack(self, data: bytes) -> bool:
        """Read one byte, 0 or 1."""
        if data not in (b"\x00", b"\x01"):
            raise RemoteProtocolError("a setting is 0 or 1")
        return data == b"\x01"


@dataclass(frozen=True, slots=True)
class WriteSetting(Request):
    """Set a setting the manifest declares; kept in flash."""

    NUMBER = 0x31
    name: str
    value: bool

    def body(self) -> bytes:
        """Value u8, name."""
        return bytes([self.value]) + self.name.encode()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read value and name."""
        value = reader.u8()
        if value > 1:
            raise RemoteProtocolError("a setting is 0 or 1")
        return cls(reader.rest().decode("utf-8", "replace"), bool(value))


@dataclass(frozen=True, slots=True)
class ReadRecord(Request):
    """Read the app's own record `name` (1 to 32 characters). Value: bytes, or None when there is none."""

    NUMBER = 0x38
    name: str

    def body(self) -> bytes:
        """Return the name as UTF-8."""
        return self.name.encode()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the name."""
        return cls(reader.rest().decode("utf-8", "replace"))

    def pack(self, value: bytes | None) -> bytes:
        """Present u8, then the bytes."""
        return b"\x00" if value is None else b"\x01" + value

    def unpack(self, data: bytes) -> bytes | None:
        """Read what `pack` wrote."""
        if data[:1] not in (b"\x00", b"\x01"):
            raise RemoteProtocolError("not a record")
        return data[1:] if data[0] else None


@dataclass(frozen=True, slots=True)
class WriteRecord(Request):
    """Write the app's own record `name`, whole and at once, at most 16 KiB; None removes it."""

    NUMBER = 0x39
    name: str
    data: bytes | None = field(repr=False)

    def body(self) -> bytes:
        """LV name, present u8, bytes."""
        writer = Writer().text_lv(self.name).u8(self.data is not None)
        return writer.take(self.data or b"").to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read name and bytes."""
        name, present = reader.text_lv(), reader.u8()
        data = reader.rest()
        if present > 1 or (data and not present):
            raise RemoteProtocolError("not a record")
        return cls(name, data if present else None)
