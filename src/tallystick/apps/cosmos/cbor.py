"""A strict reader of the little CBOR that textual payloads use (cosmos-app 5, RFC 8949 section 4.2).

Integers, texts, booleans, arrays and maps with definite lengths in their shortest form; nothing is built beyond what the
caller asks for, and nothing recurses.
"""

from __future__ import annotations

from enum import IntEnum, unique

from .fault import Fault, refusal


@unique
class Major(IntEnum):
    """Major types: the upper three bits of an item's first byte."""

    UNSIGNED = 0
    NEGATIVE = 1
    BYTES = 2
    TEXT = 3
    ARRAY = 4
    MAP = 5
    TAG = 6
    SIMPLE = 7


_INLINE_LIMIT = 24
_LARGEST_WIDTH_CODE = 27
_FALSE, _TRUE = 0xF4, 0xF5


class CborReader:
    """Takes items off the front of `payload`; every method raises Reject (6984 with text) for what is not there."""

    __slots__ = ("_at", "_payload")

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._at = 0

    def unsigned(self) -> int:
        """Return the next unsigned integer (64 bits)."""
        return self._head(Major.UNSIGNED)

    def array(self) -> int:
        """Open an array; return how many elements it has."""
        return self._head(Major.ARRAY)

    def map(self) -> int:
        """Open a map; return how many pairs it has."""
        return self._head(Major.MAP)

    def text(self) -> tuple[str, int]:
        """Return the next text and its size in bytes."""
        size = self._head(Major.TEXT)
        raw = self._take(size)
        try:
            return raw.decode("utf-8"), size
        except UnicodeDecodeError:
            raise refusal(Fault.CBOR_OTHER) from None

    def boolean(self) -> bool:
        """Return the next boolean."""
        byte = self._take(1)[0]
        if byte not in {_FALSE, _TRUE}:
            raise refusal(Fault.CBOR_TYPE)
        return byte == _TRUE

    def finish(self) -> None:
        """Check that nothing is left."""
        if self._at != len(self._payload):
            raise refusal(Fault.CBOR_END)

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._payload):
            raise refusal(Fault.CBOR_END)
        taken = self._payload[self._at : end]
        self._at = end
        return taken

    def _head(self, major: Major) -> int:
        first = self._take(1)[0]
        if first >> 5 != major:
            raise refusal(Fault.CBOR_TYPE)
        code = first & 0x1F
        if code < _INLINE_LIMIT:
            return code
        # 28 to 30 are reserved, 31 has no definite length: neither is canonical
        if code > _LARGEST_WIDTH_CODE:
            raise refusal(Fault.CBOR_OTHER)
        width = 1 << (code - _INLINE_LIMIT)
        value = int.from_bytes(self._take(width), "big")
        shortest = _INLINE_LIMIT if width == 1 else 1 << (4 * width)
        if value < shortest:
            raise refusal(Fault.CBOR_OTHER)
        return value
