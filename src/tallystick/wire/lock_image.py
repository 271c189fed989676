"""The picture on the lock screen of the touch models (wire-protocol C.7).

``width u16 LE | height u16 LE | (depth << 4 | compression) u8 | size u24 LE | data``. Depth 0, 1, 2 is 1, 2, 4 bits a
pixel. Compression 0 is none; 1 is gzip: the pixels in chunks of 2048 bytes, each compressed alone behind its length
(u16 LE).
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import Final, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer

__all__ = ["CHUNK_BYTES", "HEADER_BYTES", "MAX_IMAGE_BYTES", "LockImage"]

HEADER_BYTES: Final = 8
CHUNK_BYTES: Final = 2048
#: no model has more pixels than Flex; at 4 bits, with what gzip adds to chunks that do not shrink
MAX_IMAGE_BYTES: Final = HEADER_BYTES + 480 * 600 // 2 + 64 * 71
_BAD_METADATA: Final = 0x681F
_BAD_SIZE: Final = 0x6820
_GZIP_WINDOW: Final = 31
_BITS: Final = (1, 2, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockImage:
    """A picture: size in pixels, bits of each (1, 2 or 4), and the packed pixels row after row."""

    width: int
    height: int
    bits: int
    pixels: bytes = field(repr=False)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a whole picture and unpack it; a small one cannot swell beyond the pixels it announces.

        Raises RemoteProtocolError: 681F for a header or compression that cannot be, 6820 for a wrong amount of data.
        """
        reader = Reader(raw, status=_BAD_METADATA)
        width, height, kind = reader.u16_le(), reader.u16_le(), reader.u8()
        size = int.from_bytes(reader.take(3), "little")
        if kind >> 4 >= len(_BITS) or kind & 0x0F > 1:
            raise reader.error("unknown depth or compression of a picture")
        bits = _BITS[kind >> 4]
        if reader.remaining != size:
            raise _wrong_size("a picture announces another amount of data than it has")
        expected = (width * height * bits + 7) // 8
        if expected > MAX_IMAGE_BYTES:
            raise reader.error("a picture of more pixels than any screen")
        pixels = _unpack(reader.rest(), expected) if kind & 0x0F else reader.rest()
        if len(pixels) != expected:
            raise _wrong_size("a picture has another number of pixels than it announces")
        return cls(width=width, height=height, bits=bits, pixels=pixels)

    def to_bytes(self, *, compressed: bool = True) -> bytes:
        """Return the picture as it is sent; equal pictures give equal bytes."""
        data = _pack(self.pixels) if compressed else self.pixels
        kind = _BITS.index(self.bits) << 4 | compressed
        writer = Writer().u16_le(self.width).u16_le(self.height).u8(kind)
        return writer.take(len(data).to_bytes(3, "little")).take(data).to_bytes()


def _wrong_size(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(message, status=_BAD_SIZE)


def _pack(pixels: bytes) -> bytes:
    writer = Writer()
    for at in range(0, len(pixels), CHUNK_BYTES):
        chunk = gzip.compress(pixels[at : at + CHUNK_BYTES], mtime=0)
        writer.u16_le(len(chunk)).take(chunk)
    return writer.to_bytes()


def _unpack(data: bytes, expected: int) -> bytes:
    reader = Reader(data, status=_BAD_SIZE)
    pixels = bytearray()
    while reader.remaining:
        if len(pixels) >= expected:
            raise _wrong_size("a picture has more pixels than it announces")
        chunk = reader.take(reader.u16_le())
        stream = zlib.decompressobj(_GZIP_WINDOW)
        try:
            pixels += stream.decompress(chunk, CHUNK_BYTES)
            ended = stream.decompress(stream.unconsumed_tail, 1) == b"" and stream.eof
        except zlib.error:
            ended = False
        if not ended or stream.unused_data:
            raise RemoteProtocolError("a part of a picture is no gzip of 2048 bytes", status=_BAD_METADATA)
    return bytes(pixels)
