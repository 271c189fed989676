"""A picture for an app of the built-in catalogue, as PNG: a planet and its orbit, told apart by the app's name."""

from __future__ import annotations

import hashlib
import math
import struct
import zlib

_SIDE = 64
_PLANET = 12.0
_ORBIT = 27.0
_LINE = 2.5


def draw_icon(name: str) -> bytes:
    """Return a PNG of 64 by 64 pixels, black on transparent; equal names give equal bytes."""
    angle = hashlib.sha256(name.encode()).digest()[0] / 256 * math.pi
    rows = (b"\x00" + b"".join(bytes((0, _shade(x, y, angle))) for x in range(_SIDE)) for y in range(_SIDE))
    # eight bits of grey and eight of opacity for each pixel; each row begins with its filter, none
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 4, 0, 0, 0)
    data = zlib.compress(b"".join(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _shade(x: int, y: int, angle: float) -> int:
    """Return how much of a pixel is covered, 0 to 255."""
    across, down = x - _SIDE / 2 + 0.5, y - _SIDE / 2 + 0.5
    if math.hypot(across, down) <= _PLANET:
        return 255
    # the orbit is a circle that is seen from the side
    along = across * math.cos(angle) + down * math.sin(angle)
    beside = 2.2 * (down * math.cos(angle) - across * math.sin(angle))
    return 255 if abs(math.hypot(along, beside) - _ORBIT) <= _LINE else 0


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
