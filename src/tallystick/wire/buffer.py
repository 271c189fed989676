"""Read and write the few field kinds that all messages are made of: integers, fixed bytes and length-value fields.

Integers are unsigned and big endian unless the name ends in ``_le`` (wire-protocol 0). A length-value field (LV) is one
length byte followed by that many bytes. The reader never looks past the end of its data and never guesses: whatever is
missing, or left over, is the peer's mistake and becomes a RemoteProtocolError.
"""

from __future__ import annotations

from typing import Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["Reader", "Writer"]

_WRONG_LENGTH = 0x6700


class Reader:
    """Take fields off the front of `data`; `status` (16 bits) is what a device answers when they do not fit."""

    __slots__ = ("_data", "_offset", "_status")

    def __init__(self, data: bytes, *, status: int = _WRONG_LENGTH) -> None:
        self._data = bytes(data)
        self._offset = 0
        self._status = status

    @property
    def remaining(self) -> int:
        """How many bytes are still unread."""
        return len(self._data) - self._offset

    def take(self, size_bytes: int) -> bytes:
        """Return the next `size_bytes` bytes; raise RemoteProtocolError when fewer are left."""
        end = self._offset + size_bytes
        if size_bytes < 0:
            raise LocalProtocolError(f"cannot take {size_bytes} bytes")
        if end > len(self._data):
            raise self.error(f"{size_bytes} bytes wanted at offset {self._offset}, {self.remaining} left")
        chunk = self._data[self._offset : end]
        self._offset = end
        return chunk

    def u8(self) -> int:
        """Return the next byte as an integer."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Return the next two bytes, big endian."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """Return the next four bytes, big endian."""
        return int.from_bytes(self.take(4), "big")

    def u16_le(self) -> int:
        """Return the next two bytes, little endian."""
        return int.from_bytes(self.take(2), "little")

    def u32_le(self) -> int:
        """Return the next four bytes, little endian."""
        return int.from_bytes(self.take(4), "little")

    def lv(self) -> bytes:
        """Return the value of the next length-value field (0 to 255 bytes)."""
        return self.take(self.u8())

    def text_lv(self) -> str:
        """Return the next length-value field as UTF-8 text; raise RemoteProtocolError when it is not."""
        value = self.lv()
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise self.error(f"the text field that ends at offset {self._offset} is not UTF-8") from None

    def rest(self) -> bytes:
        """Return everything that is left, possibly nothing."""
        return self.take(self.remaining)

    def finish(self) -> None:
        """Raise RemoteProtocolError when bytes are left over."""
        if self.remaining:
            raise self.error(f"{self.remaining} bytes too many")

    def error(self, message: str) -> RemoteProtocolError:
        """Return, not raise, an error that carries this reader's status word."""
        return RemoteProtocolError(message, status=self._status)


class Writer:
    """Append fields and hand them over with `to_bytes`; every method returns the writer, so calls chain.

    A value that does not fit its field is the caller's bug: LocalProtocolError.
    """

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def take(self, data: bytes) -> Self:
        """Append `data` as it is: the counterpart of `Reader.take`."""
        self._data += data
        return self

    def u8(self, value: int) -> Self:
        """Append one byte."""
        return self._integer(value, size_bytes=1, order="big")

    def u16(self, value: int) -> Self:
        """Append two bytes, big endian."""
        return self._integer(value, size_bytes=2, order="big")

    def u32(self, value: int) -> Self:
        """Append four bytes, big endian."""
        return self._integer(value, size_bytes=4, order="big")

    def u16_le(self, value: int) -> Self:
        """Append two bytes, little endian."""
        return self._integer(value, size_bytes=2, order="little")

    def u32_le(self, value: int) -> Self:
        """Append four bytes, little endian."""
        return self._integer(value, size_bytes=4, order="little")

    def lv(self, value: bytes) -> Self:
        """Append a length-value field of at most 255 bytes."""
        if len(value) > 0xFF:
            raise LocalProtocolError(f"a length-value field holds at most 255 bytes, not {len(value)}")
        self._data.append(len(value))
        self._data += value
        return self

    def text_lv(self, text: str) -> Self:
        """Append `text` as UTF-8 in a length-value field."""
        return self.lv(text.encode("utf-8"))

    def rest(self, data: bytes) -> Self:
        """Append the unframed end of a message: the counterpart of `Reader.rest`."""
        return self.take(data)

    def to_bytes(self) -> bytes:
        """Return everything written so far."""
        return bytes(self._data)

    def _integer(self, value: int, *, size_bytes: int, order: str) -> Self:
        if not 0 <= value < 1 << (8 * size_bytes):
            raise LocalProtocolError(f"{value} does not fit {size_bytes} bytes")
        self._data += value.to_bytes(size_bytes, "big" if order == "big" else "little")
        return self
