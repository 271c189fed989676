"""Tag, length, value: the one codec of the house (wire-protocol E.4 and C.6).

The tag is one byte. The length is one byte below 80, ``81 xx`` from 80 to FF, and ``82 xxxx`` above; a longer form than needed
is refused, so that a value has one encoding and a hash over it means something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer

__all__ = ["Tlv", "TlvWriter", "iterate_tlv"]


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element: `tag` (one byte) and `value` (0 to 65,535 bytes)."""

    tag: int
    value: bytes

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take one element off `reader`; raise RemoteProtocolError when it is cut short or its length not minimal."""
        tag = reader.u8()
        length = reader.u8()
        smallest = 0
        if length == 0x81:
            length, smallest = reader.u8(), 0x80
        elif length == 0x82:
            length, smallest = reader.u16(), 0x100
        elif length >= 0x80:
            raise reader.error(f"tag {tag:02x} has a length of unknown form {length:02x}")
        if length < smallest:
            raise reader.error(f"the length of tag {tag:02x} is written longer than needed")
        return cls(tag, reader.take(length))

    def to_bytes(self) -> bytes:
        """Return the element; raise LocalProtocolError when tag or value does not fit."""
        length = len(self.value)
        if length > 0xFFFF:
            raise LocalProtocolError(f"a value has at most 65535 bytes, not {length}")
        writer = Writer().u8(self.tag)
        if length >= 0x100:
            writer.u8(0x82).u16(length)
        elif length >= 0x80:
            writer.u8(0x81).u8(length)
        else:
            writer.u8(length)
        return writer.take(self.value).to_bytes()


def iterate_tlv(data: bytes, *, status: int = 0x6700) -> Iterator[Tlv]:
    """Yield the elements that fill `data`; raise RemoteProtocolError with `status` where they stop making sense."""
    reader = Reader(data, status=status)
    while reader.remaining:
        yield Tlv.read(reader)


class TlvWriter:
    """Append elements and hand them over with `to_bytes`; calls chain."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, tag: int, value: bytes) -> Self:
        """Append one element."""
        self._data += Tlv(tag, value).to_bytes()
        return self

    def to_bytes(self) -> bytes:
        """Return everything written so far."""
        return bytes(self._data)
