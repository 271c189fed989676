"""Compressed pixels, as files of pictures and apps that draw have them: runs of equal pixels, and chunks of gzip (native-apps 4).

What they hold is not trusted: both take as much as was asked for, and not a byte more.
"""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["decompress", "expand_rle"]

_DIGITS: Final = b"0123456789abcdef"


def expand_rle(data: bytes, *, bits: int, pixels: int) -> bytes:
    """Return the packed pixels of a run-length picture of 1 or 4 bits, `pixels` at most."""
    digits = _runs_of_one(data, pixels) if bits == 1 else _runs_of_four(data, pixels)
    digits = digits[:pixels]
    if bits == 1:
        padded = digits + b"0" * (-len(digits) % 8)
        return int(padded, 2).to_bytes(len(padded) // 8, "big") if padded else b""
    return bytes.fromhex((digits + b"f" * (len(digits) % 2)).decode())


def _runs_of_one(data: bytes, pixels: int) -> bytes:
    """Each byte: that many dark pixels in the high half, then light ones in the low half."""
    digits = bytearray()
    for byte in data:
        digits += b"0" * (byte >> 4) + b"1" * (byte & 15)
        if len(digits) >= pixels:
            break
    return bytes(digits)


def _runs_of_four(data: bytes, pixels: int) -> bytes:
    """``11`` n: n + 1 white; ``10`` n and a nibble: n + 3 nibbles as they follow; ``0`` n and a nibble: n + 1 of that colour."""
    digits, at = bytearray(), 0
    while at < len(data) and len(digits) < pixels:
        byte = data[at]
        if byte >= 0xC0:
            digits += b"f" * ((byte & 0x3F) + 1)
        elif byte >= 0x80:
            count = (byte >> 4 & 3) + 3
            digits += data[at : at + count // 2 + 1].hex().encode()[1 : 1 + count]
            at += count // 2
        else:
            digits += _DIGITS[byte & 15 : (byte & 15) + 1] * ((byte >> 4) + 1)
        at += 1
    return bytes(digits)


def decompress(data: bytes, *, limit: int) -> bytes:
    """Return the bytes of a picture in chunks (length u16 little endian, then gzip), `limit` at most; b"" where it is damaged."""
    raw, at = b"", 0
    while at + 2 <= len(data) and len(raw) < limit:
        size = int.from_bytes(data[at : at + 2], "little")
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            raw += stream.decompress(data[at + 2 : at + 2 + size], limit - len(raw))
        except zlib.error:
            return b""
        at += 2 + size
    return raw
