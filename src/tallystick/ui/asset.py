"""Data files of the panel: the pixel font, the icon shapes, the outline fonts.

All of them are read once, when first needed, from the package itself; nothing is ever fetched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Polygon = tuple[float, ...]

#: side of the square that icon shapes are drawn in
ICON_GRID = 24


def read_asset(name: str) -> bytes:
    """Return a data file of the panel by its path below `tallystick/ui`."""
    return files("tallystick.ui").joinpath(name).read_bytes()


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character of the pixel font; `left` of the pen, `top` rows above the baseline, rows of 0 and 1."""

    advance: int
    left: int
    top: int
    rows: tuple[str, ...]


@cache
def pixel_faces() -> dict[str, dict[str, Glyph]]:
    """Return the faces `regular`, `bold` and `narrow` of the pixel font (made by scripts/font_build)."""
    document = json.loads(read_asset("font/pixel.json"))
    return {
        face: {character: _glyph(*entry) for character, entry in glyphs.items()} for face, glyphs in document.items()
    }


def _glyph(advance: int, left: int, top: int, width: int, packed: str) -> Glyph:
    digits = (width + 7) // 8 * 2
    rows = [packed[at : at + digits] for at in range(0, len(packed), digits)] if digits else []
    bits = tuple(f"{int(row, 16):0{digits * 4}b}"[:width] for row in rows)
    return Glyph(advance, left, top, bits)


@cache
def icon_shapes() -> dict[str, tuple[Polygon, ...]]:
    """Return the polygons of each icon, x and y by turns on a grid of `ICON_GRID`; where two overlap is a hole."""
    document = json.loads(read_asset("icon.json"))
    return {name: tuple(tuple(polygon) for polygon in polygons) for name, polygons in document.items()}


def is_inside(x: float, y: float, polygons: tuple[Polygon, ...]) -> bool:
    """Say whether a point lies inside an odd number of polygons."""
    inside = False
    for polygon in polygons:
        points = list(zip(polygon[::2], polygon[1::2], strict=True))
        for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
            if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                inside = not inside
    return inside
